//! How much memory a task takes that sleeps.

use std::mem::forget;
use std::time::Duration;

use super::absent::Absent;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::CrowdPlan;
use crate::recorder::Recorder;
use crate::usage::resident;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(3600);

pub(crate) async fn sleep_memory<C: Contender>(
    contender: &'static C,
    plan: CrowdPlan,
) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.tasks);
    let absent = Absent::new();
    while recorder.wants_more() {
        // Made and touched before: only what the tasks take is to count.
        let mut tasks: Vec<Option<C::Task<()>>> = (0..plan.tasks).map(|_| None).collect();
        let before = resident();
        absent.begin(plan.tasks);
        for task in &mut tasks {
            *task = Some(contender.spawn(sleeper::<C>(absent)));
        }
        absent.none().await;
        let grown = resident().saturating_sub(before);
        recorder.add_value(grown as f64 / plan.tasks as f64);
        // Nobody sleeps that long: the tasks end with the process.
        forget(tasks);
    }
    recorder.finish()
}

async fn sleeper<C: Contender>(absent: &'static Absent) {
    // A moment early: it sleeps when this poll is over.
    absent.one_less();
    C::sleep(LONG).await;
}

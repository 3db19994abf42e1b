//! How much memory a task takes that waits.

use super::absent::Absent;
use super::crowd::Crowd;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::CrowdPlan;
use crate::recorder::Recorder;
use crate::usage::resident;

pub(crate) async fn memory<C: Contender>(contender: &'static C, plan: CrowdPlan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.tasks);
    let absent = Absent::new();
    while recorder.wants_more() {
        let mut crowd = Crowd::new(contender, absent, plan.tasks);
        let before = resident();
        crowd.gather().await;
        let grown = resident().saturating_sub(before);
        recorder.add_value(grown as f64 / plan.tasks as f64);
        crowd.dismiss().await;
    }
    recorder.finish()
}

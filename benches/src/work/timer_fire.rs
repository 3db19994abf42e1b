//! Tasks that each sleep once: what they cost, not how long they take.

use super::absent::Absent;
use super::durations::Durations;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::FirePlan;
use crate::recorder::Recorder;
use crate::usage::Usage;

pub(crate) async fn timer_fire<C: Contender>(contender: &'static C, plan: FirePlan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.tasks);
    let absent = Absent::new();
    let mut durations = Durations::between(plan.shortest, plan.longest, 0);
    while recorder.wants_more() {
        absent.begin(plan.tasks);
        let before = Usage::now();
        for _ in 0..plan.tasks {
            let duration = durations.draw();
            C::detach(contender.spawn(async move {
                C::sleep(duration).await;
                absent.one_less();
            }));
        }
        absent.none().await;
        let used = Usage::now().since(before).cpu;
        recorder.add_value(used.as_nanos() as f64 / plan.tasks as f64);
    }
    recorder.finish()
}

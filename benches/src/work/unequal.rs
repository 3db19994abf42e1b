//! Tasks of which a few compute far longer than the rest: how evenly the workers share them.

use std::time::{Duration, Instant};

use super::spin::spin;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn unequal<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    let unequal = plan.unequal;
    let perfect = unequal.work() / plan.workers as u32;
    let mut recorder = Recorder::new(plan.sampling, unequal.tasks);
    let mut tasks = Vec::with_capacity(unequal.tasks);
    while recorder.wants_more() {
        let begin = Instant::now();
        for number in 0..unequal.tasks {
            let duration = unequal.duration(number);
            tasks.push(contender.spawn(async move {
                spin(duration);
                duration
            }));
        }
        let mut done = Duration::ZERO;
        for task in tasks.drain(..) {
            done += C::join(task).await;
        }
        recorder.add_value(begin.elapsed().div_duration_f64(perfect));
        assert_eq!(done, unequal.work(), "every task has computed");
    }
    recorder.finish()
}

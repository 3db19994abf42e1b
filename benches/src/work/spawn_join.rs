//! A task on a worker spawns empty tasks and awaits every handle.

use std::time::Instant;

use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn spawn_join<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.tasks);
    let mut tasks = Vec::with_capacity(plan.tasks);
    while recorder.wants_more() {
        let begin = Instant::now();
        for _ in 0..plan.tasks {
            tasks.push(contender.spawn(async {}));
        }
        // `join` panics for a task that has not run to its end.
        for task in tasks.drain(..) {
            C::join(task).await;
        }
        recorder.add(begin.elapsed());
    }
    recorder.finish()
}

//! Tasks that only let each other run.

use std::time::Instant;

use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn yield_many<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    let operations = plan.yielders * plan.yields;
    let mut recorder = Recorder::new(plan.sampling, operations);
    let mut tasks = Vec::with_capacity(plan.yielders);
    while recorder.wants_more() {
        let begin = Instant::now();
        for _ in 0..plan.yielders {
            tasks.push(contender.spawn(yield_often::<C>(plan.yields)));
        }
        let mut yielded = 0;
        for task in tasks.drain(..) {
            yielded += C::join(task).await;
        }
        recorder.add(begin.elapsed());
        assert_eq!(yielded, operations, "every task yielded as often as it was told");
    }
    recorder.finish()
}

async fn yield_often<C: Contender>(times: usize) -> usize {
    let mut yielded = 0;
    while yielded < times {
        C::yield_now().await;
        yielded += 1;
    }
    yielded
}

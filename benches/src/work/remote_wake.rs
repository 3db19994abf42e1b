//! A thread that is no worker submits a task and blocks for its result, one at a time.

use std::time::Instant;

use super::outside::outside;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn remote_wake<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    outside(move || {
        let mut recorder = Recorder::new(plan.sampling, plan.wakes);
        let mut latencies = Vec::with_capacity(plan.wakes);
        while recorder.wants_more() {
            latencies.clear();
            for number in 0..plan.wakes {
                let begin = Instant::now();
                let result = contender.submit_and_wait(async move { number });
                latencies.push(begin.elapsed().as_nanos() as f64);
                assert_eq!(result, number, "each submission has its own result");
            }
            recorder.add_latencies(&mut latencies);
        }
        recorder.finish()
    })
    .await
}

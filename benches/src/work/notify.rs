//! Two tasks wake each other.

use std::time::Instant;

use crate::contender::{Primitives, WakeUp};
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn notify<C: Primitives>(contender: &'static C, plan: Plan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.round_trips);
    let ping: &'static C::Notify = Box::leak(Box::new(C::Notify::new()));
    let pong: &'static C::Notify = Box::leak(Box::new(C::Notify::new()));
    while recorder.wants_more() {
        let begin = Instant::now();
        let answers = contender.spawn(answer(ping.listen(), ping, pong, plan.round_trips));
        for _ in 0..plan.round_trips {
            let answered = pong.listen();
            ping.notify();
            answered.await;
        }
        recorder.add(begin.elapsed());
        assert_eq!(C::join(answers).await, plan.round_trips, "every wake-up was answered");
    }
    recorder.finish()
}

/// Waits for so many wake-ups, of which the first may have come already. How many it answered.
async fn answer<W: WakeUp>(
    first: impl Future<Output = ()> + Send,
    ping: &'static W,
    pong: &'static W,
    times: usize,
) -> usize {
    first.await;
    for _ in 1..times {
        // Before the answer, which brings the next one.
        let next = ping.listen();
        pong.notify();
        next.await;
    }
    pong.notify();
    times
}

//! Timeouts that do not happen: sleeps are made, polled once and dropped, by several tasks.

use std::pin::pin;
use std::time::{Duration, Instant};

use super::durations::Durations;
use super::pending::{STINT, poll_once};
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn timer_cancel<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    let cancel = plan.cancel;
    let operations = cancel.tasks * cancel.sleeps;
    let mut recorder = Recorder::new(plan.sampling, operations);
    let mut tasks = Vec::with_capacity(cancel.tasks);
    while recorder.wants_more() {
        let begin = Instant::now();
        for stream in 0..cancel.tasks {
            let work = sleep_in_vain::<C>(cancel.sleeps, STINT, stream);
            tasks.push(contender.spawn(work));
        }
        let mut cancelled = 0;
        for task in tasks.drain(..) {
            cancelled += C::join(task).await;
        }
        recorder.add(begin.elapsed());
        assert_eq!(cancelled, operations, "every sleep was pending, and dropped");
    }
    recorder.finish()
}

/// Makes sleeps that are as long as timeouts are, polls each once and drops it. How many there were.
pub(super) async fn sleep_in_vain<C: Contender>(
    sleeps: usize,
    stint: usize,
    stream: usize,
) -> usize {
    let mut durations = Durations::between(Duration::from_secs(1), Duration::from_secs(60), stream);
    let mut dropped = 0;
    while dropped < sleeps {
        for _ in 0..stint.min(sleeps - dropped) {
            poll_once(pin!(C::sleep(durations.draw()))).await;
            dropped += 1;
        }
        C::yield_now().await;
    }
    dropped
}

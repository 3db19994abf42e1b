//! What a timeout costs that does not happen, among many sleeps that wait.

use std::pin::pin;
use std::time::{Duration, Instant};

use super::durations::Durations;
use super::pending::{LONE_STINT, poll_once};
use super::timer_cancel::sleep_in_vain;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::TimersPlan;
use crate::recorder::Recorder;

/// How long the sleeps are that wait: longer than a process takes.
const SHORTEST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(60);
/// How far off the nearest deadline is. Shorter than any timeout, so that none of them is the next
/// one to wait for: to tell that to a worker that sleeps costs the same among few and among many.
const NEAREST: Duration = Duration::from_millis(900);

pub(crate) async fn timers<C: Contender>(_contender: &'static C, plan: TimersPlan) -> Measurement {
    let mut durations = Durations::between(SHORTEST, LONGEST, 0);
    let mut pending = Vec::with_capacity(plan.pending);
    for _ in 0..plan.pending {
        let mut sleep = Box::pin(C::sleep(durations.draw()));
        poll_once(sleep.as_mut()).await;
        pending.push(sleep);
    }
    let mut nearest = pin!(C::sleep(NEAREST));
    let mut recorder = Recorder::new(plan.sampling, plan.sleeps);
    let mut stream = 0;
    while recorder.wants_more() {
        C::reset(nearest.as_mut(), C::now() + NEAREST);
        poll_once(nearest.as_mut()).await;
        stream += 1;
        let begin = Instant::now();
        let dropped = sleep_in_vain::<C>(plan.sleeps, LONE_STINT, stream).await;
        recorder.add(begin.elapsed());
        assert_eq!(dropped, plan.sleeps, "every sleep was pending, and dropped");
        poll_once(nearest.as_mut()).await;
    }
    let measurement = recorder.finish();
    for sleep in &mut pending {
        poll_once(sleep.as_mut()).await;
    }
    measurement
}

//! The idle timeout of a connection: one sleep, whose deadline moves whenever something happens.

use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use super::pending::{LONE_STINT, poll_once};
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

const TIMEOUT: Duration = Duration::from_secs(30);
/// From one deadline to the next, where the clock is not looked at.
const STEP: Duration = Duration::from_micros(1);

/// Each deadline is a step after the one before.
pub(crate) async fn timer_reset<C: Contender>(_contender: &'static C, plan: Plan) -> Measurement {
    reset_often::<C>(plan, |deadline| deadline + STEP).await
}

/// Each deadline is the timeout after now.
pub(crate) async fn timer_reset_now<C: Contender>(
    _contender: &'static C,
    plan: Plan,
) -> Measurement {
    reset_often::<C>(plan, |_| C::now() + TIMEOUT).await
}

async fn reset_often<C: Contender>(
    plan: Plan,
    next: impl Fn(C::Instant) -> C::Instant,
) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.resets);
    while recorder.wants_more() {
        let mut deadline = C::now() + TIMEOUT;
        let mut sleep = pin!(C::sleep_until(deadline));
        poll_once(sleep.as_mut()).await;
        let mut resets = 0;
        let begin = Instant::now();
        while resets < plan.resets {
            for _ in 0..LONE_STINT.min(plan.resets - resets) {
                deadline = next(deadline);
                reset::<C>(sleep.as_mut(), deadline).await;
                resets += 1;
            }
            C::yield_now().await;
        }
        recorder.add(begin.elapsed());
        assert_eq!(resets, plan.resets, "every reset was followed by a poll that was pending");
    }
    recorder.finish()
}

async fn reset<C: Contender>(mut sleep: Pin<&mut C::Sleep>, deadline: C::Instant) {
    C::reset(sleep.as_mut(), deadline);
    poll_once(sleep).await;
}

//! The idle timeout of a connection: one sleep, whose deadline moves whenever something happens.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
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
            let stint = LONE_STINT.min(plan.resets - resets);
            // In one poll of the task: its own costs are not those of a reset.
            let pending = poll_fn(|context| {
                let pending = (0..stint).filter(|_| {
                    deadline = next(deadline);
                    C::reset(sleep.as_mut(), deadline);
                    sleep.as_mut().poll(context).is_pending()
                });
                Poll::Ready(pending.count())
            })
            .await;
            resets += pending;
            assert_eq!(pending, stint, "a sleep is not over before its deadline");
            C::yield_now().await;
        }
        recorder.add(begin.elapsed());
    }
    recorder.finish()
}

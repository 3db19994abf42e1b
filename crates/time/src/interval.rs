//! Ticks at a steady period.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;

use crate::Instant;
use crate::sleep::{Sleep, sleep_until};

/// What an [`Interval`] does about ticks nobody waited for in time.
///
/// A tick is *missed* if it is given a whole period or more after it was due. One that is merely
/// late changes nothing: the next is due where it always was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissedTick {
    /// Gives every missed tick, one after the other, until the schedule is met again.
    #[default]
    Burst,
    /// Begins a new schedule: the next tick is a period from now.
    Delay,
    /// Leaves out the missed ticks and keeps to the schedule.
    Skip,
}

/// Ticks now, and then once every `period`.
///
/// # Panics
///
/// If `period` is zero, and outside an event loop; the text names the fix.
///
/// ```
/// use std::time::Duration;
/// use loopwork_time::{Clock, MissedTick, Timers, interval};
///
/// let timers = Timers::new(Clock::real(), 1);
/// let _entered = timers.enter(); // an event loop does this
/// let ticks = interval(Duration::from_secs(60)).with_missed_tick(MissedTick::Skip);
/// assert_eq!(ticks.period(), Duration::from_secs(60));
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(crate::sleep::now(), period)
}

/// Ticks at `start`, and then once every `period`.
///
/// # Panics
///
/// If `period` is zero, and outside an event loop; the text names the fix.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(
        !period.is_zero(),
        "an interval with a period of zero would tick for ever: give it a period of at least a \
         nanosecond, or use `sleep(Duration::ZERO)` in a loop to let others run"
    );
    Interval { sleep: sleep_until(start), period, missed: MissedTick::default() }
}

/// Ticks at a steady period. Made by [`interval`] and [`interval_at`].
///
/// It is also a stream of the ticks that never ends. Each tick waits for at least one turn of the
/// timers, so that catching up does not keep others from running. A tick beyond the end of the
/// clock never comes.
///
/// asyncio has no counterpart: there one writes a loop around `sleep`, which drifts.
#[derive(Debug)]
#[must_use = "an interval ticks only while it is polled"]
pub struct Interval {
    sleep: Sleep,
    period: Duration,
    missed: MissedTick,
}

impl Interval {
    /// Sets what to do about missed ticks. [`MissedTick::Burst`] unless set.
    pub fn with_missed_tick(mut self, missed: MissedTick) -> Self {
        self.missed = missed;
        self
    }

    /// What to do about missed ticks.
    #[must_use]
    pub fn missed_tick(&self) -> MissedTick {
        self.missed
    }

    /// The time between ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Waits for the next tick, and says when it was due.
    ///
    /// Dropping the future loses no tick.
    pub fn tick(&mut self) -> Tick<'_> {
        Tick { interval: self }
    }

    /// Polls for the next tick. If it is pending, the task is woken at the tick.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(Pin::new(&mut self.sleep).poll(cx));
        let due = self.sleep.deadline();
        self.sleep.reset(self.following(due, self.sleep.now()));
        Poll::Ready(due)
    }

    /// Makes the next tick come a period from now.
    pub fn reset(&mut self) {
        let next = self.sleep.now() + self.period;
        self.sleep.reset(next);
    }

    /// When the tick after the one that was `due` comes, if that one is given `now`.
    fn following(&self, due: Instant, now: Instant) -> Instant {
        let next = due + self.period;
        if now < next {
            return next;
        }
        match self.missed {
            MissedTick::Burst => next,
            MissedTick::Delay => now + self.period,
            MissedTick::Skip => {
                // `now` is a period or more after `due`, so the period fits in a `u64`.
                let period = self.period.as_nanos() as u64;
                let past_a_tick = (now.as_nanos() - due.as_nanos()) % period;
                now + Duration::from_nanos(period - past_a_tick)
            }
        }
    }
}

impl Stream for Interval {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.poll_tick(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

/// Waits for one tick. Made by [`Interval::tick`].
#[derive(Debug)]
#[must_use = "a tick is waited for only while it is polled"]
pub struct Tick<'a> {
    interval: &'a mut Interval,
}

impl Future for Tick<'_> {
    type Output = Instant;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        self.interval.poll_tick(cx)
    }
}

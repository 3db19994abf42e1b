//! A timer that wakes whatever it was given, without a future.

use std::fmt;
use std::task::Waker;

use super::{Seat, Timers};
use crate::Instant;

/// A registered deadline. Dropping it takes it out of the timers, if it has not fired.
///
/// Made by [`Timers::alarm`].
#[must_use = "an alarm that is dropped never rings"]
pub struct Alarm {
    _seat: Seat,
}

impl Timers {
    /// Wakes `waker` once, at `deadline`. `None`, if the timers are closed.
    ///
    /// For what is not a future: a callback that is due at a time. All alarms of a loop are in one
    /// wheel, whichever thread made them, so that they ring in one order of deadlines and
    /// registrations.
    ///
    /// ```
    /// use loopwork_time::{Clock, Instant, Timers};
    ///
    /// let timers = Timers::new(Clock::real(), 1);
    /// let alarm = timers.alarm(Instant::now(), std::task::Waker::noop()).expect("open");
    /// assert_eq!(timers.len(), 1);
    /// drop(alarm);
    /// assert!(timers.is_empty());
    /// ```
    #[must_use = "an alarm that is dropped never rings"]
    pub fn alarm(&self, deadline: Instant, waker: &Waker) -> Option<Alarm> {
        Some(Alarm { _seat: self.insert(deadline, waker)? })
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
}

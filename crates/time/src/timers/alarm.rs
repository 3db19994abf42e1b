//! A timer that wakes whatever it was given, without a future.

use std::fmt;
use std::task::Waker;

use super::Timers;
use crate::Instant;
use crate::wheel::Key;

/// A registered deadline. Dropping it takes it out of the timers, if it has not fired.
///
/// Made by [`Timers::alarm`].
#[must_use = "an alarm that is dropped never rings"]
pub struct Alarm {
    timers: Timers,
    key: Key,
}

impl Timers {
    /// Wakes `waker` once, at `deadline`, in the order of deadlines and registrations that sleeps
    /// have. `None`, if the timers are closed.
    ///
    /// For what is not a future: a callback that is due at a time.
    ///
    /// ```
    /// use loopwork_time::{Clock, Instant, Timers};
    ///
    /// let timers = Timers::new(Clock::real());
    /// let alarm = timers.alarm(Instant::now(), std::task::Waker::noop()).expect("open");
    /// assert_eq!(timers.len(), 1);
    /// drop(alarm);
    /// assert!(timers.is_empty());
    /// ```
    #[must_use = "an alarm that is dropped never rings"]
    pub fn alarm(&self, deadline: Instant, waker: &Waker) -> Option<Alarm> {
        let key = self.insert(deadline, waker)?;
        Some(Alarm { timers: self.clone(), key })
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.timers.remove(self.key);
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
}

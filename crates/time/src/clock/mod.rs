//! Who says what time it is.

mod virtual_time;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use loopwork_shim::clock::nanos;

pub use self::virtual_time::Hold;
use self::virtual_time::VirtualTime;
use crate::{Instant, Timers};

/// How far the origin lies before that of the system's clock: room for deadlines in the past, and
/// at the end of a float's precision still 15 ns. Picked for roundness.
const HEADROOM: Duration = Duration::from_secs(24 * 60 * 60);

/// A source of [`Instant`]s. Clones tell the same time.
///
/// A loop goes by the [real](Clock::real) clock unless its builder is given a
/// [virtual](Clock::virtual_time) one.
///
/// ```
/// use loopwork_time::Clock;
/// let clock = Clock::real();
/// let before = clock.now();
/// assert!(clock.now() >= before);
/// ```
#[doc(alias = "loop.time")]
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    Real,
    Virtual(Arc<VirtualTime>),
}

impl Clock {
    /// The machine's monotonic clock. It never goes backwards and is not set by anyone.
    #[must_use]
    pub fn real() -> Self {
        Self(Source::Real)
    }

    /// A clock that stands still while anything runs, and jumps to the next deadline when nothing can:
    /// a test that sleeps for a year ends at once, and at the same time by the clock in every run.
    ///
    /// It begins a day after the origin of [`Instant`]s. Time jumps when every worker of the loop
    /// sleeps, no task and no callback is ready, and a look for I/O found nothing. What runs elsewhere
    /// and will come back holds it: work of an executor, code in `block_in_place`, child
    /// processes that are waited for, and whoever has a [`hold`](Clock::hold). A socket does not: what
    /// the other end will say, and when, nobody knows.
    ///
    /// A virtual clock is for one loop at a time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use loopwork_time::Clock;
    /// let clock = Clock::virtual_time();
    /// let start = clock.now();
    /// std::thread::sleep(Duration::from_millis(1));
    /// assert_eq!(clock.now(), start);
    /// ```
    #[must_use]
    pub fn virtual_time() -> Self {
        let start = Instant::from_nanos(0) + HEADROOM;
        Self(Source::Virtual(Arc::new(VirtualTime::new(start))))
    }

    /// Whether it is a virtual clock.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        matches!(self.0, Source::Virtual(_))
    }

    /// The time now.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::Real => Instant::from_nanos(0) + HEADROOM + Duration::from_nanos(nanos()),
            Source::Virtual(time) => time.now(),
        }
    }

    /// The time now, if the shim's clock shows `nanos`, which the caller has just read.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn now_at(&self, nanos: u64) -> Instant {
        match &self.0 {
            Source::Real => Instant::from_nanos(0) + HEADROOM + Duration::from_nanos(nanos),
            Source::Virtual(time) => time.now(),
        }
    }

    /// Keeps virtual time from jumping while the guard lives, except as far as
    /// [`advance`](Clock::advance) asks. Guards add up. On a real clock it does nothing.
    ///
    /// For a thread of your own that will hand something to the loop, and for tests that move time
    /// by hand.
    ///
    /// ```
    /// use loopwork_time::Clock;
    /// let clock = Clock::virtual_time();
    /// let hold = clock.hold();
    /// // nothing happens by itself
    /// drop(hold);
    /// ```
    pub fn hold(&self) -> Hold {
        match &self.0 {
            Source::Real => Hold::none(),
            Source::Virtual(time) => time.hold(),
        }
    }

    /// As [`hold`](Clock::hold), of work that will come back by itself: `advance` waits for it too.
    #[doc(hidden)]
    pub fn in_flight(&self) -> Hold {
        match &self.0 {
            Source::Real => Hold::none(),
            Source::Virtual(time) => time.in_flight(),
        }
    }

    /// [`in_flight`](Clock::in_flight) by the clock of the loop that this is in. None outside.
    #[doc(hidden)]
    #[must_use]
    pub fn hold_current() -> Option<Hold> {
        Timers::current().ok().map(|timers| timers.clock().in_flight())
    }

    /// Lets `duration` pass, also while time is [held](Clock::hold), and waits until it has.
    ///
    /// Time goes from one deadline to the next on the way, and what is due at each runs before it goes
    /// on: a task that sleeps for a second ten times has done so when ten seconds have passed. It is
    /// not more than that: what the last deadline makes ready may run after this returns.
    ///
    /// Dropped, the time that was asked for may pass all the same.
    ///
    /// # Panics
    ///
    /// When polled outside the loop of this clock. On a real clock, which nobody moves: use `sleep`.
    ///
    /// tokio: `time::advance`, which goes there in one step.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use loopwork_time::Clock;
    /// # async fn test(clock: Clock) {
    /// let _hold = clock.hold();
    /// let start = clock.now();
    /// clock.advance(Duration::from_secs(3600)).await;
    /// assert_eq!(clock.now() - start, Duration::from_secs(3600));
    /// # }
    /// ```
    pub fn advance(&self, duration: Duration) -> impl Future<Output = ()> + Send + use<> {
        let clock = self.clone();
        async move {
            let Source::Virtual(time) = &clock.0 else {
                panic!("nobody moves the real clock: use `sleep`, or a `Clock::virtual_time`")
            };
            let target = time.now() + duration;
            time.permit(target);
            crate::sleep_until(target).await;
            assert_eq!(Instant::now(), clock.now(), "`advance` is for the loop of this clock");
        }
    }

    /// Moves a virtual clock to `now`, or leaves it where it is if that would be backwards.
    #[doc(hidden)]
    pub fn set(&self, now: Instant) {
        match &self.0 {
            Source::Real => panic!("nobody sets the real clock: make a `Clock::virtual_time`"),
            Source::Virtual(time) => time.set(now),
        }
    }

    /// Whether nothing keeps a virtual clock from jumping to `deadline`, but what the loop itself has
    /// to do: that is to be looked at afterwards.
    #[doc(hidden)]
    #[must_use]
    pub fn may_jump_to(&self, deadline: Instant) -> bool {
        match &self.0 {
            Source::Real => false,
            Source::Virtual(time) => time.may_jump_to(deadline),
        }
    }

    /// Binds a virtual clock to a loop, whose driver `wake` unparks when time may go on. False if it
    /// has a loop already.
    #[doc(hidden)]
    #[must_use]
    pub fn attach(&self, wake: Arc<dyn Fn() + Send + Sync>) -> bool {
        match &self.0 {
            Source::Real => true,
            Source::Virtual(time) => time.attach(wake),
        }
    }

    /// Ends what [`attach`](Clock::attach) began.
    #[doc(hidden)]
    pub fn detach(&self) {
        if let Source::Virtual(time) = &self.0 {
            time.detach();
        }
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_real_clock_never_goes_back() {
        let clock = Clock::real();
        let mut last = clock.now();
        for _ in 0..1000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn clones_of_a_virtual_clock_tell_the_same_time() {
        let clock = Clock::virtual_time();
        let (start, twin) = (clock.now(), clock.clone());
        let later = start + Duration::from_nanos(9);
        clock.set(later);
        assert_eq!(twin.now(), later);
        twin.set(start);
        assert_eq!(clock.now(), later, "never backwards");
    }

    #[test]
    fn a_hold_stops_time_but_for_what_is_asked_for() {
        let clock = Clock::virtual_time();
        let soon = clock.now() + Duration::from_secs(1);
        assert!(clock.may_jump_to(soon));
        let holds = [clock.hold(), clock.hold()];
        assert!(!clock.may_jump_to(soon));
        drop(clock.advance(Duration::from_secs(1)));
        assert!(!clock.may_jump_to(soon), "it was not polled");
        drop(holds);
        assert!(clock.may_jump_to(soon));
        let _work = clock.in_flight();
        assert!(!clock.may_jump_to(soon));
    }
}

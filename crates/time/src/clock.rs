//! Who says what time it is.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use loopwork_shim::atomic::{AtomicU64, Ordering};

use crate::Instant;

/// How far before the first reading the origin lies: room for deadlines in the past, and at the
/// end of a float's precision still 15 ns. Picked for roundness.
const HEADROOM: Duration = Duration::from_secs(24 * 60 * 60);

/// A source of [`Instant`]s. Clones tell the same time.
///
/// ```
/// use loopwork_time::Clock;
/// let clock = Clock::real();
/// let before = clock.now();
/// assert!(clock.now() >= before);
/// ```
#[doc(alias = "loop.time")]
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    Real,
    /// Nanoseconds since the origin, moved by hand.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's monotonic clock. It never goes backwards and is not set by anyone.
    #[must_use]
    pub fn real() -> Self {
        Self(Source::Real)
    }

    /// A clock that stands still until [`set`](Clock::set), for tests of timers.
    #[doc(hidden)]
    #[must_use]
    pub fn manual(start: Instant) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(start.as_nanos()))))
    }

    /// Moves a manual clock to `now`, or leaves it where it is if that would be backwards.
    #[doc(hidden)]
    pub fn set(&self, now: Instant) {
        match &self.0 {
            Source::Real => panic!("nobody sets the real clock: make a `Clock::manual`"),
            Source::Manual(nanos) => {
                // Ordering: Relaxed; the clock publishes nothing but its own value.
                nanos.fetch_max(now.as_nanos(), Ordering::Relaxed);
            }
        }
    }

    /// The time now.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::Real => real_now(),
            // Ordering: Relaxed, as in `set`.
            Source::Manual(nanos) => Instant::from_nanos(nanos.load(Ordering::Relaxed)),
        }
    }
}

fn real_now() -> Instant {
    // Not the shim's: it is written once, before any value derived from it exists.
    static ORIGIN: OnceLock<std::time::Instant> = OnceLock::new();
    let now = std::time::Instant::now();
    let first = *ORIGIN.get_or_init(|| now);
    Instant::from_nanos(0) + HEADROOM + now.saturating_duration_since(first)
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
    fn clones_of_a_manual_clock_tell_the_same_time() {
        let clock = Clock::manual(Instant::from_nanos(7));
        let twin = clock.clone();
        clock.set(Instant::from_nanos(9));
        assert_eq!(twin.now(), Instant::from_nanos(9));
        twin.set(Instant::from_nanos(8));
        assert_eq!(clock.now(), Instant::from_nanos(9));
    }
}

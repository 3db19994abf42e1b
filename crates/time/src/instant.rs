//! A point in time.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

use crate::clock::Clock;
use crate::timers::{Current, with_current};

/// A point on a loop's clock, in whole nanoseconds since an origin common to the process.
///
/// The origin is one day before that of the system's monotonic clock, which on Linux is when the
/// system started, so that points in the recent past exist always. Arithmetic saturates and never panics: what lies beyond the end is
/// [`FAR_FUTURE`](Instant::FAR_FUTURE), which never comes, and what lies before the origin is the
/// origin. `FAR_FUTURE` plus or minus any duration is still `FAR_FUTURE`.
///
/// The counterpart of the floats that asyncio's `loop.time()` gives.
///
/// ```
/// use std::time::Duration;
/// use loopwork_time::Instant;
///
/// let start = Instant::now();
/// assert!(start + Duration::from_secs(1) > start);
/// assert_eq!(start + Duration::MAX, Instant::FAR_FUTURE);
/// assert_eq!(start - (start + Duration::from_secs(1)), Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The time that never comes. A sleep until then never ends.
    #[doc(alias = "inf")]
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The time now: by the clock of the [current timers](crate::Timers::current) inside a loop, by the
    /// real clock elsewhere.
    #[doc(alias = "loop.time")]
    #[must_use]
    pub fn now() -> Self {
        with_current(Current::now).unwrap_or_else(|| Clock::real().now())
    }

    /// The point `nanos` nanoseconds after the origin. `u64::MAX` is `FAR_FUTURE`.
    #[inline]
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin. `u64::MAX` for `FAR_FUTURE`.
    #[inline]
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the origin, rounded to what a float can hold (about 15 ns after a day).
    /// Infinite for `FAR_FUTURE`.
    #[doc(alias = "loop.time")]
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        if self == Self::FAR_FUTURE {
            f64::INFINITY
        } else {
            Duration::from_nanos(self.0).as_secs_f64()
        }
    }

    /// How long ago this was, or zero if it is still to come.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Self::now().saturating_duration_since(self)
    }

    /// The time from `earlier` to here, or zero if `earlier` is later. From any time to
    /// `FAR_FUTURE` it is `Duration::MAX`.
    #[inline]
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        match self.checked_duration_since(earlier) {
            Some(duration) => duration,
            None => Duration::ZERO,
        }
    }

    /// The time from `earlier` to here, or `None` if `earlier` is later. From any time to
    /// `FAR_FUTURE` it is `Duration::MAX`.
    #[must_use]
    pub const fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        if self.0 < earlier.0 {
            None
        } else if self.0 == u64::MAX && earlier.0 != u64::MAX {
            Some(Duration::MAX)
        } else {
            Some(Duration::from_nanos(self.0 - earlier.0))
        }
    }

    /// The point `duration` later, or `None` where `+` would give `FAR_FUTURE`.
    #[must_use]
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        Some(self + duration).filter(|&sum| sum != Self::FAR_FUTURE)
    }

    /// The point `duration` earlier, or `None` if that lies before the origin or `self` is
    /// `FAR_FUTURE`.
    #[must_use]
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        let nanos = u64::try_from(duration.as_nanos()).ok()?;
        if self == Self::FAR_FUTURE { None } else { self.0.checked_sub(nanos).map(Self) }
    }
}

/// `duration` in nanoseconds, `u64::MAX` (584 years) if it is longer.
#[inline]
fn saturating_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;
    #[inline]
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(saturating_nanos(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        if self == Self::FAR_FUTURE {
            self
        } else {
            Self(self.0.saturating_sub(saturating_nanos(duration)))
        }
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::FAR_FUTURE {
            f.write_str("Instant(FAR_FUTURE)")
        } else {
            write!(f, "Instant({:?})", Duration::from_nanos(self.0))
        }
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn absurd_durations_never_overflow() {
        let now = Instant::now();
        for absurd in [Duration::MAX, Duration::from_secs(1 << 55), Duration::from_nanos(u64::MAX)]
        {
            assert_eq!(now + absurd, Instant::FAR_FUTURE);
            assert_eq!(now - absurd, Instant::from_nanos(0));
            assert_eq!(now.checked_add(absurd), None);
            assert_eq!(now.checked_sub(absurd), None);
        }
    }

    #[test]
    fn the_far_future_stays_far() {
        let never = Instant::FAR_FUTURE;
        assert_eq!(never + SECOND, never);
        assert_eq!(never - SECOND, never);
        assert_eq!(never.checked_sub(SECOND), None);
        assert_eq!(never.as_secs_f64(), f64::INFINITY);
        assert_eq!(Instant::now() + (never - Instant::now()), never);
        assert_eq!(never - never, Duration::ZERO);
    }

    #[test]
    fn differences_do_not_go_below_zero() {
        let early = Instant::from_nanos(5);
        let late = early + SECOND;
        assert_eq!(late - early, SECOND);
        assert_eq!(early - late, Duration::ZERO);
        assert_eq!(early.checked_duration_since(late), None);
        assert_eq!(late.checked_duration_since(early), Some(SECOND));
        assert_eq!(late.checked_sub(SECOND), Some(early));
    }

    #[test]
    fn the_recent_past_exists_from_the_first_reading_on() {
        let now = Instant::now();
        assert!(now - 2 * SECOND < now - SECOND);
    }
}

//! The clock of a loop, and of its timers.

#[cfg(loopwork_shuttle)]
pub use self::kind::with_time;
pub use self::kind::{Clock, nanos};

#[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
mod kind {
    use rustix::time::{ClockId, clock_gettime};

    /// Nanoseconds since the origin of the system's monotonic clock, which is in the past: on Linux,
    /// when it started.
    ///
    /// `std::time::Instant` reads the same clock, and takes twice the instructions to tell the
    /// difference between two of its values.
    #[inline]
    #[must_use]
    pub fn nanos() -> u64 {
        let now = clock_gettime(ClockId::Monotonic);
        // 584 years fit.
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }

    /// Tells [`nanos`].
    #[derive(Debug)]
    pub struct Clock(());

    impl Clock {
        /// All of them tell the same time, except in models.
        #[expect(clippy::new_without_default, reason = "two clocks of a model differ")]
        #[must_use]
        pub fn new() -> Self {
            Self(())
        }

        /// The time now, in nanoseconds.
        #[inline]
        #[must_use]
        pub fn now(&self) -> u64 {
            nanos()
        }
    }
}

/// loom has no time.
#[cfg(loopwork_loom)]
mod kind {
    /// Stands still.
    #[derive(Debug)]
    pub struct Clock(());

    impl Clock {
        /// Its time is zero, and stays so.
        #[expect(clippy::new_without_default, reason = "as without loom")]
        pub fn new() -> Self {
            Self(())
        }

        /// Zero.
        pub fn now(&self) -> u64 {
            0
        }
    }

    /// Zero.
    pub fn nanos() -> u64 {
        0
    }
}

/// Time passes at random, or not at all: as the test wants.
#[cfg(loopwork_shuttle)]
mod kind {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU64, Ordering};

    use shuttle::rand::{Rng, thread_rng};

    thread_local! {
        /// All threads of a model are one thread of the system, which is that of the test.
        static PASSES: Cell<bool> = const { Cell::new(false) };
    }

    /// Runs `model` with a time that passes.
    pub fn with_time<R>(model: impl FnOnce() -> R) -> R {
        struct Stop;
        impl Drop for Stop {
            fn drop(&mut self) {
                PASSES.set(false);
            }
        }
        PASSES.set(true);
        let _stop = Stop;
        model()
    }

    /// Whether a timed wait of a model expires now.
    pub(crate) fn expires() -> bool {
        PASSES.get() && thread_rng().gen_bool(0.5)
    }

    /// Zero: only a [`Clock`] makes time up.
    pub fn nanos() -> u64 {
        0
    }

    /// Tells how much time was made up.
    #[derive(Debug)]
    pub struct Clock(AtomicU64);

    impl Clock {
        /// Its time is zero now.
        #[expect(clippy::new_without_default, reason = "as without shuttle")]
        pub fn new() -> Self {
            Self(AtomicU64::new(0))
        }

        /// Between two looks pass nanoseconds, a poll's microseconds, or a long poll's.
        pub fn now(&self) -> u64 {
            if !PASSES.get() {
                return 0;
            }
            let exponent = thread_rng().gen_range(4..19);
            let passed = thread_rng().gen_range(0..1 << exponent);
            // Ordering: Relaxed: one thread of the system; not an event of the model.
            self.0.fetch_add(passed, Ordering::Relaxed) + passed
        }
    }
}
#[cfg(loopwork_shuttle)]
pub(crate) use self::kind::expires;

//! A semaphore that knows how many permits there may be.

use std::error::Error;
use std::fmt;

use super::{Acquire, Semaphore, SemaphorePermit};
use crate::blocking;
use crate::wait::Wait;

/// A [`Semaphore`] that never has more permits than at the beginning.
///
/// asyncio's `BoundedSemaphore`. Guards give back what was acquired and no more; the bound is there
/// for permits that were [forgotten](SemaphorePermit::forget) and are released by hand.
///
/// ```
/// use loopwork_sync::BoundedSemaphore;
///
/// # futures::executor::block_on(async {
/// let semaphore = BoundedSemaphore::new(1);
/// semaphore.acquire().await.forget();
/// assert!(semaphore.release(1).is_ok());
/// assert!(semaphore.release(1).is_err(), "nothing is out");
/// # });
/// ```
#[doc(alias = "asyncio.BoundedSemaphore")]
pub struct BoundedSemaphore {
    semaphore: Semaphore,
    bound: usize,
}

/// [`BoundedSemaphore::release`] was called more often than permits were acquired.
///
/// asyncio raises a `ValueError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleasedTooOften(());

impl BoundedSemaphore {
    loopwork_shim::const_fn! {
        /// A semaphore of `permits`, now and at the most; zero is allowed.
        ///
        /// # Panics
        ///
        /// If they are more than [`Semaphore::MAX_PERMITS`].
        #[must_use]
        pub fn new(permits: usize) -> Self {
            Self { semaphore: Semaphore::new(permits), bound: permits }
        }
    }

    /// Waits for a permit: see [`Semaphore::acquire`].
    #[inline]
    pub fn acquire(&self) -> Wait<Acquire<&Semaphore>> {
        self.semaphore.acquire()
    }

    /// Waits for `permits` at once: see [`Semaphore::acquire_many`].
    ///
    /// # Panics
    ///
    /// If they are more than there are at the most: that would wait for ever.
    #[inline]
    pub fn acquire_many(&self, permits: usize) -> Wait<Acquire<&Semaphore>> {
        assert!(
            permits <= self.bound,
            "{permits} permits are wanted of a `BoundedSemaphore` that has {} at the most",
            self.bound
        );
        self.semaphore.acquire_many(permits)
    }

    /// A permit, if one is free and nobody waits; else `None`, at once.
    #[inline]
    pub fn try_acquire(&self) -> Option<SemaphorePermit<'_>> {
        self.semaphore.try_acquire()
    }

    /// Waits for a permit by blocking this thread.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_acquire(&self) -> SemaphorePermit<'_> {
        blocking::wait_for("`BoundedSemaphore::blocking_acquire`", self.acquire())
    }

    /// Gives back permits that were acquired and forgotten.
    ///
    /// # Errors
    ///
    /// If there were more than at the beginning then. Nothing is given back.
    pub fn release(&self, permits: usize) -> Result<(), ReleasedTooOften> {
        if self.semaphore.permits.give_back_within(self.bound, permits) {
            Ok(())
        } else {
            Err(ReleasedTooOften(()))
        }
    }

    /// Whether who comes now has to wait: see [`Semaphore::locked`].
    pub fn locked(&self) -> bool {
        self.semaphore.locked()
    }

    /// How many permits are free: see [`Semaphore::available_permits`].
    pub fn available_permits(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// How many permits there are at the most.
    pub fn bound(&self) -> usize {
        self.bound
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedSemaphore")
            .field("available", &self.available_permits())
            .field("bound", &self.bound)
            .field("waiters", &self.semaphore.permits.waiting())
            .finish()
    }
}

impl fmt::Display for ReleasedTooOften {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more permits were released than had been acquired")
    }
}

impl Error for ReleasedTooOften {}

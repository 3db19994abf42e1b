//! Semaphores: permits that many share.
//!
//! | file | holds |
//! |---|---|
//! | `semaphore/permit.rs` | [`SemaphorePermit`] and [`OwnedSemaphorePermit`] |
//! | `semaphore/bounded.rs` | [`BoundedSemaphore`] |

mod bounded;
mod permit;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use loopwork_context::WaitReason;

pub use self::bounded::{BoundedSemaphore, ReleasedTooOften};
pub use self::permit::{OwnedSemaphorePermit, SemaphorePermit};
use crate::blocking;
use crate::permits::Permits;
use crate::wait::{Source, Wait};
use crate::waiters::Waiter;

/// A number of permits; who wants one while there is none waits.
///
/// asyncio's `Semaphore`, usable from any thread. A permit comes as a guard that gives it back when
/// it is dropped; [`forget`](SemaphorePermit::forget) and [`release`](Semaphore::release) are there
/// for permits that are taken in one place and given back in another.
///
/// It is fair: those who wait are served in the order in which their futures were first polled, and
/// a newcomer does not pass them, also if there is enough for it and not for the first of them.
/// A permit that is given back goes straight to who is first. So it is with asyncio's.
///
/// Taking a permit that is free, and giving one back for which nobody waits, is one atomic
/// operation each.
///
/// ```
/// use loopwork_sync::Semaphore;
///
/// # futures::executor::block_on(async {
/// let connections = Semaphore::new(2);
/// let first = connections.acquire().await;
/// let second = connections.try_acquire().expect("there are two");
/// assert!(connections.locked() && connections.try_acquire().is_none());
/// drop(first);
/// assert_eq!(connections.available_permits(), 1);
/// # drop(second);
/// # });
/// ```
#[doc(alias = "asyncio.Semaphore")]
pub struct Semaphore {
    permits: Permits,
}

impl Semaphore {
    /// The most permits there can be.
    pub const MAX_PERMITS: usize = Permits::MAX;

    loopwork_shim::const_fn! {
        /// A semaphore of `permits`; zero is allowed.
        ///
        /// # Panics
        ///
        /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
        ///
        /// ```
        /// use loopwork_sync::Semaphore;
        /// static CONNECTIONS: Semaphore = Semaphore::new(100);
        /// assert_eq!(CONNECTIONS.available_permits(), 100);
        /// ```
        #[must_use]
        pub fn new(permits: usize) -> Self {
            Self { permits: Permits::new(permits) }
        }
    }

    /// Waits for a permit.
    ///
    /// Dropping the future before it is ready leaves the queue; a permit that was granted already
    /// goes to the next, or becomes free.
    #[inline]
    pub fn acquire(&self) -> Wait<Acquire<&Self>> {
        self.acquire_many(1)
    }

    /// Waits for `permits` at once. Who waits for many is not passed by those who want few.
    ///
    /// For more than there ever are it waits for ever. Dropping the future: as
    /// [`acquire`](Self::acquire).
    ///
    /// # Panics
    ///
    /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// # use loopwork_sync::Semaphore;
    /// let memory = Semaphore::new(1024);
    /// let page = memory.acquire_many(256).await;
    /// assert_eq!((page.permits(), memory.available_permits()), (256, 768));
    /// # });
    /// ```
    #[inline]
    pub fn acquire_many(&self, permits: usize) -> Wait<Acquire<&Self>> {
        assert_possible(permits);
        Wait::new(Acquire { semaphore: self, permits })
    }

    /// [`acquire`](Self::acquire) for a permit that may go anywhere: it keeps the semaphore alive.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use std::sync::Arc;
    /// use loopwork_sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit = semaphore.clone().acquire_owned().await;
    /// std::thread::spawn(move || drop(permit)).join().unwrap();
    /// assert!(!semaphore.locked());
    /// # });
    /// ```
    pub fn acquire_owned(self: Arc<Self>) -> Wait<Acquire<Arc<Self>>> {
        self.acquire_many_owned(1)
    }

    /// [`acquire_many`](Self::acquire_many) for permits that may go anywhere.
    ///
    /// # Panics
    ///
    /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    pub fn acquire_many_owned(self: Arc<Self>, permits: usize) -> Wait<Acquire<Arc<Self>>> {
        assert_possible(permits);
        Wait::new(Acquire { semaphore: self, permits })
    }

    /// A permit, if one is free and nobody waits; else `None`, at once.
    #[inline]
    pub fn try_acquire(&self) -> Option<SemaphorePermit<'_>> {
        self.try_acquire_many(1)
    }

    /// `permits` at once, if they are free and nobody waits; else `None`, at once.
    #[inline]
    pub fn try_acquire_many(&self, permits: usize) -> Option<SemaphorePermit<'_>> {
        let taken = self.permits.try_take(permits)?;
        Some(SemaphorePermit::new(self, taken, permits))
    }

    /// [`try_acquire`](Self::try_acquire) for a permit that may go anywhere.
    pub fn try_acquire_owned(self: Arc<Self>) -> Option<OwnedSemaphorePermit> {
        let taken = self.permits.try_take(1)?;
        Some(OwnedSemaphorePermit::new(self, taken, 1))
    }

    /// Waits for a permit by blocking this thread, in the same queue as [`acquire`](Self::acquire).
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_acquire(&self) -> SemaphorePermit<'_> {
        blocking::wait_for("`Semaphore::blocking_acquire`", self.acquire())
    }

    /// Adds `permits`, which need not have been acquired: there may be more than at the beginning.
    /// They go to those who wait, in order, or are free.
    ///
    /// # Panics
    ///
    /// If there were more than [`MAX_PERMITS`](Self::MAX_PERMITS) then.
    ///
    /// ```
    /// # use loopwork_sync::Semaphore;
    /// let semaphore = Semaphore::new(0);
    /// std::thread::scope(|threads| {
    ///     threads.spawn(|| semaphore.release(1));
    ///     futures::executor::block_on(semaphore.acquire()).forget();
    /// });
    /// assert_eq!(semaphore.available_permits(), 0);
    /// ```
    #[doc(alias = "add_permits")]
    pub fn release(&self, permits: usize) {
        assert_possible(permits);
        self.permits.give_back(permits);
    }

    /// Whether who comes now has to wait: there is no permit, or others wait already.
    ///
    /// From several threads this is history by the time it returns.
    pub fn locked(&self) -> bool {
        self.permits.exhausted()
    }

    /// How many permits are free.
    ///
    /// From several threads this is history by the time it returns.
    pub fn available_permits(&self) -> usize {
        self.permits.free()
    }

    /// Takes up to `permits` of those that are free out for good. How many it were.
    pub fn forget_permits(&self, permits: usize) -> usize {
        self.permits.remove(permits)
    }
}

#[inline]
#[track_caller]
fn assert_possible(permits: usize) {
    assert!(permits <= Permits::MAX, "a semaphore has at most `Semaphore::MAX_PERMITS`");
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available_permits())
            .field("waiters", &self.permits.waiting())
            .finish()
    }
}

/// What [`Semaphore::acquire`] and its like wait for. `H` is `&Semaphore` or `Arc<Semaphore>`.
#[derive(Debug)]
pub struct Acquire<H> {
    semaphore: H,
    permits: usize,
}

impl<'a> Source for Acquire<&'a Semaphore> {
    type Output = SemaphorePermit<'a>;

    const REASON: WaitReason = WaitReason::Lock;

    #[inline]
    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        let taken = self.semaphore.permits.poll_take(waiter, self.permits, cx);
        taken.map(|taken| SemaphorePermit::new(self.semaphore, taken, self.permits))
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        self.semaphore.permits.leave(waiter, self.permits);
    }
}

impl Source for Acquire<Arc<Semaphore>> {
    type Output = OwnedSemaphorePermit;

    const REASON: WaitReason = WaitReason::Lock;

    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        let taken = self.semaphore.permits.poll_take(waiter, self.permits, cx);
        taken.map(|taken| OwnedSemaphorePermit::new(self.semaphore.clone(), taken, self.permits))
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        self.semaphore.permits.leave(waiter, self.permits);
    }
}

//! A lock for many readers or one writer.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use loopwork_context::WaitReason;

use crate::blocking;
use crate::guarded::{Guard, Guarded, Protect, ProtectShared, ReadGuard, Shared};
use crate::permits::{Permits, Taken};
use crate::wait::{Source, Wait};
use crate::waiters::Waiter;

/// A lock around a value that many may read at a time, or one may write.
///
/// It is fair, first come, first served: a reader that comes while a writer waits, waits behind it, so
/// that neither readers nor writers starve. So a task that reads must not read again while it holds a
/// guard: a writer may have come in between. asyncio has no such lock. Not poisoned: see
/// [`Lock`](crate::Lock).
///
/// Each operation is one atomic operation where nobody has to wait.
///
/// ```
/// use loopwork_sync::RwLock;
///
/// # futures::executor::block_on(async {
/// let lock = RwLock::new(5);
/// {
///     let (one, other) = (lock.read().await, lock.read().await);
///     assert_eq!(*one + *other, 10);
///     assert!(lock.try_write().is_none());
/// }
/// *lock.write().await += 1;
/// assert_eq!(lock.into_inner(), 6);
/// # });
/// ```
///
/// What is not `Sync` cannot be read by several threads:
///
/// ```compile_fail
/// fn shared<T: Sync>() {}
/// shared::<loopwork_sync::RwLock<std::cell::Cell<u8>>>();
/// ```
pub struct RwLock<T: ?Sized> {
    /// A reader takes one, a writer all.
    permits: Permits,
    value: Shared<T>,
}

const ALL: usize = Permits::MAX;

/// A reader's access to what an [`RwLock`] guards.
pub type RwLockReadGuard<'a, T> = ReadGuard<&'a RwLock<T>>;

/// A reader's access to what an [`RwLock`] guards, which it keeps alive.
pub type OwnedRwLockReadGuard<T> = ReadGuard<Arc<RwLock<T>>>;

/// The writer's access to what an [`RwLock`] guards.
pub type RwLockWriteGuard<'a, T> = Guard<&'a RwLock<T>>;

/// The writer's access to what an [`RwLock`] guards, which it keeps alive.
pub type OwnedRwLockWriteGuard<T> = Guard<Arc<RwLock<T>>>;

impl<T> RwLock<T> {
    loopwork_shim::const_fn! {
        /// A lock around `value` that nobody holds.
        pub fn new(value: T) -> Self {
            Self { permits: Permits::new(ALL), value: Shared(Guarded::new(value)) }
        }
    }

    /// The value, out of the lock.
    pub fn into_inner(self) -> T {
        self.value.0.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until it may read.
    ///
    /// Dropping the future before it is ready leaves the queue; if it was its turn already, it is as
    /// if it had read.
    #[inline]
    pub fn read(&self) -> Wait<Read<&Self>> {
        Wait::new(Read(self))
    }

    /// [`read`](RwLock::read) for a guard that may go anywhere: it keeps the lock alive.
    pub fn read_owned(self: Arc<Self>) -> Wait<Read<Arc<Self>>> {
        Wait::new(Read(self))
    }

    /// Waits until it may write.
    ///
    /// Dropping the future before it is ready leaves the queue; the readers behind it need not wait for
    /// it any more. If the lock had just been handed to it, the next gets it.
    #[inline]
    pub fn write(&self) -> Wait<&Self> {
        Wait::new(self)
    }

    /// [`write`](RwLock::write) for a guard that may go anywhere: it keeps the lock alive.
    pub fn write_owned(self: Arc<Self>) -> Wait<Arc<Self>> {
        Wait::new(self)
    }

    /// [`read`](RwLock::read) for a plain thread, which it blocks.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        blocking::wait_for("`RwLock::blocking_read`", self.read())
    }

    /// [`write`](RwLock::write) for a plain thread, which it blocks.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        blocking::wait_for("`RwLock::blocking_write`", self.write())
    }

    /// Reads, if nobody writes or waits; else `None`, at once.
    #[inline]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.permits.try_take(1).map(|taken| ReadGuard::new(self, taken))
    }

    /// [`try_read`](RwLock::try_read) for a guard that may go anywhere.
    pub fn try_read_owned(self: Arc<Self>) -> Option<OwnedRwLockReadGuard<T>> {
        let taken = self.permits.try_take(1)?;
        Some(ReadGuard::new(self, taken))
    }

    /// Writes, if nobody reads, writes or waits; else `None`, at once.
    #[inline]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.permits.try_take_all(ALL).map(|taken| Guard::new(self, taken))
    }

    /// [`try_write`](RwLock::try_write) for a guard that may go anywhere.
    pub fn try_write_owned(self: Arc<Self>) -> Option<OwnedRwLockWriteGuard<T>> {
        let taken = self.permits.try_take_all(ALL)?;
        Some(Guard::new(self, taken))
    }

    /// The value, reached through unique access.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.0.get_mut()
    }
}

impl<T: ?Sized> Protect for RwLock<T> {
    type Value = T;

    type Taken = Taken;

    #[inline]
    fn guarded(&self) -> &Guarded<T> {
        &self.value.0
    }

    #[inline]
    fn poll_lock(&self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Taken> {
        self.permits.poll_take_all(waiter, ALL, cx)
    }

    fn leave(&self, waiter: Pin<&Waiter>) {
        self.permits.leave(waiter, ALL);
    }

    #[inline]
    fn unlock(&self) {
        self.permits.give_back_all(ALL);
    }
}

impl<T: ?Sized> ProtectShared for RwLock<T> {
    type TakenShared = Taken;

    #[inline]
    fn unlock_shared(&self) {
        self.permits.give_back(1);
    }

    fn downgrade(&self) -> Taken {
        self.permits.give_back_but_one(ALL)
    }

    fn try_upgrade(&self) -> Option<Taken> {
        self.permits.try_take_all(ALL - 1)
    }
}

/// What [`RwLock::read`] waits for. `H` is `&RwLock<T>` or `Arc<RwLock<T>>`.
#[derive(Debug)]
pub struct Read<H>(H);

impl<T: ?Sized, H: Deref<Target = RwLock<T>> + Clone> Source for Read<H> {
    type Output = ReadGuard<H>;

    const REASON: WaitReason = WaitReason::Lock;

    #[inline]
    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<ReadGuard<H>> {
        let taken = self.0.permits.poll_take(waiter, 1, cx);
        taken.map(|taken| ReadGuard::new(self.0.clone(), taken))
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        self.0.permits.leave(waiter, 1);
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = ALL - self.permits.free();
        f.debug_struct("RwLock")
            .field("readers", if taken == ALL { &0 } else { &taken })
            .field("writer", &(taken == ALL))
            .field("waiters", &self.permits.waiting())
            .finish()
    }
}

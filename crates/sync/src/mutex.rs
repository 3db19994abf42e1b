//! A fast lock around a value.
//!
//! Who gets it when is in `mutex/README.md`; `mutex/barging.rs` does it.

mod barging;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use self::barging::{Barging, Locked};
use crate::blocking;
use crate::guarded::{Exclusive, Guard, Guarded, Protect};
use crate::wait::Wait;
use crate::waiters::Waiter;

/// A lock around a value, held across awaits; fast where many want it.
///
/// Where [`Lock`](crate::Lock) hands itself to who waits longest, this one is open to whoever comes
/// first after an unlock: a task that runs now need not wait for one that has to be woken. Who waits is
/// passed at most [`PASSES`](Mutex::PASSES) times while it is first, or
/// [`PASSES_OF_MANY`](Mutex::PASSES_OF_MANY) times if others wait behind it; then newcomers wait too,
/// until it has had its turn. asyncio's `Lock` has no such sibling, as it has one thread.
///
/// Otherwise it is as [`Lock`](crate::Lock): not re-entrant, not poisoned, one atomic operation each to
/// lock and to unlock uncontended.
///
/// ```
/// use loopwork_sync::Mutex;
///
/// # futures::executor::block_on(async {
/// static TOTAL: Mutex<u64> = Mutex::new(0);
/// *TOTAL.lock().await += 1;
/// assert_eq!(*TOTAL.try_lock().unwrap(), 1);
/// # });
/// ```
pub struct Mutex<T: ?Sized> {
    lock: Barging,
    value: Exclusive<T>,
}

/// Access to what a [`Mutex`] guards; dropping it unlocks.
pub type MutexGuard<'a, T> = Guard<&'a Mutex<T>>;

/// Access to what a [`Mutex`] guards, which it keeps alive; dropping it unlocks.
pub type OwnedMutexGuard<T> = Guard<Arc<Mutex<T>>>;

impl Mutex<()> {
    /// How often one who waits may be passed before newcomers wait too.
    pub const PASSES: usize = Barging::PASSES;

    /// How often if others wait behind it, whose wait is the sum of all turns before theirs.
    pub const PASSES_OF_MANY: usize = Barging::PASSES_OF_MANY;
}

impl<T> Mutex<T> {
    loopwork_shim::const_fn! {
        /// A mutex around `value` that nobody holds.
        pub fn new(value: T) -> Self {
            Self { lock: Barging::new(), value: Exclusive(Guarded::new(value)) }
        }
    }

    /// The value, out of the mutex.
    pub fn into_inner(self) -> T {
        self.value.0.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock.
    ///
    /// Dropping the future before it is ready leaves; if it had been woken, another is.
    #[inline]
    pub fn lock(&self) -> Wait<&Self> {
        Wait::new(self)
    }

    /// [`lock`](Mutex::lock) for a guard that may go anywhere: it keeps the mutex alive.
    #[inline]
    pub fn lock_owned(self: Arc<Self>) -> Wait<Arc<Self>> {
        Wait::new(self)
    }

    /// Waits for the lock by blocking this thread, as [`lock`](Mutex::lock) does.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        blocking::wait_for("`Mutex::blocking_lock`", self.lock())
    }

    /// The lock, if it is to be had; else `None`, at once.
    ///
    /// It also passes those who wait. Where that was done too often it is `None` although nobody holds
    /// the lock.
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.lock.try_lock().map(|locked| Guard::new(self, locked))
    }

    /// [`try_lock`](Mutex::try_lock) for a guard that may go anywhere.
    #[inline]
    pub fn try_lock_owned(self: Arc<Self>) -> Option<OwnedMutexGuard<T>> {
        let locked = self.lock.try_lock()?;
        Some(Guard::new(self, locked))
    }

    /// Whether somebody holds the lock.
    ///
    /// From several threads this is history by the time it returns.
    pub fn locked(&self) -> bool {
        self.lock.locked()
    }

    /// The value, reached through unique access.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.0.get_mut()
    }
}

impl<T: ?Sized> Protect for Mutex<T> {
    type Value = T;

    type Taken = Locked;

    #[inline]
    fn guarded(&self) -> &Guarded<T> {
        &self.value.0
    }

    #[inline]
    fn poll_lock(&self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Taken> {
        self.lock.poll_lock(waiter, cx)
    }

    fn leave(&self, waiter: Pin<&Waiter>) {
        self.lock.leave(waiter);
    }

    #[inline]
    fn unlock(&self) {
        self.lock.unlock();
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex")
            .field("locked", &self.locked())
            .field("waiters", &self.lock.waiting())
            .finish()
    }
}

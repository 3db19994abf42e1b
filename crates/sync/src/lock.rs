//! A fair lock around a value.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::blocking;
use crate::guarded::{Exclusive, Guard, Guarded, Protect};
use crate::permits::{Permits, Taken};
use crate::wait::Wait;
use crate::waiters::Waiter;

/// A lock around a value, held across awaits and handed over first come, first served.
///
/// asyncio's `Lock`, with two differences. It guards a value, as Rust's locks do; a `Lock<()>` is
/// the bare one. And an unlock hands the lock straight to the waiter who came first:
/// [`locked`](Lock::locked) stays true in between, and nobody can push in front. What is handed over
/// to a future that nobody polls stays with it: where that may be, and where speed counts more
/// than order, take a [`Mutex`](crate::Mutex).
///
/// A waiter that is cancelled after the lock was handed to it hands it on, which asyncio's has got wrong
/// more than once; so do all of this crate.
///
/// It is not re-entrant: a task that locks twice waits for itself. It is not poisoned: when a
/// holder panics, its guard unlocks while unwinding, and the next holder sees the value as it is.
///
/// Uncontended, locking and unlocking are one atomic operation each.
///
/// ```
/// use loopwork_sync::Lock;
///
/// # futures::executor::block_on(async {
/// let account = Lock::new(100);
/// {
///     let mut balance = account.lock().await;
///     *balance -= 30;
///     assert!(account.locked());
/// }
/// assert_eq!(account.into_inner(), 70);
/// # });
/// ```
///
/// A guard is shared among threads only if the value may be:
///
/// ```compile_fail
/// fn shared<T: Sync>() {}
/// shared::<loopwork_sync::LockGuard<'static, std::cell::Cell<u8>>>();
/// ```
#[doc(alias = "asyncio.Lock")]
pub struct Lock<T: ?Sized> {
    /// One.
    permit: Permits,
    value: Exclusive<T>,
}

/// Access to what a [`Lock`] guards; dropping it unlocks.
pub type LockGuard<'a, T> = Guard<&'a Lock<T>>;

/// Access to what a [`Lock`] guards, which it keeps alive; dropping it unlocks.
pub type OwnedLockGuard<T> = Guard<Arc<Lock<T>>>;

impl<T> Lock<T> {
    loopwork_shim::const_fn! {
        /// A lock around `value` that nobody holds.
        ///
        /// ```
        /// use loopwork_sync::Lock;
        /// static TOTAL: Lock<u64> = Lock::new(0);
        /// *TOTAL.try_lock().unwrap() += 1;
        /// ```
        pub fn new(value: T) -> Self {
            Self { permit: Permits::new(1), value: Exclusive(Guarded::new(value)) }
        }
    }

    /// The value, out of the lock.
    pub fn into_inner(self) -> T {
        self.value.0.into_inner()
    }
}

impl<T: ?Sized> Lock<T> {
    /// Waits for the lock.
    ///
    /// Those who wait are served in the order in which their futures were first polled. Dropping
    /// the future before it is ready leaves the queue; if the lock had just been handed to it, the
    /// next waiter gets it.
    #[doc(alias = "acquire")]
    #[inline]
    pub fn lock(&self) -> Wait<&Self> {
        Wait::new(self)
    }

    /// [`lock`](Lock::lock) for a guard that may go anywhere: it keeps the lock alive.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use std::sync::Arc;
    /// use loopwork_sync::Lock;
    ///
    /// let lock = Arc::new(Lock::new(1));
    /// let mut guard = lock.clone().lock_owned().await;
    /// std::thread::spawn(move || *guard += 1).join().unwrap();
    /// assert_eq!(*lock.lock().await, 2);
    /// # });
    /// ```
    #[inline]
    pub fn lock_owned(self: Arc<Self>) -> Wait<Arc<Self>> {
        Wait::new(self)
    }

    /// Waits for the lock by blocking this thread, in the same queue as [`lock`](Lock::lock).
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_lock(&self) -> LockGuard<'_, T> {
        blocking::wait_for("`Lock::blocking_lock`", self.lock())
    }

    /// The lock, if nobody holds it; else `None`, at once.
    #[inline]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        self.permit.try_take_all(1).map(|taken| Guard::new(self, taken))
    }

    /// [`try_lock`](Lock::try_lock) for a guard that may go anywhere.
    #[inline]
    pub fn try_lock_owned(self: Arc<Self>) -> Option<OwnedLockGuard<T>> {
        let taken = self.permit.try_take_all(1)?;
        Some(Guard::new(self, taken))
    }

    /// Whether somebody holds the lock, or is being handed it.
    ///
    /// From several threads this is history by the time it returns.
    pub fn locked(&self) -> bool {
        self.permit.exhausted()
    }

    /// The value, reached through unique access.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.0.get_mut()
    }
}

impl<T: ?Sized> Protect for Lock<T> {
    type Value = T;

    type Taken = Taken;

    #[inline]
    fn guarded(&self) -> &Guarded<T> {
        &self.value.0
    }

    #[inline]
    fn poll_lock(&self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Taken> {
        self.permit.poll_take_all(waiter, 1, cx)
    }

    fn leave(&self, waiter: Pin<&Waiter>) {
        self.permit.leave(waiter, 1);
    }

    #[inline]
    fn unlock(&self) {
        self.permit.give_back_all(1);
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Lock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("locked", &self.locked())
            .field("waiters", &self.permit.waiting())
            .finish()
    }
}

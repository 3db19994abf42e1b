//! A value for many readers.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use super::{Guard, Protect};

/// A lock that also lets several read at a time. Sealed.
pub trait ProtectShared: Protect {
    /// What whoever takes it for reading gets, and nobody else.
    #[doc(hidden)]
    type TakenShared;

    /// Called once for each that was taken for reading.
    #[doc(hidden)]
    fn unlock_shared(&self);

    /// What was taken for writing is held for reading from now on.
    #[doc(hidden)]
    fn downgrade(&self) -> Self::TakenShared;

    /// What was taken for reading is held for writing from now on, if nobody else has it.
    #[doc(hidden)]
    fn try_upgrade(&self) -> Option<Self::Taken>;
}

impl<H: Deref<Target: ProtectShared>> Guard<H> {
    /// Lets others read too, without anybody writing in between.
    ///
    /// An associated function, since the value may have a method of that name.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use loopwork_sync::{Guard, RwLock};
    ///
    /// let lock = RwLock::new(1);
    /// let mut writing = lock.write().await;
    /// *writing += 1;
    /// let reading = Guard::downgrade(writing);
    /// assert_eq!((*reading, *lock.read().await), (2, 2));
    /// # });
    /// ```
    pub fn downgrade(this: Self) -> ReadGuard<H> {
        let lock = this.into_lock();
        let taken = lock.downgrade();
        ReadGuard::new(lock, taken)
    }
}

/// A reader's access to what an [`RwLock`](crate::RwLock) guards; dropping it lets go.
///
/// `H` is a reference to the lock, or an `Arc` of it.
#[must_use = "the lock is released when the guard is dropped"]
pub struct ReadGuard<H: Deref<Target: ProtectShared>> {
    lock: H,
    _like: PhantomData<Like<H>>,
}

/// Lends its auto traits to a guard.
struct Like<H: Deref<Target: ProtectShared>>(PhantomData<*const <H::Target as Protect>::Value>);

// SAFETY: a guard moves a `&` of the value.
unsafe impl<H: Deref<Target: ProtectShared<Value: Sync>>> Send for Like<H> {}
// SAFETY: a shared guard gives `&` of the value.
unsafe impl<H: Deref<Target: ProtectShared<Value: Sync>>> Sync for Like<H> {}

impl<H: Deref<Target: ProtectShared>> ReadGuard<H> {
    /// `_taken`: the lock is held for reading, once for this guard.
    #[inline]
    pub(crate) fn new(lock: H, _taken: <H::Target as ProtectShared>::TakenShared) -> Self {
        Self { lock, _like: PhantomData }
    }

    /// Writes, if nobody else reads and nobody waits; else the guard comes back, at once.
    ///
    /// There is no upgrade that waits: two readers that both did would wait for each other.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use loopwork_sync::{ReadGuard, RwLock};
    ///
    /// let lock = RwLock::new(1);
    /// let (one, other) = (lock.read().await, lock.read().await);
    /// let one = ReadGuard::try_upgrade(one).expect_err("another reads");
    /// drop(other);
    /// *ReadGuard::try_upgrade(one).unwrap() = 2;
    /// assert_eq!(lock.into_inner(), 2);
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// The guard.
    pub fn try_upgrade(this: Self) -> Result<Guard<H>, Self> {
        match this.lock.try_upgrade() {
            Some(taken) => Ok(Guard::new(this.into_lock(), taken)),
            None => Err(this),
        }
    }

    /// Lets go of the guard without unlocking.
    fn into_lock(self) -> H {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: it is read once, since nothing else of `this` is used or dropped.
        unsafe { std::ptr::read(&this.lock) }
    }
}

impl<H: Deref<Target: ProtectShared>> Deref for ReadGuard<H> {
    type Target = <H::Target as Protect>::Value;

    #[inline]
    fn deref(&self) -> &Self::Target {
        // SAFETY: the lock is held for reading for this guard, which is borrowed.
        self.lock.guarded().0.with(|value| unsafe { &*value })
    }
}

impl<H: Deref<Target: ProtectShared>> Drop for ReadGuard<H> {
    #[inline]
    fn drop(&mut self) {
        self.lock.unlock_shared();
    }
}

impl<H: Deref<Target: ProtectShared<Value: fmt::Debug>>> fmt::Debug for ReadGuard<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<H: Deref<Target: ProtectShared<Value: fmt::Display>>> fmt::Display for ReadGuard<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

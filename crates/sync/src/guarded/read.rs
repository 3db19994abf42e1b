//! A value for many readers.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use super::Protect;

/// A lock that also lets several read at a time. Sealed.
pub trait ProtectShared: Protect {
    /// What whoever takes it for reading gets, and nobody else.
    #[doc(hidden)]
    type TakenShared;

    /// Called once for each that was taken for reading.
    #[doc(hidden)]
    fn unlock_shared(&self);
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

    /// The lock.
    #[inline]
    pub(crate) fn lock(&self) -> &H {
        &self.lock
    }

    /// Lets go of the guard without unlocking.
    pub(crate) fn into_lock(self) -> H {
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

//! A value for one.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::{MappedGuard, Protect};

/// The holder's access to what a lock guards; dropping it unlocks.
///
/// `H` is a reference to the lock, or an `Arc` of it: then the guard keeps the lock alive and may go
/// anywhere. [`LockGuard`](crate::LockGuard) and its like are short names.
#[must_use = "the lock is released when the guard is dropped"]
pub struct Guard<H: Deref<Target: Protect>> {
    lock: H,
    // It is as `Send` and `Sync` as the `&mut` it stands for.
    _like: PhantomData<Like<H>>,
}

/// Lends its auto traits to a guard.
struct Like<H: Deref<Target: Protect>>(PhantomData<*const <H::Target as Protect>::Value>);

// SAFETY: a guard moves a `&mut` of the value.
unsafe impl<H: Deref<Target: Protect<Value: Send>>> Send for Like<H> {}
// SAFETY: a shared guard gives `&` of the value.
unsafe impl<H: Deref<Target: Protect<Value: Sync>>> Sync for Like<H> {}

impl<H: Deref<Target: Protect>> Guard<H> {
    /// `_taken`: the lock is held, for this guard alone.
    #[inline]
    pub(crate) fn new(lock: H, _taken: <H::Target as Protect>::Taken) -> Self {
        Self { lock, _like: PhantomData }
    }

    /// Lets go of the guard without unlocking.
    pub(crate) fn into_lock(self) -> H {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: it is read once, since nothing else of `this` is used or dropped.
        unsafe { std::ptr::read(&this.lock) }
    }
}

impl<'a, L: Protect> Guard<&'a L> {
    /// A guard of a part of the value.
    ///
    /// The lock is released when the part's guard is dropped. An associated function, since the
    /// value may have a method of that name.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use loopwork_sync::{Guard, Lock};
    ///
    /// let pair = Lock::new((1, "one"));
    /// let mut number = Guard::map(pair.lock().await, |pair| &mut pair.0);
    /// *number = 2;
    /// assert!(pair.locked());
    /// drop(number);
    /// assert_eq!(pair.into_inner(), (2, "one"));
    /// # });
    /// ```
    pub fn map<U: ?Sized>(
        mut this: Self,
        part: impl FnOnce(&mut L::Value) -> &mut U,
    ) -> MappedGuard<'a, L, U> {
        // Unwind: if `part` panics, this guard unlocks.
        let part = std::ptr::NonNull::from(part(&mut this));
        MappedGuard::new(this.into_lock(), part)
    }
}

impl<H: Deref<Target: Protect>> Deref for Guard<H> {
    type Target = <H::Target as Protect>::Value;

    #[inline]
    fn deref(&self) -> &Self::Target {
        // SAFETY: the lock is held for this guard, which is borrowed.
        self.lock.guarded().0.with(|value| unsafe { &*value })
    }
}

impl<H: Deref<Target: Protect>> DerefMut for Guard<H> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Self::Target {
        // SAFETY: the lock is held for this guard, which is borrowed mutably.
        self.lock.guarded().0.with_mut(|value| unsafe { &mut *value })
    }
}

impl<H: Deref<Target: Protect>> Drop for Guard<H> {
    #[inline]
    fn drop(&mut self) {
        self.lock.unlock();
    }
}

impl<H: Deref<Target: Protect<Value: fmt::Debug>>> fmt::Debug for Guard<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<H: Deref<Target: Protect<Value: fmt::Display>>> fmt::Display for Guard<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

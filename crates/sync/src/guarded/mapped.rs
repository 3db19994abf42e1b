//! A part of a value for one.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::Protect;

/// The holder's access to a part of what a lock guards; dropping it unlocks.
///
/// Made by [`Guard::map`](super::Guard::map).
#[must_use = "the lock is released when the guard is dropped"]
pub struct MappedGuard<'a, L: Protect, U: ?Sized> {
    lock: &'a L,
    /// Not a `&mut`, which would outlive the lock's release in `drop`.
    part: NonNull<U>,
    _access: PhantomData<&'a mut U>,
}

// SAFETY: it stands for a `&mut U`, and for the lock's own `Send`.
unsafe impl<L: Protect + Sync, U: ?Sized + Send> Send for MappedGuard<'_, L, U> {}
// SAFETY: shared, it gives `&U`.
unsafe impl<L: Protect + Sync, U: ?Sized + Sync> Sync for MappedGuard<'_, L, U> {}

impl<'a, L: Protect, U: ?Sized> MappedGuard<'a, L, U> {
    /// The lock is held for this guard alone, and `part` is of its value.
    pub(super) fn new(lock: &'a L, part: NonNull<U>) -> Self {
        Self { lock, part, _access: PhantomData }
    }

    /// A guard of a part of the part.
    pub fn map<V: ?Sized>(
        mut this: Self,
        part: impl FnOnce(&mut U) -> &mut V,
    ) -> MappedGuard<'a, L, V> {
        // Unwind: if `part` panics, this guard unlocks.
        let part = NonNull::from(part(&mut this));
        let this = std::mem::ManuallyDrop::new(this);
        MappedGuard::new(this.lock, part)
    }
}

impl<L: Protect, U: ?Sized> Deref for MappedGuard<'_, L, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: it is of a value for whose lock this guard is, and this is borrowed.
        unsafe { self.part.as_ref() }
    }
}

impl<L: Protect, U: ?Sized> DerefMut for MappedGuard<'_, L, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: as above, and this is borrowed mutably.
        unsafe { self.part.as_mut() }
    }
}

impl<L: Protect, U: ?Sized> Drop for MappedGuard<'_, L, U> {
    #[inline]
    fn drop(&mut self) {
        self.lock.unlock();
    }
}

impl<L: Protect, U: ?Sized + fmt::Debug> fmt::Debug for MappedGuard<'_, L, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<L: Protect, U: ?Sized + fmt::Display> fmt::Display for MappedGuard<'_, L, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

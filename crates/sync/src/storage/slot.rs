//! A place for a value, which somebody else knows to be there or not.

use std::mem::MaybeUninit;

use loopwork_shim::cell::UnsafeCell;

/// A place for a value. It does not know whether there is one, and drops none.
pub(super) struct Slot<T>(UnsafeCell<MaybeUninit<T>>);

impl<T> Slot<T> {
    #[inline]
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// # Safety
    ///
    /// Nobody else is at this place, and there is no value.
    #[inline]
    pub(super) unsafe fn put(&self, value: T) {
        // SAFETY: the caller's obligation.
        self.0.with_mut(|place| unsafe { place.cast::<T>().write(value) });
    }

    /// # Safety
    ///
    /// Nobody else is at this place, and there is a value; then there is none.
    #[inline]
    pub(super) unsafe fn take(&self) -> T {
        // SAFETY: the caller's obligation.
        self.0.with_mut(|place| unsafe { place.cast::<T>().read() })
    }

    /// # Safety
    ///
    /// There is a value, and nobody puts or takes meanwhile.
    #[inline]
    pub(super) unsafe fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        // SAFETY: the caller's obligation.
        self.0.with(|place| look(unsafe { &*place.cast::<T>() }))
    }

    /// Fails a model in which somebody may still be at this place, which is about to go away.
    #[inline]
    pub(super) fn expect_unused(&self) {
        if loopwork_shim::MODELLED {
            self.0.with_mut(|_| ());
        }
    }
}

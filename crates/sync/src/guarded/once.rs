//! A value that comes once.

use std::fmt;

use loopwork_shim::atomic::{AtomicBool, Ordering};
use loopwork_shim::cell::UnsafeCell;
use loopwork_shim::weaken;

use super::{Guard, Protect};

/// A value that is filled in once, under a lock, and read without.
pub(crate) struct Once<T> {
    full: AtomicBool,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: it gives `&T` to any thread, and takes a `T` from one to be dropped by another.
unsafe impl<T: Send + Sync> Sync for Once<T> {}

impl<T> Once<T> {
    loopwork_shim::const_fn! {
        pub(crate) fn new(value: Option<T>) -> Self {
            Self { full: AtomicBool::new(value.is_some()), value: UnsafeCell::new(value) }
        }
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        // Ordering: Acquire: the value comes with it. [edge: once]
        let order = weaken!("once-get", Ordering::Acquire => Ordering::Relaxed);
        if !self.full.load(order) {
            return None;
        }
        // SAFETY: it is not written any more, as long as this is borrowed.
        self.value.with(|value| unsafe { &*value }).as_ref()
    }

    /// Fills it in. `_lock`: one does so at a time, and always under the same lock.
    ///
    /// # Panics
    ///
    /// If it is full.
    pub(crate) fn fill<L: Protect>(&self, value: T, _lock: &Guard<&L>) -> &T {
        // Ordering: Relaxed: only who has the lock writes it.
        assert!(!self.full.load(Ordering::Relaxed), "a value comes once");
        // SAFETY: nobody reads before it is full, and who else would write has not got the lock.
        self.value.with_mut(|old| unsafe { *old = Some(value) });
        // Ordering: Release: for `get`. [edge: once]
        let order = weaken!("once-fill", Ordering::Release => Ordering::Relaxed);
        self.full.store(true, order);
        self.get().expect("it was just filled in")
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        let value = self.value.with_mut(|value| value);
        // SAFETY: `&mut self`.
        unsafe { &mut *value }.as_mut()
    }

    pub(crate) fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}

impl<T: fmt::Debug> fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}

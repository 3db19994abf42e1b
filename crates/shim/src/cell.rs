//! A cell whose accesses loom checks for races, and shuttle for overlaps.

#[cfg(loopwork_shuttle)]
pub use self::modelled::UnsafeCell;
#[cfg(loopwork_loom)]
pub use loom::cell::UnsafeCell;

/// `std::cell::UnsafeCell`, reached only through closures, so that models can watch each access.
#[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
#[derive(Debug)]
#[repr(transparent)]
pub struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

#[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
impl<T> UnsafeCell<T> {
    /// Wraps `value`.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Gives the value back.
    #[inline]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

#[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
impl<T: ?Sized> UnsafeCell<T> {
    /// Calls `f` with a pointer for reading. Dereferencing it is the caller's obligation.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer for writing. Dereferencing it is the caller's obligation.
    #[inline]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

#[cfg(loopwork_shuttle)]
mod modelled {
    use std::cell::Cell;

    /// Fails the model if two threads are inside of it at once, one of them to write. That takes an
    /// access to shared memory inside, since only there shuttle switches threads.
    #[derive(Debug)]
    pub struct UnsafeCell<T: ?Sized> {
        /// How many read; `WRITTEN` while somebody writes.
        inside: Cell<usize>,
        value: std::cell::UnsafeCell<T>,
    }

    const WRITTEN: usize = usize::MAX;

    /// Leaves on drop, so that a panic inside does not count as another's access.
    struct Inside<'a>(&'a Cell<usize>);

    impl Drop for Inside<'_> {
        fn drop(&mut self) {
            let inside = self.0.get();
            self.0.set(if inside == WRITTEN { 0 } else { inside - 1 });
        }
    }

    impl<T> UnsafeCell<T> {
        /// Wraps `value`.
        pub const fn new(value: T) -> Self {
            Self { value: std::cell::UnsafeCell::new(value), inside: Cell::new(0) }
        }

        /// Gives the value back.
        pub fn into_inner(self) -> T {
            self.value.into_inner()
        }
    }

    impl<T: ?Sized> UnsafeCell<T> {
        /// Calls `f` with a pointer for reading.
        pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            assert_ne!(self.inside.get(), WRITTEN, "read while another thread writes");
            self.inside.set(self.inside.get() + 1);
            let _inside = Inside(&self.inside);
            f(self.value.get())
        }

        /// Calls `f` with a pointer for writing.
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            assert_eq!(self.inside.replace(WRITTEN), 0, "written while another thread is inside");
            let _inside = Inside(&self.inside);
            f(self.value.get())
        }
    }
}

//! The values behind locks, and the guards that reach them.
//!
//! That nobody else is at the value is what the locks are for. That a guard reaches it, and lets go
//! of it exactly once, is here; and this is where that takes `unsafe`.
//!
//! There is no poisoning, as there is none in asyncio: when a holder panics, its guard unlocks while
//! unwinding, and the next holder sees the value as it is. Who has an invariant to restore does so
//! in a destructor, or catches the panic.
//!
//! | file | holds |
//! |---|---|
//! | `guarded/guard.rs` | [`Guard`]: the value for one |
//! | `guarded/mapped.rs` | [`MappedGuard`]: a part of it |
//! | `guarded/read.rs` | [`ReadGuard`]: the value for many readers |

mod guard;
mod mapped;
mod read;

use std::fmt;

use loopwork_shim::cell::UnsafeCell;

pub use self::guard::Guard;
pub use self::mapped::MappedGuard;
pub use self::read::{ProtectShared, ReadGuard};

/// A value that is reached by who holds a lock.
pub struct Guarded<T: ?Sized>(UnsafeCell<T>);

// SAFETY: it is reached by `&mut`, and by guards: by one thread at a time, or by several that read.
// The latter takes `T: Sync` as well, which `RwLock` sees to.
unsafe impl<T: ?Sized + Send> Sync for Guarded<T> {}

/// A lock that is held by one at a time. Sealed: the locks of this crate implement it.
///
/// [`Guard`]s are made of references to one, or of `Arc`s.
pub trait Protect {
    /// What the lock guards.
    type Value: ?Sized;

    /// What whoever takes the lock gets, and nobody else.
    #[doc(hidden)]
    type Taken;

    #[doc(hidden)]
    fn guarded(&self) -> &Guarded<Self::Value>;

    /// Called once for each that was taken.
    #[doc(hidden)]
    fn unlock(&self);
}

impl<T> Guarded<T> {
    loopwork_shim::const_fn! {
        pub(crate) fn new(value: T) -> Self {
            Self(UnsafeCell::new(value))
        }
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Guarded<T> {
    pub(crate) fn get_mut(&mut self) -> &mut T {
        let value = self.0.with_mut(|value| value);
        // SAFETY: `&mut self`. A guard borrows the lock; a leaked one is not used any more.
        unsafe { &mut *value }
    }
}

impl<T: ?Sized> fmt::Debug for Guarded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<guarded>")
    }
}

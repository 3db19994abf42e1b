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
//! | `guarded/once.rs` | [`Once`]: a value that comes once |

mod guard;
mod mapped;
mod once;
mod read;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use loopwork_context::WaitReason;
use loopwork_shim::cell::UnsafeCell;

pub use self::guard::Guard;
pub use self::mapped::MappedGuard;
pub(crate) use self::once::Once;
pub use self::read::{ProtectShared, ReadGuard};
use crate::wait::Source;
use crate::waiters::Waiter;

/// A value that is reached by who holds a lock.
pub struct Guarded<T: ?Sized>(UnsafeCell<T>);

/// One that is reached by one thread at a time.
pub(crate) struct Exclusive<T: ?Sized>(pub(crate) Guarded<T>);

/// One that several threads may read at a time.
pub(crate) struct Shared<T: ?Sized>(pub(crate) Guarded<T>);

// SAFETY: it is reached by `&mut`, and by `Guard`s, of which there is one at a time.
unsafe impl<T: ?Sized + Send> Sync for Exclusive<T> {}
// SAFETY: it is reached by `&mut`, by `Guard`s as above, and by `ReadGuard`s, which give `&T` to
// several threads at a time.
unsafe impl<T: ?Sized + Send + Sync> Sync for Shared<T> {}

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

    /// Takes the lock, or waits for it.
    #[doc(hidden)]
    fn poll_lock(&self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Taken>;

    /// `waiter`, which waits for the lock, will not be polled any more.
    #[doc(hidden)]
    fn leave(&self, waiter: Pin<&Waiter>);

    /// Called once for each that was taken.
    #[doc(hidden)]
    fn unlock(&self);
}

impl<'a, L: Protect + ?Sized> Source for &'a L {
    type Output = Guard<&'a L>;

    const REASON: WaitReason = WaitReason::Lock;

    #[inline]
    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        self.poll_lock(waiter, cx).map(|taken| Guard::new(*self, taken))
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        Protect::leave(*self, waiter);
    }
}

impl<L: Protect + ?Sized> Source for Arc<L> {
    type Output = Guard<Arc<L>>;

    const REASON: WaitReason = WaitReason::Lock;

    #[inline]
    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        self.poll_lock(waiter, cx).map(|taken| Guard::new(self.clone(), taken))
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        Protect::leave(&**self, waiter);
    }
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

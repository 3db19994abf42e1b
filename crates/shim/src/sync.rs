//! Locks for paths that are not hot: `parking_lot`'s, or loom's models of them.
//!
//! There is no poisoning: a panic under a lock leaves the lock usable, and each critical section
//! says what a panic there leaves behind.

#[cfg(all(loopwork_count, not(loopwork_loom)))]
pub use crate::count::sync::Mutex;
#[cfg(not(any(loopwork_loom, loopwork_count)))]
pub use parking_lot::Mutex;
#[cfg(not(loopwork_loom))]
pub use parking_lot::{Condvar, MutexGuard};

#[cfg(loopwork_loom)]
pub use self::modelled::{Condvar, Mutex, MutexGuard};

#[cfg(loopwork_loom)]
mod modelled {
    use std::ops::{Deref, DerefMut};
    use std::time::Duration;

    /// loom's mutex with `parking_lot`'s interface.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    /// The guard of a [`Mutex`]. It is `None` only inside [`Condvar::wait`].
    #[derive(Debug)]
    pub struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

    impl<T> Mutex<T> {
        /// A free lock.
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        /// Waits for the lock.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().unwrap_or_else(|e| e.into_inner())))
        }

        /// The lock, if it is free.
        pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok().map(|guard| MutexGuard(Some(guard)))
        }

        /// The value, reached through unique access.
        pub fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().unwrap_or_else(|e| e.into_inner())
        }

        /// Gives the value back.
        pub fn into_inner(self) -> T {
            self.0.into_inner().unwrap_or_else(|e| e.into_inner())
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            self.0.as_deref().expect("the guard is with its condvar")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_deref_mut().expect("the guard is with its condvar")
        }
    }

    /// loom's condition variable with `parking_lot`'s interface.
    #[derive(Debug, Default)]
    pub struct Condvar(loom::sync::Condvar);

    /// Whether a timed wait timed out. In a model it never does.
    #[derive(Debug)]
    pub struct WaitTimeoutResult(());

    impl WaitTimeoutResult {
        /// Always false: time does not pass in a model.
        pub fn timed_out(&self) -> bool {
            false
        }
    }

    impl Condvar {
        /// A condition variable without waiters.
        pub fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        /// Releases the lock, waits for a notification, takes the lock again.
        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let inner = guard.0.take().expect("the guard is with its condvar");
            guard.0 = Some(self.0.wait(inner).unwrap_or_else(|e| e.into_inner()));
        }

        /// As [`Condvar::wait`]: in a model no time-out ever expires.
        pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) -> WaitTimeoutResult {
            self.wait(guard);
            WaitTimeoutResult(())
        }

        /// Wakes one waiter.
        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        /// Wakes every waiter.
        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

//! Locks for paths that are not hot: `parking_lot`'s, or a checker's models of them.
//!
//! There is no poisoning: a panic under a lock leaves the lock usable, and each critical section
//! says what a panic there leaves behind.

#[cfg(all(loopwork_count, not(any(loopwork_loom, loopwork_shuttle))))]
pub use crate::count::sync::Mutex;
#[cfg(not(any(loopwork_loom, loopwork_shuttle, loopwork_count)))]
pub use parking_lot::Mutex;
#[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
pub use parking_lot::{Condvar, MutexGuard, RwLock, RwLockReadGuard};

#[cfg(any(loopwork_loom, loopwork_shuttle))]
pub use self::modelled::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard};

#[cfg(any(loopwork_loom, loopwork_shuttle))]
mod modelled {
    use std::ops::{Deref, DerefMut};
    use std::sync::TryLockError;
    use std::time::Duration;

    #[cfg(loopwork_loom)]
    use loom::sync as checker;
    #[cfg(loopwork_shuttle)]
    use shuttle::sync as checker;

    /// A checker's mutex with `parking_lot`'s interface.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(checker::Mutex<T>);

    /// The guard of a [`Mutex`].
    #[derive(Debug)]
    pub struct MutexGuard<'a, T> {
        /// None only inside [`Condvar::wait`].
        held: Option<checker::MutexGuard<'a, T>>,
        #[cfg_attr(loopwork_loom, expect(dead_code, reason = "no time passes there"))]
        lock: &'a checker::Mutex<T>,
    }

    impl<'a, T> MutexGuard<'a, T> {
        fn new(lock: &'a checker::Mutex<T>, held: checker::MutexGuard<'a, T>) -> Self {
            Self { held: Some(held), lock }
        }
    }

    impl<T> Mutex<T> {
        /// A free lock.
        pub fn new(value: T) -> Self {
            Self(checker::Mutex::new(value))
        }

        /// Waits for the lock.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard::new(&self.0, self.0.lock().unwrap_or_else(|e| e.into_inner()))
        }

        /// The lock, if it is free.
        pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            let held = match self.0.try_lock() {
                Ok(held) => held,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return None,
            };
            Some(MutexGuard::new(&self.0, held))
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
            self.held.as_deref().expect("the guard is with its condvar")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.held.as_deref_mut().expect("the guard is with its condvar")
        }
    }

    /// A checker's reader-writer lock with `parking_lot`'s interface.
    #[derive(Debug, Default)]
    pub struct RwLock<T>(checker::RwLock<T>);

    pub use checker::RwLockReadGuard;

    impl<T> RwLock<T> {
        /// A free lock.
        pub fn new(value: T) -> Self {
            Self(checker::RwLock::new(value))
        }

        /// Waits for the lock, to read.
        pub fn read_recursive(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().unwrap_or_else(|e| e.into_inner())
        }

        /// Waits for the lock, to write.
        pub fn write(&self) -> checker::RwLockWriteGuard<'_, T> {
            self.0.write().unwrap_or_else(|e| e.into_inner())
        }
    }

    /// A checker's condition variable with `parking_lot`'s interface.
    #[derive(Debug, Default)]
    pub struct Condvar(checker::Condvar);

    /// Whether a timed wait timed out. In a model without time it never does.
    #[derive(Debug)]
    pub struct WaitTimeoutResult(bool);

    impl WaitTimeoutResult {
        /// True if nobody notified.
        pub fn timed_out(&self) -> bool {
            self.0
        }
    }

    impl Condvar {
        /// A condition variable without waiters.
        pub fn new() -> Self {
            Self(checker::Condvar::new())
        }

        /// Releases the lock, waits for a notification, takes the lock again.
        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let held = guard.held.take().expect("the guard is with its condvar");
            guard.held = Some(self.0.wait(held).unwrap_or_else(|e| e.into_inner()));
        }

        /// As [`Condvar::wait`]: in a model without time no time-out expires. Where time passes it
        /// may, without anybody's doing.
        pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) -> WaitTimeoutResult {
            #[cfg(loopwork_shuttle)]
            if crate::clock::expires() {
                drop(guard.held.take());
                shuttle::thread::yield_now();
                guard.held = Some(guard.lock.lock().unwrap_or_else(|e| e.into_inner()));
                return WaitTimeoutResult(true);
            }
            self.wait(guard);
            WaitTimeoutResult(false)
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

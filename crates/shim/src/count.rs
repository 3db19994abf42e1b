//! Counts of what the machine's noise cannot blur. Only in a build with `--cfg loopwork_count`.
//!
//! Every access to an atomic and every lock of this crate is counted for the thread that makes it.
//! A write to a cache line that another thread wrote last is counted apart: that is what makes a
//! program slower the more processors it has, and what a timed run on two of them does not show.
//!
//! Not seen: atomics of other crates, such as crossbeam's deque and `Arc`.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Sub;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

/// What one thread has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Plain loads.
    pub loads: u64,
    /// Plain stores.
    pub stores: u64,
    /// Read-modify-writes, whether or not they changed anything.
    pub read_modify_writes: u64,
    /// Fences.
    pub fences: u64,
    /// Locks that were taken or tried.
    pub locks: u64,
    /// Stores, read-modify-writes and locks on a line that another thread wrote last.
    pub shared_writes: u64,
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            loads: self.loads - before.loads,
            stores: self.stores - before.stores,
            read_modify_writes: self.read_modify_writes - before.read_modify_writes,
            fences: self.fences - before.fences,
            locks: self.locks - before.locks,
            shared_writes: self.shared_writes - before.shared_writes,
        }
    }
}

/// What an access is counted as.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access {
    Load,
    Store,
    ReadModifyWrite,
    Fence,
    Lock,
}

/// The counts of the thread that asks.
#[must_use]
pub fn counts() -> Counts {
    COUNTS.with(Cell::get)
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts {
        loads: 0,
        stores: 0,
        read_modify_writes: 0,
        fences: 0,
        locks: 0,
        shared_writes: 0,
    }) };
    static THREAD: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed)
    };
}

/// Who wrote each line last, by its address.
static WRITERS: LazyLock<[Mutex<HashMap<usize, usize>>; 32]> = LazyLock::new(Default::default);
const LINE: usize = 64;

pub(crate) fn count<T: ?Sized>(access: Access, at: *const T) {
    let mut counts = counts();
    let writes = match access {
        Access::Load => {
            counts.loads += 1;
            false
        }
        Access::Store => {
            counts.stores += 1;
            true
        }
        Access::ReadModifyWrite => {
            counts.read_modify_writes += 1;
            true
        }
        Access::Fence => {
            counts.fences += 1;
            false
        }
        Access::Lock => {
            counts.locks += 1;
            true
        }
    };
    if writes && is_shared(at.cast::<u8>().addr() / LINE) {
        counts.shared_writes += 1;
    }
    COUNTS.with(|all| all.set(counts));
}

/// Whether another thread wrote `line` last. From now on this one did.
fn is_shared(line: usize) -> bool {
    let thread = THREAD.with(|thread| *thread);
    let mut writers = WRITERS[line % WRITERS.len()].lock().expect("counting does not panic");
    writers.insert(line, thread).is_some_and(|before| before != thread)
}

/// The atomics of `std`, counted.
#[allow(missing_docs, reason = "they are their namesakes")]
pub(crate) mod atomic {
    use std::sync::atomic::Ordering;

    use super::{Access, count};

    macro_rules! counted {
        ($name:ident $(<$param:ident>)?, $value:ty) => {
            /// Its namesake of `std`, counted.
            #[derive(Debug, Default)]
            pub struct $name $(<$param>)? (std::sync::atomic::$name $(<$param>)?);

            impl $(<$param>)? $name $(<$param>)? {
                #[must_use]
                pub const fn new(value: $value) -> Self {
                    Self(std::sync::atomic::$name::new(value))
                }
                #[inline]
                pub fn load(&self, order: Ordering) -> $value {
                    count(Access::Load, self);
                    self.0.load(order)
                }
                #[inline]
                pub fn store(&self, value: $value, order: Ordering) {
                    count(Access::Store, self);
                    self.0.store(value, order);
                }
                #[inline]
                pub fn swap(&self, value: $value, order: Ordering) -> $value {
                    count(Access::ReadModifyWrite, self);
                    self.0.swap(value, order)
                }
                #[inline]
                pub fn compare_exchange(
                    &self,
                    now: $value,
                    next: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    count(Access::ReadModifyWrite, self);
                    self.0.compare_exchange(now, next, success, failure)
                }
                #[inline]
                pub fn compare_exchange_weak(
                    &self,
                    now: $value,
                    next: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    count(Access::ReadModifyWrite, self);
                    self.0.compare_exchange_weak(now, next, success, failure)
                }
                #[inline]
                pub fn fetch_update(
                    &self,
                    set: Ordering,
                    fetch: Ordering,
                    f: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    count(Access::ReadModifyWrite, self);
                    self.0.fetch_update(set, fetch, f)
                }
                pub fn get_mut(&mut self) -> &mut $value {
                    self.0.get_mut()
                }
                pub fn into_inner(self) -> $value {
                    self.0.into_inner()
                }
            }
        };
    }

    macro_rules! counted_fetch {
        ($name:ident, $value:ty, $($fetch:ident)*) => {
            impl $name {
                $(#[inline]
                pub fn $fetch(&self, value: $value, order: Ordering) -> $value {
                    count(Access::ReadModifyWrite, self);
                    self.0.$fetch(value, order)
                })*
            }
        };
    }

    macro_rules! counted_number {
        ($($name:ident, $value:ty;)*) => {$(
            counted!($name, $value);
            counted_fetch!($name, $value,
                fetch_add fetch_sub fetch_and fetch_or fetch_xor fetch_max fetch_min);
        )*};
    }

    counted!(AtomicBool, bool);
    counted_fetch!(AtomicBool, bool, fetch_and fetch_or fetch_xor);
    counted_number! {
        AtomicU8, u8;
        AtomicU32, u32;
        AtomicU64, u64;
        AtomicUsize, usize;
    }
    counted!(AtomicPtr<T>, *mut T);
}

/// `parking_lot`'s mutex, counted.
#[allow(missing_docs, reason = "they are their namesakes")]
pub(crate) mod sync {
    use parking_lot::MutexGuard;

    use super::{Access, count};

    /// Its namesake of `parking_lot`, counted.
    #[derive(Debug, Default)]
    pub struct Mutex<T: ?Sized>(parking_lot::Mutex<T>);

    impl<T> Mutex<T> {
        pub const fn new(value: T) -> Self {
            Self(parking_lot::const_mutex(value))
        }

        pub fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }

    impl<T: ?Sized> Mutex<T> {
        #[inline]
        pub fn lock(&self) -> MutexGuard<'_, T> {
            count(Access::Lock, self);
            self.0.lock()
        }

        #[inline]
        pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            count(Access::Lock, self);
            self.0.try_lock()
        }

        pub fn get_mut(&mut self) -> &mut T {
            self.0.get_mut()
        }
    }
}

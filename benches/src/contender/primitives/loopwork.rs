//! `loopwork::sync`, which has a lock that is fair and one that need not be.

use std::future::Future;

use loopwork::sync::{Lock, LockGuard, Mutex, MutexGuard};

use super::{Exclusive, Primitives};
use crate::contender::Loopwork;

impl Primitives for Loopwork {
    type Mutex = Mutex<u64>;
    type Lock = Lock<u64>;
}

impl Exclusive for Mutex<u64> {
    type Guard = MutexGuard<'static, u64>;

    fn new(value: u64) -> Self {
        Self::new(value)
    }

    fn lock(&'static self) -> impl Future<Output = Self::Guard> + Send {
        self.lock()
    }
}

impl Exclusive for Lock<u64> {
    type Guard = LockGuard<'static, u64>;

    fn new(value: u64) -> Self {
        Self::new(value)
    }

    fn lock(&'static self) -> impl Future<Output = Self::Guard> + Send {
        self.lock()
    }
}

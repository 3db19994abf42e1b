//! async-lock, which comes with smol. Its mutex is fair to who has waited for half a millisecond.

use std::future::Future;

use smol::lock::{Mutex, MutexGuard};

use super::{Exclusive, Primitives};
use crate::contender::Smol;

impl Primitives for Smol {
    type Mutex = Mutex<u64>;
    type Lock = Mutex<u64>;
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

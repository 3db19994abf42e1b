//! `tokio::sync`. Its mutex is fair.

use std::future::Future;

use tokio::sync::{Mutex, MutexGuard};

use super::{Exclusive, Primitives};
use crate::contender::tokio::{Flavour, Tokio};

impl<M: Flavour> Primitives for Tokio<M> {
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

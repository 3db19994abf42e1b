//! async-lock, which comes with smol, and event-listener, which async-lock is made of. Its mutex is fair to who has waited for half a millisecond.

use std::future::Future;

use event_listener::Event;
use smol::lock::{Mutex, MutexGuard, Semaphore, SemaphoreGuard};

use super::{Exclusive, Permits, Primitives, WakeUp};
use crate::contender::Smol;

impl Primitives for Smol {
    type Mutex = Mutex<u64>;
    type Lock = Mutex<u64>;
    type Semaphore = Semaphore;
    type Notify = Event;
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

impl Permits for Semaphore {
    type Permit = SemaphoreGuard<'static>;

    fn new(permits: usize) -> Self {
        Self::new(permits)
    }

    fn acquire(&'static self) -> impl Future<Output = Self::Permit> + Send {
        self.acquire()
    }

    fn try_acquire(&'static self) -> Option<Self::Permit> {
        self.try_acquire()
    }
}

impl WakeUp for Event {
    fn new() -> Self {
        Self::new()
    }

    fn listen(&'static self) -> impl Future<Output = ()> + Send + 'static {
        self.listen()
    }

    fn notify(&self) {
        self.notify(1);
    }
}

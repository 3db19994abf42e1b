//! `loopwork::sync`, which has a lock that is fair and one that need not be.

use std::future::Future;
use std::sync::Arc;

use loopwork::sync::{
    Lock, LockGuard, Mutex, MutexGuard, Notify, Queue, Semaphore, SemaphorePermit,
};

use super::{Bounded, Exclusive, Permits, Primitives, WakeUp};
use crate::contender::Loopwork;

impl Primitives for Loopwork {
    type Mutex = Mutex<u64>;
    type Lock = Lock<u64>;
    type Semaphore = Semaphore;
    type Notify = Notify;
    type Queue = Queue<usize>;
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

impl Permits for Semaphore {
    type Permit = SemaphorePermit<'static>;

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

impl WakeUp for Notify {
    fn new() -> Self {
        Self::new()
    }

    fn listen(&'static self) -> impl Future<Output = ()> + Send + 'static {
        self.notified()
    }

    fn notify(&self) {
        self.notify_one();
    }
}

impl Bounded for Queue<usize> {
    type Producer = Arc<Self>;
    type Consumer = Arc<Self>;

    fn new(maxsize: usize) -> (Arc<Self>, Arc<Self>) {
        let queue = Arc::new(Self::new(maxsize));
        (queue.clone(), queue)
    }

    async fn put(producer: &mut Arc<Self>, item: usize) {
        producer.put(item).await.expect("nobody shuts the queue down");
    }

    async fn get(consumer: &mut Arc<Self>) -> usize {
        consumer.get().await.expect("nobody shuts the queue down")
    }
}

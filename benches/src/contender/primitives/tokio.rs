//! `tokio::sync`. Its mutex is fair.

use std::future::Future;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{Mutex, MutexGuard, Notify, Semaphore, SemaphorePermit};

use super::{Bounded, Exclusive, Permits, Primitives, WakeUp};
use crate::contender::tokio::{Flavour, Tokio};

impl<M: Flavour> Primitives for Tokio<M> {
    type Mutex = Mutex<u64>;
    type Lock = Mutex<u64>;
    type Semaphore = Semaphore;
    type Notify = Notify;
    type Queue = Channel;
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
    type Permit = SemaphorePermit<'static>;

    fn new(permits: usize) -> Self {
        Self::new(permits)
    }

    async fn acquire(&'static self) -> Self::Permit {
        self.acquire().await.expect("nobody closes the semaphore")
    }

    fn try_acquire(&'static self) -> Option<Self::Permit> {
        self.try_acquire().ok()
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

/// `mpsc`.
pub(crate) enum Channel {}

impl Bounded for Channel {
    type Producer = Sender<usize>;
    type Consumer = Receiver<usize>;

    fn new(maxsize: usize) -> (Sender<usize>, Receiver<usize>) {
        mpsc::channel(maxsize)
    }

    async fn put(producer: &mut Sender<usize>, item: usize) {
        producer.send(item).await.expect("the consumer takes all items");
    }

    async fn get(consumer: &mut Receiver<usize>) -> usize {
        consumer.recv().await.expect("the producer puts all items")
    }
}

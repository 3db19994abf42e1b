//! async-lock and async-channel, which come with smol, and event-listener, which both are made of;
//! and the oneshot of `futures`, as smol has none. Its mutex is fair to who has waited for half a
//! millisecond.

use std::future::Future;

use event_listener::Event;
use futures::channel::oneshot;
use smol::channel::{self, Receiver, Sender};
use smol::lock::{Mutex, MutexGuard, Semaphore, SemaphoreGuard};

use super::{Bounded, Exclusive, Permits, Primitives, Single, WakeUp};
use crate::contender::Smol;

impl Primitives for Smol {
    type Mutex = Mutex<u64>;
    type Lock = Mutex<u64>;
    type Semaphore = Semaphore;
    type Notify = Event;
    type Queue = Channel;
    type Channel = Channel;
    type Oneshot = Oneshot;
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

/// async-channel.
pub(crate) enum Channel {}

impl Bounded for Channel {
    type Producer = Sender<usize>;
    type Consumer = Receiver<usize>;

    fn new(maxsize: usize) -> (Sender<usize>, Receiver<usize>) {
        channel::bounded(maxsize)
    }

    async fn put(producer: &mut Sender<usize>, item: usize) {
        producer.send(item).await.expect("the consumer takes all items");
    }

    async fn get(consumer: &mut Receiver<usize>) -> usize {
        consumer.recv().await.expect("the producer puts all items")
    }
}

/// That of `futures`.
pub(crate) enum Oneshot {}

impl Single for Oneshot {
    type Sender<T: Send + 'static> = oneshot::Sender<T>;
    type Receiver<T: Send + 'static> = oneshot::Receiver<T>;

    fn new<T: Send + 'static>() -> (oneshot::Sender<T>, oneshot::Receiver<T>) {
        oneshot::channel()
    }

    fn send<T: Send + 'static>(sender: oneshot::Sender<T>, value: T) {
        assert!(sender.send(value).is_ok(), "the receiver is there");
    }

    async fn recv<T: Send + 'static>(receiver: oneshot::Receiver<T>) -> T {
        receiver.await.expect("the value is sent")
    }
}

//! `tokio::sync`. Its mutex is fair.

use std::future::Future;

use tokio::sync::{
    Mutex, MutexGuard, Notify, Semaphore, SemaphorePermit, broadcast, mpsc, oneshot, watch,
};

use super::{Bounded, Each, Exclusive, Latest, Permits, Primitives, Published, Single, WakeUp};
use crate::contender::tokio::{Flavour, Tokio};

impl<M: Flavour> Primitives for Tokio<M> {
    type Mutex = Mutex<u64>;
    type Lock = Mutex<u64>;
    type Semaphore = Semaphore;
    type Notify = Notify;
    type Queue = Channel;
    type Channel = Channel;
    type Oneshot = Oneshot;
}

impl<M: Flavour> Published for Tokio<M> {
    type Watch = Watch;
    type Broadcast = Broadcast;
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
    type Producer = mpsc::Sender<usize>;
    type Consumer = mpsc::Receiver<usize>;

    fn new(maxsize: usize) -> (mpsc::Sender<usize>, mpsc::Receiver<usize>) {
        mpsc::channel(maxsize)
    }

    async fn put(producer: &mut mpsc::Sender<usize>, item: usize) {
        producer.send(item).await.expect("the consumer takes all items");
    }

    async fn get(consumer: &mut mpsc::Receiver<usize>) -> usize {
        consumer.recv().await.expect("the producer puts all items")
    }
}

/// `oneshot`.
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

/// `watch`.
pub(crate) enum Watch {}

impl Latest for Watch {
    type Sender = watch::Sender<usize>;
    type Receiver = watch::Receiver<usize>;

    fn new() -> Self::Sender {
        watch::channel(0).0
    }

    fn subscribe(sender: &Self::Sender) -> Self::Receiver {
        sender.subscribe()
    }

    fn send(sender: &Self::Sender, value: usize) {
        sender.send(value).expect("there are receivers");
    }

    async fn changed(receiver: &mut Self::Receiver) -> usize {
        receiver.changed().await.expect("the sender is there");
        *receiver.borrow_and_update()
    }
}

/// `broadcast`.
pub(crate) enum Broadcast {}

impl Each for Broadcast {
    type Sender = broadcast::Sender<usize>;
    type Receiver = broadcast::Receiver<usize>;

    fn new(capacity: usize) -> Self::Sender {
        broadcast::channel(capacity).0
    }

    fn subscribe(sender: &Self::Sender) -> Self::Receiver {
        sender.subscribe()
    }

    fn send(sender: &Self::Sender, item: usize) {
        sender.send(item).expect("there are receivers");
    }

    async fn recv(receiver: &mut Self::Receiver) -> usize {
        receiver.recv().await.expect("nobody lags behind")
    }
}

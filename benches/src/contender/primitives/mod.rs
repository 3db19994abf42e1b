//! What tasks meet at: locks, permits, wake-ups, queues and channels, each runtime's own.

#[cfg(feature = "channels")]
mod channels;
mod loopwork;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

use std::future::Future;
use std::ops::DerefMut;

#[cfg(feature = "channels")]
pub(crate) use self::channels::{AsyncChannel, Flume, Kanal};
use super::Contender;

/// A runtime's best-known primitives.
///
/// All but queues and channels live as long as the process: their futures and guards may go to any task.
pub(crate) trait Primitives: Contender {
    /// A number that one task has at a time.
    type Mutex: Exclusive;
    /// The same, in the order in which the tasks came, if the runtime has a lock of its own for
    /// that.
    type Lock: Exclusive;
    type Semaphore: Permits;
    type Notify: WakeUp;
    type Queue: Bounded;
    /// From many tasks to one.
    type Channel: Bounded;
    /// One value, once.
    type Oneshot: Single;
}

/// What reaches more than one task; not every runtime has it.
pub(crate) trait Published: Primitives {
    type Watch: Latest;
    type Broadcast: Each;
}

/// A lock around a number.
pub(crate) trait Exclusive: Send + Sync + 'static {
    type Guard: DerefMut<Target = u64> + 'static;

    fn new(value: u64) -> Self;

    fn lock(&'static self) -> impl Future<Output = Self::Guard> + Send;
}

/// So many may have one at a time.
pub(crate) trait Permits: Send + Sync + 'static {
    type Permit: Send + 'static;

    fn new(permits: usize) -> Self;

    fn acquire(&'static self) -> impl Future<Output = Self::Permit> + Send;

    fn try_acquire(&'static self) -> Option<Self::Permit>;
}

/// Tells a task to look again.
pub(crate) trait WakeUp: Send + Sync + 'static {
    fn new() -> Self;

    /// Ends with the next [`notify`](WakeUp::notify) after this call, also if that comes before the
    /// first poll.
    fn listen(&'static self) -> impl Future<Output = ()> + Send + 'static;

    fn notify(&self);
}

/// A queue that has room for so many items, and makes its producer wait for room.
pub(crate) trait Bounded: 'static {
    type Producer: Clone + Send + 'static;
    type Consumer: Send + 'static;

    fn new(maxsize: usize) -> (Self::Producer, Self::Consumer);

    fn put(producer: &mut Self::Producer, item: usize) -> impl Future<Output = ()> + Send;

    fn get(consumer: &mut Self::Consumer) -> impl Future<Output = usize> + Send;
}

/// A channel for one value.
pub(crate) trait Single: 'static {
    type Sender<T: Send + 'static>: Send + 'static;
    type Receiver<T: Send + 'static>: Send + 'static;

    fn new<T: Send + 'static>() -> (Self::Sender<T>, Self::Receiver<T>);

    fn send<T: Send + 'static>(sender: Self::Sender<T>, value: T);

    fn recv<T: Send + 'static>(receiver: Self::Receiver<T>) -> impl Future<Output = T> + Send;
}

/// A value, of which everybody sees the latest.
pub(crate) trait Latest: 'static {
    type Sender: Send + Sync + 'static;
    type Receiver: Send + 'static;

    fn new() -> Self::Sender;

    fn subscribe(sender: &Self::Sender) -> Self::Receiver;

    fn send(sender: &Self::Sender, value: usize);

    /// The next value that this receiver has not seen.
    fn changed(receiver: &mut Self::Receiver) -> impl Future<Output = usize> + Send;
}

/// A channel of which everybody gets all items, while it keeps so many.
pub(crate) trait Each: 'static {
    type Sender: Send + Sync + 'static;
    type Receiver: Send + 'static;

    fn new(capacity: usize) -> Self::Sender;

    fn subscribe(sender: &Self::Sender) -> Self::Receiver;

    fn send(sender: &Self::Sender, item: usize);

    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = usize> + Send;
}

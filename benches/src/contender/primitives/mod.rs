//! What tasks meet at: locks, permits, wake-ups and queues, each runtime's own.

mod loopwork;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

use std::future::Future;
use std::ops::DerefMut;

use super::Contender;

/// A runtime's best-known primitives.
///
/// All but the queues live as long as the process: their futures and guards may go to any task.
pub(crate) trait Primitives: Contender {
    /// A number that one task has at a time.
    type Mutex: Exclusive;
    /// The same, in the order in which the tasks came, if the runtime has a lock of its own for
    /// that.
    type Lock: Exclusive;
    type Semaphore: Permits;
    type Notify: WakeUp;
    type Queue: Bounded;
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
    type Producer: Send + 'static;
    type Consumer: Send + 'static;

    fn new(maxsize: usize) -> (Self::Producer, Self::Consumer);

    fn put(producer: &mut Self::Producer, item: usize) -> impl Future<Output = ()> + Send;

    fn get(consumer: &mut Self::Consumer) -> impl Future<Output = usize> + Send;
}

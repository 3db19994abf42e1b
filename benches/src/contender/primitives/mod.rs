//! What tasks meet at: locks, permits and wake-ups, each runtime's own.

mod loopwork;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

use std::future::Future;
use std::ops::DerefMut;

use super::Contender;

/// A runtime's best-known primitives. Each lives as long as the process: its futures and guards may
/// go to any task.
pub(crate) trait Primitives: Contender {
    /// A number that one task has at a time.
    type Mutex: Exclusive;
    /// The same, in the order in which the tasks came, if the runtime has a lock of its own for
    /// that.
    type Lock: Exclusive;
}

/// A lock around a number.
pub(crate) trait Exclusive: Send + Sync + 'static {
    type Guard: DerefMut<Target = u64> + 'static;

    fn new(value: u64) -> Self;

    fn lock(&'static self) -> impl Future<Output = Self::Guard> + Send;
}

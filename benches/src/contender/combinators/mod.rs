//! Time limits, groups and gathered results, each runtime's own.

mod loopwork;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

use std::future::Future;
use std::time::Duration;

use super::Contender;

/// What a runtime makes of several futures, or of a future and a point in time.
pub(crate) trait Combinators: Contender {
    /// The output of a future that has so much time, or `None`.
    fn timeout<F>(duration: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F: Future + Send,
        F::Output: Send;

    /// Spawns children that are ready at once, which end with the group at the latest, and waits for
    /// all of them.
    fn group(&self, children: usize) -> impl Future<Output = ()> + Send;

    /// Spawns a task for each future, and gives all outputs in the order of the futures.
    fn gather<F>(&self, futures: Vec<F>) -> impl Future<Output = Vec<F::Output>> + Send
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;
}

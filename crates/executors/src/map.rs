//! The results of one function on many items.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use loopwork_sync::{ConcurrentError, ConcurrentFuture};

/// The results of [`ExecutorExt::map`](crate::ExecutorExt::map), in the order of the items.
///
/// `next` blocks until the next result is there; on a thread that is polling tasks it panics, as
/// [`ConcurrentFuture::result`] does. Unlike Python's, it goes on after a failure: each item gives
/// its own result. Dropping it cancels what has not started.
#[derive(Debug)]
pub struct Map<T> {
    results: VecDeque<ConcurrentFuture<T>>,
    deadline: Option<Instant>,
}

impl<T> Map<T> {
    pub(crate) fn new() -> Self {
        Self { results: VecDeque::new(), deadline: None }
    }

    pub(crate) fn push(&mut self, result: ConcurrentFuture<T>) {
        self.results.push_back(result);
    }

    /// Lets all results together take at most `timeout` from now. Those that are late give
    /// [a time-out](ConcurrentError::is_timeout).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.deadline = Instant::now().checked_add(timeout);
        self
    }
}

impl<T> Iterator for Map<T> {
    type Item = Result<T, ConcurrentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = self.results.pop_front()?;
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let outcome = result.result(left);
        if outcome.as_ref().is_err_and(ConcurrentError::is_timeout) {
            result.cancel();
        }
        Some(outcome)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.results.len(), Some(self.results.len()))
    }
}

impl<T> ExactSizeIterator for Map<T> {}

impl<T> Drop for Map<T> {
    fn drop(&mut self) {
        for result in &self.results {
            result.cancel();
        }
    }
}

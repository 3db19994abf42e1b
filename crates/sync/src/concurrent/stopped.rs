//! Waiting until the work behind a future has let go.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::ConcurrentFuture;
use crate::waiters::BoxedWaiter;

/// The future of [`ConcurrentFuture::stopped`].
#[must_use = "futures do nothing unless awaited"]
pub struct Stopped<'a, T> {
    future: &'a ConcurrentFuture<T>,
    waiter: BoxedWaiter,
}

impl<'a, T> Stopped<'a, T> {
    pub(super) fn new(future: &'a ConcurrentFuture<T>) -> Self {
        Self { future, waiter: BoxedWaiter::default() }
    }
}

impl<T> Future for Stopped<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let shared = &this.future.shared;
        shared.look(&mut this.waiter, cx, |state| state.is_stopped(shared.policy).then_some(()))
    }
}

impl<T> Drop for Stopped<'_, T> {
    fn drop(&mut self) {
        self.future.shared.leave(&mut self.waiter);
    }
}

impl<T> fmt::Debug for Stopped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopped").field("state", &self.waiter).finish()
    }
}

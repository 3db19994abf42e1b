//! A future that becomes a task, and says how it ends to who made it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Is told of the end of a task.
///
/// For combinators: what it does must be short, and must neither block nor run anybody's code.
#[doc(hidden)]
pub trait Told: Send + 'static {
    /// The task returns. Dropped without this, it has panicked or was cancelled.
    ///
    /// It is called, and dropped, when the future is gone; the task is marked as ended a few
    /// instructions later.
    fn returned(&mut self);
}

/// The future is pinned as long as this is; `told` is not.
pub(super) struct Telling<F, D> {
    future: F,
    // Last: what the future owns is gone before.
    told: D,
}

impl<F, D> Telling<F, D> {
    #[inline]
    pub(super) fn new(future: F, told: D) -> Self {
        Self { future, told }
    }

    /// The future of a task that was refused.
    pub(super) fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future, D: Told> Future for Telling<F, D> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: it is pinned with the whole: it is dropped in place, there is no `Drop`, and the
        // whole is `Unpin` only if the future is.
        let polled = unsafe { Pin::new_unchecked(&mut this.future) }.poll(cx);
        if polled.is_ready() {
            this.told.returned();
        }
        polled
    }
}

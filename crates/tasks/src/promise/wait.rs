//! An await of a promise.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use loopwork_context::{WaitReason, proceed, waits_for};

use super::Promise;
use super::error::PromiseError;
use super::line::Place;

/// The future of an awaited [`Promise`]. It waits from its first poll on; dropping it leaves, with no
/// effect on the promise and on others who wait.
#[must_use = "futures do nothing unless awaited"]
pub struct PromiseWait<T, E> {
    promise: Promise<T, E>,
    place: Option<Place>,
}

impl<T, E> PromiseWait<T, E> {
    pub(super) fn new(promise: Promise<T, E>) -> Self {
        Self { promise, place: None }
    }
}

impl<T: Clone, E: Clone> Future for PromiseWait<T, E> {
    type Output = Result<T, PromiseError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { promise, place } = &mut *self;
        let progress = ready!(proceed(cx));
        if !promise.done() && promise.0.wait(place, cx).is_pending() {
            waits_for(WaitReason::Event);
            return Poll::Pending;
        }
        if progress.holds_back() && place.is_some() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        progress.made();
        // Who sets the promise takes all out of the line in the same step.
        *place = None;
        Poll::Ready(promise.result())
    }
}

impl<T, E> Drop for PromiseWait<T, E> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.promise.0.leave(place);
        }
    }
}

impl<T, E> fmt::Debug for PromiseWait<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PromiseWait").field(&self.promise).finish()
    }
}

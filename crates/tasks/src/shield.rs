//! Keeping requests out.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use loopwork_context::{Frame, Kind, ScopeId, hold_back};
use loopwork_core::{Handle, IntoTask, Join, TaskError};
use loopwork_time::Instant;
use pin_project_lite::pin_project;

use crate::ensure::into_task;
use crate::scope::Edge;
use crate::timeout::TimedOut;

/// Awaits a task without ever cancelling it.
///
/// A request to the awaiting task is not forwarded: the wait ends, and the task runs on. A future
/// becomes a task of the loop that runs here. The loop keeps the task, so that it is not lost with
/// the wait; a failure that nobody looks at then is reported. The teardown of the loop still cancels
/// it.
///
/// Dropping what this gives detaches the task.
///
/// # Errors
///
/// As for awaiting the task.
///
/// # Panics
///
/// Outside a loop, or if it is being closed.
///
/// asyncio: `shield`. For a clean-up that has to run to its end, in the same task,
/// [`shield_scope`] is better: nothing runs on unattended.
///
/// ```
/// use loopwork_tasks::shield;
///
/// # async fn commit() -> u32 { 1 }
/// # async fn example() -> Result<u32, loopwork_core::TaskError> {
/// shield(commit()).await
/// # }
/// ```
#[doc(alias = "asyncio.shield")]
#[track_caller]
pub fn shield<A: IntoTask>(awaitable: A) -> Shield<A::Output> {
    let location = Location::caller();
    match Handle::current() {
        Ok(handle) => {
            let task = into_task(awaitable, &handle, location).into_future();
            Shield { task, waited: false }
        }
        Err(error) => panic!("`shield` has to make a task: {error}"),
    }
}

/// The future of [`shield`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Shield<T> {
    task: Join<T>,
    waited: bool,
}

impl<T: 'static> Future for Shield<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // The request is not for the task, but it is for this wait.
        ready!(hold_back(cx, self.waited));
        self.waited = true;
        let kind = Kind::scope(ScopeId::NOBODY, Kind::NEVER, true);
        let _frame = Frame::enter(kind, None);
        Pin::new(&mut self.task).poll(cx)
    }
}

/// Runs `future` to its end whatever is asked of its task meanwhile.
///
/// Requests from outside wait at the shield, and are pending again, for the next wait, when `future`
/// has ended. For a clean-up that waits; give it a [`limit`](ShieldScope::limit) if it might wait for
/// ever.
///
/// If what this gives is dropped, so is `future`: a shield does not help against that.
///
/// asyncio has none; trio: `CancelScope(shield=True)`.
///
/// ```
/// use std::time::Duration;
/// use loopwork_tasks::{TimedOut, shield_scope};
///
/// # async fn say_goodbye() {}
/// # async fn example() -> Result<(), TimedOut> {
/// shield_scope(say_goodbye()).limit(Duration::from_secs(3)).await
/// # }
/// ```
pub fn shield_scope<F: IntoFuture>(future: F) -> ShieldScope<F::IntoFuture> {
    ShieldScope {
        edge: Edge::new(Instant::FAR_FUTURE).shielded(),
        inside: Some(future.into_future()),
    }
}

pin_project! {
    /// The future of [`shield_scope`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct ShieldScope<F> {
        edge: Edge,
        #[pin]
        inside: Option<F>,
    }
}

impl<F> ShieldScope<F> {
    /// For `duration` from now at most; then the future is cancelled, as by
    /// [`timeout`](crate::timeout()).
    ///
    /// # Panics
    ///
    /// Outside an event loop, whose clock it needs.
    #[track_caller]
    pub fn limit(self, duration: Duration) -> ShieldFor<F> {
        let edge = Edge::new(Instant::now() + duration).shielded();
        ShieldFor { edge, inside: self.inside }
    }
}

impl<F: Future> Future for ShieldScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // It has no request of its own: it is not cancelled.
        match this.edge.poll(this.inside, cx) {
            Poll::Ready(Ok(output)) => Poll::Ready(output),
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl<F> fmt::Debug for ShieldScope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldScope").field("edge", &self.edge).finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`ShieldScope::limit`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct ShieldFor<F> {
        edge: Edge,
        #[pin]
        inside: Option<F>,
    }
}

impl<F: Future> Future for ShieldFor<F> {
    type Output = Result<F::Output, TimedOut>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.edge.poll(this.inside, cx).map_err(|_| TimedOut::new())
    }
}

impl<F> fmt::Debug for ShieldFor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldFor").field("edge", &self.edge).finish_non_exhaustive()
    }
}

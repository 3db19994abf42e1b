//! Catching a cancellation.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::frames::{Frame, Kind, catch_request};
use super::inside;
use super::reason::CancelReason;
use super::request::{Request, collecting};

/// Runs `future`, unless it is cancelled: then drops it, and gives the cancellation to the caller.
///
/// The caller may clean up, and await while doing so; then it lets the cancellation go on by
/// [`Cancelled::resume`], or refuses it by [`Cancelled::swallow`]. Of several catchers around a wait
/// the innermost has the first say, as in asyncio.
///
/// It is cancelled by whatever surrounds it: its task, a scope, a time limit, a group. A future that
/// is ready in the poll in which the request arrives has finished. One that is merely dropped, as by
/// `select!`, is not cancelled and not caught: only destructors run. Under an executor that knows
/// nothing of cancellation, requests of tasks never come.
///
/// asyncio: `try: .. except CancelledError:`. There, a handler that goes on without `uncancel()` misleads
/// the time limit or group around it. Here it misleads nobody. What was refused does not come again in
/// either; a level-triggered scope asks at every wait.
///
/// ```
/// use loopwork_context::catch_cancel;
///
/// # async fn save() {} async fn serve() -> u32 { 1 }
/// async fn serve_and_save() -> u32 {
///     match catch_cancel(serve()).await {
///         Ok(served) => served,
///         Err(cancelled) => {
///             save().await; // a clean-up that waits
///             cancelled.resume().await // and the cancellation goes on
///         }
///     }
/// }
/// # struct Noop; impl std::task::Wake for Noop { fn wake(self: std::sync::Arc<Self>) {} }
/// # let waker = std::task::Waker::from(std::sync::Arc::new(Noop));
/// # let mut future = std::pin::pin!(serve_and_save());
/// # use std::future::Future;
/// # assert!(future.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_ready());
/// ```
#[doc(alias = "CancelledError")]
pub fn catch_cancel<F: IntoFuture>(future: F) -> CatchCancel<F::IntoFuture> {
    CatchCancel { future: Some(future.into_future()), inside: inside::Place::default() }
}

pin_project! {
    /// The future of [`catch_cancel`]. Dropping it drops what is in it.
    #[must_use = "futures do nothing unless awaited"]
    pub struct CatchCancel<F> {
        #[pin]
        future: Option<F>,
        inside: inside::Place,
    }
}

impl<F: Future> Future for CatchCancel<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("`catch_cancel` was polled after it had given its result");
        };
        let frame = Frame::enter(Kind::CATCHER, None);
        let polled = future.poll(cx);
        let arrived = frame.leave_catcher();
        if let Poll::Ready(output) = polled {
            Request::end_any(arrived);
            this.inside.leave();
            return Poll::Ready(Ok(output));
        }
        let Some(request) = Request::merge(arrived, catch_request()) else {
            this.inside.be_reached_by(cx.waker());
            return Poll::Pending;
        };
        this.inside.leave();
        let held = collecting(|| this.future.set(None));
        Poll::Ready(Err(Cancelled { request: Request::merge(Some(request), held) }))
    }
}

impl<F> fmt::Debug for CatchCancel<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchCancel").field("over", &self.future.is_none()).finish_non_exhaustive()
    }
}

/// A cancellation that was caught.
///
/// Dropping it, or turning it into another error, neither resumes nor refuses it: the task goes on,
/// and its count of requests (`Task::cancelling`) stays. If it is dropped because what holds it is cancelled by another request
/// in turn, the two become one.
///
/// asyncio: `CancelledError`.
#[doc(alias = "CancelledError")]
#[must_use = "a cancellation is resumed or swallowed"]
pub struct Cancelled {
    /// There until it is resumed or swallowed.
    request: Option<Request>,
}

impl Cancelled {
    /// Why, and from where.
    #[must_use]
    pub fn reason(&self) -> &CancelReason {
        self.request.as_ref().expect("there while this is").reason()
    }

    /// What was said, if anything.
    ///
    /// asyncio: `CancelledError.args`.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.reason().message()
    }

    /// Lets the cancellation go on, to what surrounds this place most closely: another
    /// [`catch_cancel`], a scope, or the task. Awaiting what this gives never comes back.
    ///
    /// asyncio: `raise`.
    ///
    /// # Panics
    ///
    /// When what it gives is polled where nothing can be cancelled: outside of any scope and of
    /// Loopwork's tasks.
    #[track_caller]
    pub fn resume<T>(mut self) -> Resume<T> {
        Resume { request: self.request.take(), never: PhantomData }
    }

    /// Refuses: the code goes on as if it had not been asked. The task's count of requests goes down
    /// again.
    ///
    /// Another request is another cancellation.
    ///
    /// asyncio: `except CancelledError:` with `uncancel()`.
    #[doc(alias = "uncancel")]
    pub fn swallow(mut self) {
        if let Some(request) = self.request.take() {
            let count = request.count_of_owner();
            request.end();
            if count > 0 {
                inside::uncancel(count);
            }
        }
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cancelled: {}", self.reason())
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancelled").field(&self.request).finish()
    }
}

impl std::error::Error for Cancelled {}

/// The future of [`Cancelled::resume`]: it never ends, and what surrounds it drops it.
#[must_use = "the cancellation goes on when this is awaited"]
pub struct Resume<T> {
    request: Option<Request>,
    never: PhantomData<fn() -> T>,
}

impl<T> Future for Resume<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        if let Some(request) = self.request.take() {
            request.resume();
        }
        Poll::Pending
    }
}

impl<T> fmt::Debug for Resume<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resume").field(&self.request).finish()
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use std::future::{pending, poll_fn};
    use std::pin::pin;
    use std::task::Waker;

    use super::*;
    use crate::request_visible;

    fn poll_once<F: Future>(future: Pin<&mut F>, request: bool) -> (Poll<F::Output>, bool) {
        let mut cx = Context::from_waker(Waker::noop());
        let poll = crate::Poll::enter(request);
        let polled = future.poll(&mut cx);
        (polled, poll.leave())
    }

    #[test]
    fn the_innermost_takes_it() {
        let mut outer = pin!(catch_cancel(async {
            let inner = catch_cancel(pending::<()>()).await;
            assert!(inner.is_err());
            7
        }));
        assert!(matches!(poll_once(outer.as_mut(), false), (Poll::Pending, false)));
        assert!(matches!(poll_once(outer.as_mut(), true), (Poll::Ready(Ok(7)), false)));
    }

    #[test]
    fn resumed_it_goes_on_to_the_next_and_then_to_the_owner() {
        let mut task = pin!(async {
            let caught = catch_cancel(async {
                let Err(cancelled) = catch_cancel(pending::<()>()).await else { panic!() };
                cancelled.resume::<()>().await;
            });
            let Err(cancelled) = caught.await else { panic!() };
            cancelled.resume::<()>().await;
        });
        assert!(matches!(poll_once(task.as_mut(), true), (Poll::Pending, true)));
    }

    #[test]
    fn what_is_ready_is_not_cancelled() {
        let mut ready = pin!(catch_cancel(async { 1 }));
        assert!(matches!(poll_once(ready.as_mut(), true), (Poll::Ready(Ok(1)), true)));
    }

    #[test]
    fn what_is_resumed_is_not_seen_beside() {
        let mut beside = pin!(async {
            let Err(cancelled) = catch_cancel(pending::<()>()).await else { panic!() };
            let mut resumed = pin!(cancelled.resume::<()>());
            poll_fn(|cx| {
                assert!(resumed.as_mut().poll(cx).is_pending());
                assert!(!request_visible());
                Poll::<()>::Pending
            })
            .await;
        });
        assert!(matches!(poll_once(beside.as_mut(), true), (Poll::Pending, true)));
    }

    #[test]
    fn a_request_during_the_clean_up_joins_the_one_that_is_held() {
        let mut task = pin!(catch_cancel(async {
            let held = catch_cancel(pending::<()>()).await;
            pending::<()>().await;
            drop(held);
        }));
        assert!(matches!(poll_once(task.as_mut(), true), (Poll::Pending, false)));
        let (Poll::Ready(Err(cancelled)), false) = poll_once(task.as_mut(), true) else { panic!() };
        assert_eq!(cancelled.request.as_ref().unwrap().reasons().count(), 2);
        cancelled.swallow();
    }

    #[test]
    #[should_panic(expected = "resume it in the task")]
    fn it_is_not_resumed_where_nothing_can_take_it() {
        let mut caught = pin!(catch_cancel(pending::<()>()));
        let (Poll::Ready(Err(cancelled)), _) = poll_once(caught.as_mut(), true) else { panic!() };
        let mut resumed = pin!(cancelled.resume::<()>());
        _ = resumed.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}

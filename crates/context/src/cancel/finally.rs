//! A clean-up that runs whatever happens.

use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use pin_project_lite::pin_project;

use super::catch::catch_cancel;

/// Runs `future`, then `cleanup`: whether the future ends, panics or is cancelled. Then its output is
/// given, its panic goes on, or its cancellation does.
///
/// A cancel request that comes during the clean-up cancels the clean-up at its next wait; to prevent
/// that, shield it. If what this gives is dropped, nothing is awaited any more: not the clean-up either.
///
/// asyncio: `try: .. finally:`.
///
/// ```
/// use std::cell::RefCell;
/// use loopwork_context::finally;
///
/// # let log = RefCell::new(Vec::new());
/// # let work = async {
/// let done = finally(async { log.borrow_mut().push("work"); 7 }, async {
///     log.borrow_mut().push("clean up");
/// });
/// assert_eq!(done.await, 7);
/// # };
/// # let mut work = std::pin::pin!(work);
/// # let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(std::future::Future::poll(work.as_mut(), &mut cx).is_ready());
/// # assert_eq!(*log.borrow(), ["work", "clean up"]);
/// ```
pub async fn finally<F, C>(future: F, cleanup: C) -> F::Output
where
    F: IntoFuture,
    C: IntoFuture<Output = ()>,
{
    let guarded = Guarded { future: future.into_future() };
    // In its own binding: what was cancelled is dropped before the clean-up begins.
    let ended = catch_cancel(guarded).await;
    cleanup.into_future().await;
    match ended {
        Ok(Ok(output)) => output,
        Ok(Err(payload)) => resume_unwind(payload),
        Err(cancelled) => cancelled.resume().await,
    }
}

pin_project! {
    /// A future whose panic is an output.
    struct Guarded<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Guarded<F> {
    type Output = thread::Result<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        // Unwind: the future is not polled again, and the panic goes on after the clean-up.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use std::cell::Cell;
    use std::future::pending;
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    fn poll_once<F: Future>(future: Pin<&mut F>, request: bool) -> (Poll<F::Output>, bool) {
        let poll = crate::Poll::enter(request);
        let polled = future.poll(&mut Context::from_waker(Waker::noop()));
        (polled, poll.leave())
    }

    #[test]
    fn it_cleans_up_after_a_cancellation() {
        let cleaned = Cell::new(false);
        let mut task = pin!(finally(pending::<()>(), async { cleaned.set(true) }));
        assert_eq!(poll_once(task.as_mut(), false), (Poll::Pending, false));
        assert!(!cleaned.get());
        assert_eq!(poll_once(task.as_mut(), true), (Poll::Pending, true), "it goes on");
        assert!(cleaned.get());
    }

    #[test]
    fn it_cleans_up_after_a_panic() {
        let cleaned = Cell::new(false);
        let mut task = pin!(finally(async { panic!("ouch") }, async { cleaned.set(true) }));
        let panicked = catch_unwind(AssertUnwindSafe(|| poll_once(task.as_mut(), false)));
        assert_eq!(*panicked.unwrap_err().downcast::<&str>().unwrap(), "ouch");
        assert!(cleaned.get());
    }
}

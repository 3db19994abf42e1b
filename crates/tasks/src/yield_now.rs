//! Giving way.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use loopwork_context::{WaitReason, request_visible};

/// Lets everything that is ready run once before the caller goes on.
///
/// It waits exactly once. A cancel request that is there by then is met here, as by
/// [`checkpoint`](loopwork_context::checkpoint). Works on any executor. Dropping it does nothing.
///
/// asyncio: `sleep(0)`.
///
/// ```
/// # futures::executor::block_on(async {
/// loopwork_tasks::yield_now().await;
/// # });
/// ```
#[doc(alias = "sleep(0)")]
#[inline]
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.yielded, true) && !request_visible() {
            return Poll::Ready(());
        }
        loopwork_context::waits_for(WaitReason::Yield);
        // Loopwork's waker of the task that is being polled only sets a flag of this thread.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

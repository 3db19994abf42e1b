//! A place to be cancelled at.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::frames::request_visible;
use crate::reason::{WaitReason, waits_for};

/// Lets everything that is ready run once, and is a place to be cancelled at: if a request is there,
/// or comes meanwhile, the code does not get beyond it.
///
/// For code that computes for long, or whose waits are always over at once. Works on any executor.
/// Dropping it does nothing.
///
/// trio: `lowlevel.checkpoint`. asyncio: `sleep(0)`.
///
/// ```
/// use loopwork_context::checkpoint;
///
/// async fn sum(numbers: &[u64]) -> u64 {
///     let mut sum = 0;
///     for part in numbers.chunks(1000) {
///         sum += part.iter().sum::<u64>();
///         checkpoint().await;
///     }
///     sum
/// }
/// ```
#[doc(alias = "sleep(0)")]
pub fn checkpoint() -> Checkpoint {
    Checkpoint { yielded: false }
}

/// The future of [`checkpoint`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Checkpoint {
    yielded: bool,
}

impl Future for Checkpoint {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.yielded, true) && !request_visible() {
            return Poll::Ready(());
        }
        waits_for(WaitReason::Yield);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

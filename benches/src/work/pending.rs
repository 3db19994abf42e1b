//! Sleeps that are polled and not waited for.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Operations between two yields, where tasks take turns.
pub(super) const STINT: usize = 64;
/// The same of a task that is alone. Where it yields, its worker may find nothing else to do and
/// look for events, and that is to be next to nothing beside the operations. A budget lasts longer
/// still: a poll that is pending gives back what it took.
pub(super) const LONE_STINT: usize = 1_000;

/// Polls a sleep once, with the waker of the task, and sees that its time has not come.
pub(super) async fn poll_once<S: Future>(mut sleep: Pin<&mut S>) {
    let is_pending =
        poll_fn(|context| Poll::Ready(sleep.as_mut().poll(context).is_pending())).await;
    assert!(is_pending, "a sleep is not over before its deadline");
}

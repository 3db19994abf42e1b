//! What is ready at once has its price, too.

use std::future::poll_fn;
use std::task::Poll;

use loopwork_context::spending;

/// Takes a unit of the task's budget; where that is used up the task comes back later.
pub(crate) async fn spend() {
    poll_fn(|cx| spending(cx, |_| Poll::Ready(()))).await;
}

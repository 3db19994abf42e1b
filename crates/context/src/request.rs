//! The cancel request of the current poll.

use crate::poll;

/// What the innermost [`Poll`](crate::Poll) of this thread knows of a cancel request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visible {
    /// Nobody asked, or somebody inside took the request.
    Nothing,
    /// Asked, and nobody has taken it.
    Request,
    /// Taken before, and handed back to whoever owns the poll.
    Resumed,
}

/// A cancel request that was taken.
///
/// Whoever holds it decides: [`resume`](Request::resume) lets the cancellation go on outwards;
/// dropping the token ends it here.
#[derive(Debug)]
#[must_use = "a request that is dropped is neither delivered nor resumed"]
pub struct Request(());

impl Request {
    /// Hands the request to whoever owns the current poll, which ends cancelled if its future is
    /// still pending after this poll. Outside a poll it has no effect.
    pub fn resume(self) {
        poll::change(|now| now.request = Visible::Resumed);
    }
}

/// Whether a cancel request is visible to the future being polled.
#[inline]
#[must_use]
pub fn request_visible() -> bool {
    poll::now().request == Visible::Request
}

/// Takes the cancel request that is visible to the future being polled.
///
/// A future that takes it is about to return `Pending` and has a use for the request, such as
/// forwarding it to the task it waits for.
#[inline]
#[must_use]
pub fn take_request() -> Option<Request> {
    request_visible().then(|| {
        poll::change(|now| now.request = Visible::Nothing);
        Request(())
    })
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;
    use crate::Poll;

    #[test]
    fn outside_a_poll_nothing_is_visible() {
        assert!(!request_visible());
        assert!(take_request().is_none());
    }

    #[test]
    fn a_request_nobody_takes_is_left_for_the_owner() {
        assert!(Poll::enter(true).leave());
        assert!(!Poll::enter(false).leave());
    }

    #[test]
    fn a_token_that_is_dropped_ends_the_request() {
        let poll = Poll::enter(true);
        drop(take_request());
        assert!(!poll.leave());
    }

    #[test]
    fn an_inner_poll_hides_the_outer_one() {
        let outer = Poll::enter(true);
        let inner = Poll::enter(false);
        assert!(!request_visible());
        assert!(!inner.leave());
        assert!(request_visible());
        assert!(outer.leave());
    }
}

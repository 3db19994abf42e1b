//! The cancel request of the current poll.

use std::cell::Cell;
use std::marker::PhantomData;

/// What the innermost [`Poll`] of this thread knows of a cancel request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visible {
    /// Nobody asked, or somebody inside took the request.
    Nothing,
    /// Asked, and nobody has taken it.
    Request,
    /// Taken before, and handed back to whoever owns the poll.
    Resumed,
}

loopwork_shim::thread_local! {
    static VISIBLE: Cell<Visible> = Cell::new(Visible::Nothing)
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
        VISIBLE.with(|visible| visible.set(Visible::Resumed));
    }
}

/// Whether a cancel request is visible to the future being polled.
#[inline]
#[must_use]
pub fn request_visible() -> bool {
    VISIBLE.with(Cell::get) == Visible::Request
}

/// Takes the cancel request that is visible to the future being polled.
///
/// A future that takes it is about to return `Pending` and has a use for the request, such as
/// forwarding it to the task it waits for.
#[inline]
#[must_use]
pub fn take_request() -> Option<Request> {
    VISIBLE.with(|visible| {
        (visible.get() == Visible::Request).then(|| {
            visible.set(Visible::Nothing);
            Request(())
        })
    })
}

/// One poll of a task, entered by its executor.
///
/// ```
/// use loopwork_context::{Poll, take_request};
///
/// let poll = Poll::enter(true);
/// let request = take_request().expect("it was visible");
/// assert!(take_request().is_none());
/// request.resume();
/// assert!(poll.leave(), "the request came back to the poll's owner");
/// ```
#[derive(Debug)]
#[must_use = "the poll ends when this is dropped"]
pub struct Poll {
    outer: Visible,
    // The state belongs to the thread that entered.
    not_send: PhantomData<*const ()>,
}

impl Poll {
    /// Enters a poll in which a cancel request is visible or not. Polls nest; an inner one hides
    /// what is visible in the outer.
    #[inline]
    pub fn enter(request: bool) -> Self {
        let now = if request { Visible::Request } else { Visible::Nothing };
        Self { outer: VISIBLE.with(|visible| visible.replace(now)), not_send: PhantomData }
    }

    /// Leaves the poll. True if a request is left for its owner: nobody took it, or who took it
    /// resumed it.
    #[inline]
    #[must_use]
    pub fn leave(self) -> bool {
        VISIBLE.with(Cell::get) != Visible::Nothing
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        VISIBLE.with(|visible| visible.set(self.outer));
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

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

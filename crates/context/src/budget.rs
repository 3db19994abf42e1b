//! The cooperative budget of a poll.
//!
//! A task whose futures are always ready would never give way. So each poll has a budget, and a
//! leaf future spends one unit of it for each thing it achieves; when it is used up, leaf futures
//! are pending although they could go on, and the task comes back behind what is ready.

use std::task::{Context, Poll, ready};

use crate::poll;
use crate::reason::{WaitReason, waits_for};

/// What a poll begins with.
pub(crate) const FULL: u8 = 128;
/// Outside of one there is as much as anybody wants: this is what there is at once.
pub(crate) const OUTSIDE: u8 = u8::MAX;

/// That there is a unit of the budget, which [`Progress::made`] spends. Dropped without that, it costs nothing.
#[derive(Debug)]
#[must_use = "say `made()` once the operation has made progress"]
pub struct Progress {
    held_back: bool,
}

/// Looks for one unit of the budget of the task being polled, or has the task come back later.
///
/// A leaf future asks at its begin, and says [`made`](Progress::made) when it is ready. Pending
/// spends nothing, since a future that waits has used nothing. Outside a poll of Loopwork's
/// executor it is always ready, and also where a cancel request is visible: what is ready then
/// is to win over the request, unless it is [held back](Progress::holds_back).
///
/// ```
/// use std::task::{Context, Poll, Waker};
/// use loopwork_context::proceed;
///
/// let mut cx = Context::from_waker(Waker::noop());
/// let poll = loopwork_context::Poll::enter(false);
/// for _ in 0..128 {
///     let Poll::Ready(progress) = proceed(&mut cx) else { panic!("there was budget left") };
///     progress.made();
/// }
/// assert!(proceed(&mut cx).is_pending(), "and the waker was woken");
/// drop(poll);
/// assert!(proceed(&mut cx).is_ready(), "no poll, no budget");
/// ```
#[inline]
pub fn proceed(cx: &mut Context<'_>) -> Poll<Progress> {
    if let Some(progress) = try_proceed() {
        return Poll::Ready(progress);
    }
    let visible = poll::now().visible();
    if visible.any() {
        return Poll::Ready(Progress { held_back: visible.came_first() });
    }
    exhausted(cx)
}

/// As [`proceed`], for what is tried before there is anything to poll: none if the budget is used up, and
/// then nobody is woken. The caller goes on as a leaf future.
///
/// ```
/// use loopwork_context::try_proceed;
///
/// let poll = loopwork_context::Poll::enter(false);
/// for _ in 0..128 {
///     try_proceed().expect("there was budget left").made();
/// }
/// assert!(try_proceed().is_none());
/// drop(poll);
/// assert!(try_proceed().is_some(), "no poll, no budget");
/// ```
#[inline]
pub fn try_proceed() -> Option<Progress> {
    let now = poll::now();
    (now.budget() > 0 || poll::renew()).then(|| Progress { held_back: now.visible().came_first() })
}

#[cold]
fn exhausted(cx: &mut Context<'_>) -> Poll<Progress> {
    waits_for(WaitReason::Yield);
    // By the waker, since a combinator in between may only poll what was woken.
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// As a leaf future would: `poll` at the price of one unit, if it is ready.
///
/// ```
/// # use std::task::{Context, Poll, Waker};
/// # let mut cx = Context::from_waker(Waker::noop());
/// let item = loopwork_context::spending(&mut cx, |_| Poll::Ready("item"));
/// assert!(item.is_ready());
/// ```
#[inline]
pub fn spending<T>(
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let progress = ready!(proceed(cx));
    let polled = poll(cx);
    if polled.is_ready() {
        progress.made();
    }
    polled
}

/// Whether a cancel request is visible that came before whatever else has woken the task.
#[doc(hidden)]
#[must_use]
pub fn overtaken() -> bool {
    poll::now().visible().came_first()
}

/// Pending, with its task woken, for what has `waited` in an earlier poll and has to
/// [hold back](Progress::holds_back).
#[doc(hidden)]
#[inline]
pub fn hold_back(cx: &Context<'_>, waited: bool) -> Poll<()> {
    if waited && poll::now().visible().came_first() {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(())
}

impl Progress {
    /// Whether what has waited before this poll is not to be ready in it, since a cancel request was
    /// there first.
    ///
    /// A leaf future that waited and finds its result then takes nothing, wakes its task, in case
    /// that goes on without it, and stays pending. What surrounds it takes the request and drops it,
    /// and by being dropped it hands on what it was to have: the result is for another.
    #[inline]
    #[must_use]
    pub fn holds_back(&self) -> bool {
        self.held_back
    }

    /// The unit is spent.
    #[inline]
    pub fn made(self) {
        poll::spend();
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn what_makes_no_progress_costs_nothing() {
        let mut cx = Context::from_waker(Waker::noop());
        let poll = crate::Poll::enter(false);
        for _ in 0..1000 {
            assert!(spending(&mut cx, |_| Poll::<()>::Pending).is_pending());
        }
        for _ in 0..FULL {
            assert!(spending(&mut cx, |_| Poll::Ready(())).is_ready());
        }
        assert!(spending(&mut cx, |_| Poll::Ready(())).is_pending());
        assert_eq!(poll.finish().waits_for(), WaitReason::Yield);
    }

    #[test]
    fn a_nested_poll_has_its_own() {
        let mut cx = Context::from_waker(Waker::noop());
        let outer = crate::Poll::enter(false);
        for _ in 0..FULL {
            assert!(spending(&mut cx, |_| Poll::Ready(())).is_ready());
        }
        let inner = crate::Poll::enter(false);
        assert!(proceed(&mut cx).is_ready());
        drop(inner);
        assert!(proceed(&mut cx).is_pending());
        drop(outer);
    }

    #[test]
    fn outside_a_poll_there_is_no_end_to_it() {
        for _ in 0..1000 {
            try_proceed().expect("nothing is counted").made();
        }
        let poll = crate::Poll::enter(false);
        for _ in 0..FULL {
            try_proceed().expect("there is budget left").made();
        }
        assert!(try_proceed().is_none() && try_proceed().is_none());
        drop(poll);
        try_proceed().expect("nothing is counted").made();
    }

    #[test]
    fn what_is_made_twice_of_one_unit_leaves_none() {
        let poll = crate::Poll::enter(false);
        for _ in 1..FULL {
            try_proceed().expect("there is budget left").made();
        }
        let (first, second) = (try_proceed(), try_proceed());
        first.expect("one is left").made();
        second.expect("it was left then").made();
        assert!(try_proceed().is_none() && !overtaken());
        drop(poll);
    }

    #[test]
    fn what_is_ready_wins_over_a_request() {
        let mut cx = Context::from_waker(Waker::noop());
        let poll = crate::Poll::enter(true);
        for _ in 0..1000 {
            assert!(spending(&mut cx, |_| Poll::Ready(())).is_ready());
        }
        drop(poll);
    }
}

//! One poll of a task, and all that this thread knows of it.

use std::cell::Cell;
use std::marker::PhantomData;

use crate::budget::{self, UNLIMITED};
use crate::reason::WaitReason;
use crate::request::Visible;

/// What the innermost [`Poll`] of this thread knows. Four bytes, so that entering a poll is one
/// load and one store of a thread-local.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) request: Visible,
    /// The task is to be polled again, behind what is ready.
    pub(crate) requeue: bool,
    pub(crate) waits_for: WaitReason,
    /// How many units are left of the budget.
    pub(crate) budget: u8,
}

/// Outside a poll: no request, no budget.
const OUTSIDE: Now = Now {
    request: Visible::Nothing,
    requeue: false,
    waits_for: WaitReason::Other,
    budget: UNLIMITED,
};

loopwork_shim::thread_local! {
    static NOW: Cell<Now> = Cell::new(OUTSIDE)
}

#[inline]
pub(crate) fn now() -> Now {
    NOW.with(Cell::get)
}

#[inline]
pub(crate) fn change(change: impl FnOnce(&mut Now)) {
    NOW.with(|cell| {
        let mut now = cell.get();
        change(&mut now);
        cell.set(now);
    });
}

/// Has the task that is being polled polled again after this poll, behind what is ready.
///
/// For the waker of that very task: a wake from inside the poll need not touch what other threads
/// write. It speaks for the task as a whole, so that a leaf future goes through its waker instead:
/// what polls it may be a combinator that only polls what was woken. Outside a poll it does nothing.
#[inline]
pub fn requeue() {
    change(|now| now.requeue = true);
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
    outer: Now,
    // The state belongs to the thread that entered.
    not_send: PhantomData<*const ()>,
}

impl Poll {
    /// Enters a poll in which a cancel request is visible or not. Polls nest: each has its own
    /// request, budget and reason.
    #[inline]
    pub fn enter(request: bool) -> Self {
        let request = if request { Visible::Request } else { Visible::Nothing };
        let now = Now { request, budget: budget::FULL, ..OUTSIDE };
        Self { outer: NOW.with(|cell| cell.replace(now)), not_send: PhantomData }
    }

    /// Whether somebody asked for another poll by [`requeue`].
    #[inline]
    #[must_use]
    pub fn requeued(&self) -> bool {
        now().requeue
    }

    /// What the innermost future said it waits for.
    #[inline]
    #[must_use]
    pub fn waits_for(&self) -> WaitReason {
        now().waits_for
    }

    /// Leaves the poll. True if a request is left for its owner: nobody took it, or who took it
    /// resumed it.
    #[inline]
    #[must_use]
    pub fn leave(self) -> bool {
        now().request != Visible::Nothing
    }
}

impl Drop for Poll {
    #[inline]
    fn drop(&mut self) {
        NOW.with(|cell| cell.set(self.outer));
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_requeue_belongs_to_the_innermost_poll() {
        let outer = Poll::enter(false);
        let inner = Poll::enter(false);
        requeue();
        assert!(inner.requeued());
        drop(inner);
        assert!(!outer.requeued());
    }

    #[test]
    fn entering_writes_one_small_word() {
        assert_eq!(size_of::<Now>(), 4);
    }
}

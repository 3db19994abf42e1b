//! One poll of a task, and all that this thread knows of it.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

use crate::budget::{self, UNLIMITED};
use crate::cancel::frames::{self, Visible};
use crate::cancel::{Ask, CancelReason, Request};
use crate::reason::WaitReason;

/// What the innermost [`Poll`] of this thread knows. One small value, so that entering a poll and
/// finishing it are one access to a thread-local each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// The task that is being polled, as its executor names it.
    task: *const (),
    /// A poll inside that of the task, by something that is polled as part of it.
    nested: bool,
    /// This is a poll, and not outside of any.
    inside: bool,
    /// Which cancel requests are visible to the future being polled.
    pub(crate) visible: Visible,
    /// The task is to be polled again, behind what is ready.
    pub(crate) requeue: bool,
    pub(crate) waits_for: WaitReason,
    /// How many units are left of the budget.
    pub(crate) budget: u8,
    /// How many catchers and scopes are around the future being polled.
    pub(crate) frames: u16,
}

/// Outside a poll: no request, no budget.
const OUTSIDE: Now = Now {
    task: ptr::null(),
    nested: false,
    inside: false,
    visible: Visible::NOTHING,
    requeue: false,
    waits_for: WaitReason::Other,
    budget: UNLIMITED,
    frames: 0,
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

/// Which task this thread is polling, as its executor names it; null outside of any.
#[inline]
#[must_use]
pub fn task() -> *const () {
    now().task
}

/// Whether this thread is polling `task`, and no poll of its own inside of that.
#[inline]
#[must_use]
pub fn is_polling(task: *const ()) -> bool {
    let now = now();
    ptr::eq(now.task, task) && !now.nested
}

/// Whether this thread polls something of an executor that cancels.
pub(crate) fn is_inside() -> bool {
    now().inside
}

/// Calls `wake`, and forgets that the current task woke itself in it: what it woke is polled now.
#[doc(hidden)]
pub fn quietly(wake: impl FnOnce()) {
    let requeue = now().requeue;
    wake();
    change(|now| now.requeue = requeue);
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

/// What a poll has left behind.
#[derive(Debug)]
pub struct Finished {
    /// A request is left for the owner of the poll: nobody took it, or who took it resumed it.
    pub request: Option<Request>,
    /// Somebody asked for another poll by [`requeue`].
    pub requeued: bool,
    /// What the innermost future said it waits for.
    pub waits_for: WaitReason,
}

impl Poll {
    /// Enters a poll inside that of the current task, if there is one. A cancel request is visible
    /// in it or not. Polls nest: each has its own requests, budget and reason.
    #[inline]
    pub fn enter(request: bool) -> Self {
        Self::enter_nested(request.then(|| Ask::new(CancelReason::unspoken(), false)))
    }

    /// As [`Poll::enter`], with this request.
    #[doc(hidden)]
    #[inline]
    pub fn enter_nested(request: Option<Ask>) -> Self {
        Self::begin(task(), true, request)
    }

    /// Enters a poll of `task`, which is just a name here.
    #[doc(hidden)]
    #[inline]
    pub fn enter_task(task: *const (), request: Option<Ask>) -> Self {
        Self::begin(task, false, request)
    }

    /// Enters what is no poll of anybody, inside one: no request is visible, and there is no budget.
    /// For a call that blocks in the middle of a task, and may run an executor of its own.
    #[inline]
    pub fn outside() -> Self {
        Self { outer: NOW.with(|cell| cell.replace(OUTSIDE)), not_send: PhantomData }
    }

    #[inline]
    fn begin(task: *const (), nested: bool, request: Option<Ask>) -> Self {
        let now = Now { task, nested, inside: true, budget: budget::FULL, ..OUTSIDE };
        let poll = Self { outer: NOW.with(|cell| cell.replace(now)), not_send: PhantomData };
        if let Some(ask) = request {
            frames::push_owner(ask);
        }
        poll
    }

    /// Leaves the poll. True if a request is left for its owner.
    #[inline]
    #[must_use]
    pub fn leave(self) -> bool {
        self.finish().request.map(Request::end).is_some()
    }

    /// Leaves the poll.
    #[inline]
    #[must_use]
    pub fn finish(self) -> Finished {
        let now = NOW.with(|cell| cell.replace(self.outer));
        // What its drop does has been done.
        std::mem::forget(self);
        let request = if now.frames == 0 { None } else { frames::pop_owner(now.frames) };
        Finished { request, requeued: now.requeue, waits_for: now.waits_for }
    }
}

impl Drop for Poll {
    #[inline]
    fn drop(&mut self) {
        let now = NOW.with(|cell| cell.replace(self.outer));
        if now.frames != 0 {
            drop(frames::pop_owner(now.frames));
        }
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
        assert!(inner.finish().requeued);
        assert!(!outer.finish().requeued);
    }

    #[test]
    fn a_nested_poll_is_of_the_same_task_but_not_its_own_poll() {
        let task = ptr::from_ref(&1).cast();
        assert!(self::task().is_null());
        let outer = Poll::enter_task(task, None);
        assert!(is_polling(task));
        let inner = Poll::enter(false);
        assert!(ptr::eq(self::task(), task) && !is_polling(task));
        drop(inner);
        assert!(is_polling(task));
        drop(outer);
        assert!(self::task().is_null());
    }

    #[test]
    fn outside_hides_the_poll_around_it() {
        let task = ptr::from_ref(&1).cast();
        let ask = Ask::new(CancelReason::unspoken(), false);
        let poll = Poll::enter_task(task, Some(ask));
        let outside = Poll::outside();
        assert!(!crate::request_visible() && !is_polling(task));
        drop(outside);
        assert!(crate::request_visible() && is_polling(task));
        drop(poll);
    }

    #[test]
    fn what_a_poll_knows_is_small() {
        assert_eq!(size_of::<Now>(), 16);
    }
}

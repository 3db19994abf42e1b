//! One poll of a task, and all that this thread knows of it.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

use crate::budget::{self, UNLIMITED};
use crate::reason::WaitReason;
use crate::request::Visible;

/// What the innermost [`Poll`] of this thread knows. One small value, so that entering a poll and
/// finishing it are one access to a thread-local each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// The task that is being polled, as its executor names it.
    task: *const (),
    /// A poll inside that of the task, by something that is polled as part of it.
    nested: bool,
    pub(crate) request: Visible,
    /// The task is to be polled again, behind what is ready.
    pub(crate) requeue: bool,
    pub(crate) waits_for: WaitReason,
    /// How many units are left of the budget.
    pub(crate) budget: u8,
}

/// Outside a poll: no request, no budget.
const OUTSIDE: Now = Now {
    task: ptr::null(),
    nested: false,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// A request is left for the owner of the poll: nobody took it, or who took it resumed it.
    pub request_left: bool,
    /// Somebody asked for another poll by [`requeue`].
    pub requeued: bool,
    /// What the innermost future said it waits for.
    pub waits_for: WaitReason,
}

impl Poll {
    /// Enters a poll inside that of the current task, if there is one. A cancel request is visible
    /// in it or not. Polls nest: each has its own request, budget and reason.
    #[inline]
    pub fn enter(request: bool) -> Self {
        Self::begin(task(), true, request)
    }

    /// Enters a poll of `task`, which is just a name here.
    #[inline]
    pub fn enter_task(task: *const (), request: bool) -> Self {
        Self::begin(task, false, request)
    }

    #[inline]
    fn begin(task: *const (), nested: bool, request: bool) -> Self {
        let request = if request { Visible::Request } else { Visible::Nothing };
        let now = Now { task, nested, request, budget: budget::FULL, ..OUTSIDE };
        Self { outer: NOW.with(|cell| cell.replace(now)), not_send: PhantomData }
    }

    /// Leaves the poll. True if a request is left for its owner.
    #[inline]
    #[must_use]
    pub fn leave(self) -> bool {
        self.finish().request_left
    }

    /// Leaves the poll.
    #[inline]
    #[must_use]
    pub fn finish(self) -> Finished {
        let now = NOW.with(|cell| cell.replace(self.outer));
        // What its drop does has been done.
        std::mem::forget(self);
        Finished {
            request_left: now.request != Visible::Nothing,
            requeued: now.requeue,
            waits_for: now.waits_for,
        }
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
        assert!(inner.finish().requeued);
        assert!(!outer.finish().requeued);
    }

    #[test]
    fn a_nested_poll_is_of_the_same_task_but_not_its_own_poll() {
        let task = ptr::from_ref(&1).cast();
        assert!(self::task().is_null());
        let outer = Poll::enter_task(task, false);
        assert!(is_polling(task));
        let inner = Poll::enter(false);
        assert!(ptr::eq(self::task(), task) && !is_polling(task));
        drop(inner);
        assert!(is_polling(task));
        drop(outer);
        assert!(self::task().is_null());
    }

    #[test]
    fn what_a_poll_knows_is_small() {
        assert_eq!(size_of::<Now>(), 16);
    }
}

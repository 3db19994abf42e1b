//! One poll of a task, and all that this thread knows of it.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ptr;

use loopwork_shim::Word;

use crate::budget;
use crate::cancel::frames::{self, Visible};
use crate::cancel::{Ask, CancelReason, Request};
use crate::reason::WaitReason;

/// What the innermost [`Poll`] of this thread knows.
struct Place {
    /// The task that is being polled, as its executor names it.
    task: Cell<*const ()>,
    marks: Word,
}

/// What it knows besides the task. One word, read and written as a whole: a processor that reads more
/// than it has just written, or other pieces of it, waits until the write has reached the cache.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now(u64);

/// Outside a poll: no request, and a budget that is renewed.
const OUTSIDE: Now = Now(budget::OUTSIDE as u64);

loopwork_shim::thread_local! {
    static PLACE: Place = Place { task: Cell::new(ptr::null()), marks: Word::new(OUTSIDE.0) }
}

impl Place {
    #[inline]
    fn now(&self) -> Now {
        Now(self.marks.get())
    }

    #[inline]
    fn set(&self, now: Now) {
        self.marks.set(now.0);
    }
}

impl Now {
    // From the lowest bits up: budget, visible, waits_for (8 each), flags; frames from bit 32.
    const VISIBLE: u32 = 8;
    const WAITS_FOR: u32 = 16;
    /// The task is to be polled again, behind what is ready.
    const REQUEUE: u64 = 1 << 24;
    /// A poll inside that of the task, by something that is polled as part of it.
    const NESTED: u64 = 1 << 25;
    /// This is a poll, and not outside of any.
    const INSIDE: u64 = 1 << 26;
    const FRAMES: u32 = 32;
    const FRAME: u64 = 1 << Self::FRAMES;

    /// A poll that begins.
    const fn fresh(nested: bool) -> Self {
        let nested = if nested { Self::NESTED } else { 0 };
        Self(budget::FULL as u64 | Self::INSIDE | nested)
    }

    #[inline]
    fn byte(self, at: u32) -> u8 {
        (self.0 >> at) as u8
    }

    #[inline]
    fn set_byte(&mut self, at: u32, value: u8) {
        self.0 = (self.0 & !(0xff << at)) | (u64::from(value) << at);
    }

    /// How many units are left of the budget.
    #[inline]
    pub(crate) fn budget(self) -> u8 {
        self.byte(0)
    }

    /// Which cancel requests are visible to the future being polled.
    #[inline]
    pub(crate) fn visible(self) -> Visible {
        Visible::from_bits(self.byte(Self::VISIBLE))
    }

    #[inline]
    pub(crate) fn set_visible(&mut self, visible: Visible) {
        self.set_byte(Self::VISIBLE, visible.bits());
    }

    #[inline]
    pub(crate) fn set_waits_for(&mut self, reason: WaitReason) {
        self.set_byte(Self::WAITS_FOR, reason as u8);
    }

    /// How many catchers and scopes are around the future being polled.
    #[inline]
    pub(crate) fn frames(self) -> usize {
        (self.0 >> Self::FRAMES) as usize
    }

    #[inline]
    pub(crate) fn enter_frame(&mut self) {
        self.0 += Self::FRAME;
    }

    #[inline]
    pub(crate) fn leave_frame(&mut self) {
        self.0 -= Self::FRAME;
    }

    #[inline]
    fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }
}

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Now")
            .field("inside", &self.has(Self::INSIDE))
            .field("nested", &self.has(Self::NESTED))
            .field("visible", &self.visible())
            .field("budget", &self.budget())
            .field("frames", &self.frames())
            .finish_non_exhaustive()
    }
}

#[inline]
pub(crate) fn now() -> Now {
    PLACE.with(|place| place.now())
}

#[inline]
pub(crate) fn change(change: impl FnOnce(&mut Now)) {
    PLACE.with(|place| {
        let mut now = place.now();
        change(&mut now);
        place.set(now);
    });
}

/// Takes one unit off the budget, if there is one.
#[inline]
pub(crate) fn spend() {
    // It is in the lowest bits.
    change(|now| now.0 -= u64::from(now.budget() > 0));
}

/// Whether there is a budget again, after it was used up: outside a poll.
#[cold]
pub(crate) fn renew() -> bool {
    let is_outside = !is_inside();
    if is_outside {
        change(|now| now.set_byte(0, budget::OUTSIDE));
    }
    is_outside
}

/// Has the task that is being polled polled again after this poll, behind what is ready.
///
/// For the waker of that very task: a wake from inside the poll need not touch what other threads
/// write. It speaks for the task as a whole, so that a leaf future goes through its waker instead:
/// what polls it may be a combinator that only polls what was woken. Outside a poll it does nothing.
#[inline]
pub fn requeue() {
    change(|now| now.0 |= Now::REQUEUE);
}

/// Which task this thread is polling, as its executor names it; null outside of any.
#[inline]
#[must_use]
pub fn task() -> *const () {
    PLACE.with(|place| place.task.get())
}

/// Whether this thread is polling `task`, and no poll of its own inside of that.
#[inline]
#[must_use]
pub fn is_polling(task: *const ()) -> bool {
    PLACE.with(|place| ptr::eq(place.task.get(), task) && !place.now().has(Now::NESTED))
}

/// Whether this thread polls something of an executor that cancels.
pub(crate) fn is_inside() -> bool {
    now().has(Now::INSIDE)
}

/// Calls `wake`, and forgets that the current task woke itself in it: what it woke is polled now.
#[doc(hidden)]
pub fn quietly(wake: impl FnOnce()) {
    let before = now().0 & Now::REQUEUE;
    wake();
    change(|now| now.0 = (now.0 & !Now::REQUEUE) | before);
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
    outer: (*const (), Now),
    // The state belongs to the thread that entered.
    not_send: PhantomData<*const ()>,
}

/// What a poll has left behind.
#[derive(Debug)]
pub struct Finished {
    /// A request is left for the owner of the poll: nobody took it, or who took it resumed it.
    pub request: Option<Request>,
    now: Now,
}

impl Finished {
    /// Whether somebody asked for another poll by [`requeue`].
    #[inline]
    #[must_use]
    pub fn requeued(&self) -> bool {
        self.now.has(Now::REQUEUE)
    }

    /// What the innermost future said it waits for.
    #[must_use]
    pub fn waits_for(&self) -> WaitReason {
        WaitReason::from_number(self.reason_number()).unwrap_or_default()
    }

    /// The number of what it waits for, as by `as u8`.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn reason_number(&self) -> u8 {
        self.now.byte(Now::WAITS_FOR)
    }
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
        Self { outer: exchange((ptr::null(), OUTSIDE)), not_send: PhantomData }
    }

    #[inline]
    fn begin(task: *const (), nested: bool, request: Option<Ask>) -> Self {
        let outer = exchange((task, Now::fresh(nested)));
        let poll = Self { outer, not_send: PhantomData };
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
        let (_, now) = exchange(self.outer);
        // What its drop does has been done.
        std::mem::forget(self);
        let request = if now.frames() == 0 { None } else { frames::pop_owner(now.frames()) };
        Finished { request, now }
    }
}

impl Drop for Poll {
    #[inline]
    fn drop(&mut self) {
        let (_, now) = exchange(self.outer);
        if now.frames() != 0 {
            drop(frames::pop_owner(now.frames()));
        }
    }
}

#[inline]
fn exchange((task, marks): (*const (), Now)) -> (*const (), Now) {
    PLACE.with(|place| {
        let before = place.now();
        place.set(marks);
        (place.task.replace(task), before)
    })
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_requeue_belongs_to_the_innermost_poll() {
        let outer = Poll::enter(false);
        let inner = Poll::enter(false);
        requeue();
        assert!(inner.finish().requeued());
        assert!(!outer.finish().requeued());
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
    fn what_a_poll_knows_is_kept_apart() {
        let _poll = Poll::enter(false);
        change(|now| {
            now.set_waits_for(WaitReason::Yield);
            now.enter_frame();
            now.set_visible(Visible::from_bits(0b11));
        });
        spend();
        let (before, left) = (now(), budget::FULL - 1);
        assert_eq!((before.budget(), before.frames(), before.visible().bits()), (left, 1, 0b11));
        assert!(before.has(Now::INSIDE) && before.has(Now::NESTED) && !before.has(Now::REQUEUE));
        requeue();
        assert!(now().has(Now::REQUEUE) && now() != before);
        change(|now| {
            now.leave_frame();
            now.set_visible(Visible::NOTHING);
        });
        assert_eq!((now().budget(), now().frames(), now().visible()), (left, 0, Visible::NOTHING));
    }
}

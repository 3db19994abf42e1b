//! A cancel request: on its way to somebody, and taken by somebody.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem;
use std::num::NonZero;

use loopwork_shim::thread;

use super::frames;
use super::reason::CancelReason;

/// Who is cancelled: a scope, or what owns the poll.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeId(NonZero<u64>);

impl ScopeId {
    /// What owns the poll: its task.
    pub const OWNER: Self = Self(NonZero::<u64>::MIN);

    /// A scope that nobody can cancel yet.
    pub const NOBODY: Self = Self(NonZero::<u64>::MAX);

    /// Another than all before.
    #[must_use]
    pub fn unique() -> Self {
        loopwork_shim::thread_local! {
            static NEXT: Cell<u64> = Cell::new(2)
        }
        let count = NEXT.with(|next| next.replace(next.get() + 1));
        // Below the number of the thread: nobody makes a trillion scopes on one.
        Self(NonZero::new(((thread::number() as u64) << 40) | count).expect("it counts from two"))
    }
}

/// A request as its owner has it when a poll begins.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub struct Ask {
    /// The act it came from.
    pub reason: CancelReason,
    /// It found the task idle: it came before whatever else has woken the task since.
    pub first: bool,
    /// How many requests have become this one.
    pub count: u32,
}

impl Ask {
    /// One request.
    #[must_use]
    pub fn new(reason: CancelReason, first: bool) -> Self {
        Self { reason, first, count: 1 }
    }
}

/// What somebody has asked of one owner, taken.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) scope: ScopeId,
    pub(super) reason: CancelReason,
    pub(super) count: u32,
}

impl Part {
    fn is_same(&self, other: &Self) -> bool {
        self.scope == other.scope && self.reason.same_act(&other.reason)
    }
}

/// Cancel requests that were taken: all that were visible in one place.
///
/// Whoever holds it decides: [`resume`](Request::resume) lets the cancellation go on outwards. A
/// request that is dropped ends there, unless it is dropped as a part of a future that another
/// request cancels: then it joins that one.
#[must_use = "a request that is dropped is neither delivered nor resumed"]
pub struct Request(Box<Inner>);

struct Inner {
    parts: Vec<Part>,
    /// It is held until somebody else has answered it.
    forwards: bool,
}

impl Request {
    pub(super) fn new(parts: Vec<Part>, forwards: bool) -> Self {
        if forwards {
            parts.iter().for_each(|part| part.reason.begin_forwarding());
        }
        Self(Box::new(Inner { parts, forwards }))
    }

    /// Hands the request to what surrounds this poll most closely: a
    /// [`catch_cancel`](crate::catch_cancel), a scope, or the task, which ends cancelled if its future
    /// is still pending after this poll.
    ///
    /// # Panics
    ///
    /// Outside a poll of Loopwork's executor, and outside of any scope: nothing could take it.
    #[track_caller]
    pub fn resume(self) {
        frames::arrive(self.into_held());
    }

    /// Makes the request pending again: for the next wait of this task, as if it came only now.
    #[doc(hidden)]
    pub fn restore(self) {
        frames::restore(self.into_parts());
    }

    /// For who is dropped while holding requests that are not for it: they go to what cancels it, or
    /// else are pending again.
    #[doc(hidden)]
    pub fn give_back(self) {
        if COLLECTING.with(Cell::get) > 0 {
            drop(self);
        } else {
            self.restore();
        }
    }

    /// Why: of several requests the one that the outermost has.
    #[must_use]
    pub fn reason(&self) -> &CancelReason {
        &self.0.parts.last().expect("a request is of somebody").reason
    }

    /// Why, of each.
    #[doc(hidden)]
    pub fn reasons(&self) -> impl Iterator<Item = &CancelReason> {
        self.0.parts.iter().map(|part| &part.reason)
    }

    /// How many requests to the task itself it holds.
    pub(super) fn count_of_owner(&self) -> u32 {
        self.0.parts.iter().filter(|part| part.scope == ScopeId::OWNER).map(|part| part.count).sum()
    }

    /// Takes the part of `scope` out. The rest is what is left, if anything.
    #[doc(hidden)]
    #[must_use]
    pub fn split(self, scope: ScopeId) -> (Option<CancelReason>, Option<Self>) {
        let mut own = None;
        let mut parts = self.into_parts();
        parts.retain(|part| {
            let is_own = part.scope == scope;
            if is_own {
                own.get_or_insert_with(|| part.reason.clone());
            }
            !is_own
        });
        (own, (!parts.is_empty()).then(|| Self::new(parts, false)))
    }

    /// Both as one. The outermost stay last.
    #[doc(hidden)]
    pub fn merge(into: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (into, other) {
            (Some(mut into), Some(other)) => {
                for part in other.into_parts() {
                    if into.0.parts.iter().any(|known| known.is_same(&part)) {
                        continue;
                    }
                    if into.0.forwards {
                        part.reason.begin_forwarding();
                    }
                    into.0.parts.push(part);
                }
                into.0.parts.sort_by_key(|part| part.scope == ScopeId::OWNER);
                Some(into)
            }
            (into, other) => into.or(other),
        }
    }

    /// It forwards no more.
    fn into_held(mut self) -> Self {
        if mem::take(&mut self.0.forwards) {
            self.0.parts.iter().for_each(|part| part.reason.end_forwarding());
        }
        self
    }

    pub(super) fn into_parts(self) -> Vec<Part> {
        mem::take(&mut self.into_held().0.parts)
    }

    /// It ends here, also where dropping it would not end it.
    #[doc(hidden)]
    pub fn end(self) {
        drop(self.into_parts());
    }

    /// As [`Request::end`], if there is one.
    #[doc(hidden)]
    pub fn end_any(request: Option<Self>) {
        if let Some(request) = request {
            request.end();
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if mem::take(&mut self.0.forwards) {
            self.0.parts.iter().for_each(|part| part.reason.end_forwarding());
        }
        let parts = mem::take(&mut self.0.parts);
        if !parts.is_empty() {
            collect(parts);
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.reasons()).finish()
    }
}

/// Takes the cancel requests that are visible to the future being polled, in order to forward them.
///
/// A future that takes them is about to return `Pending` and has a use for them, such as cancelling
/// the task it waits for. It holds the token until it has an answer.
#[inline]
#[must_use]
pub fn take_request() -> Option<Request> {
    if frames::request_visible() { frames::take(true) } else { None }
}

loopwork_shim::thread_local! {
    /// One for each [`collecting`] on this thread.
    static COLLECTORS: RefCell<Vec<Vec<Part>>> = RefCell::new(Vec::new())
}

loopwork_shim::thread_local! {
    /// How many of them there are.
    static COLLECTING: Cell<usize> = Cell::new(0)
}

#[cold]
fn collect(parts: Vec<Part>) {
    // The thread may be ending, and its thread-locals gone.
    if COLLECTING.try_with(Cell::get).unwrap_or(0) == 0 {
        return;
    }
    _ = COLLECTORS.try_with(|collectors| {
        if let Some(top) = collectors.borrow_mut().last_mut() {
            top.extend(parts);
        }
    });
}

/// Calls `f`, which drops a future that is cancelled, and gives the requests that were held in it: of
/// those whose owners are still around this poll.
#[doc(hidden)]
pub fn collecting(f: impl FnOnce()) -> Option<Request> {
    struct Collector;
    impl Drop for Collector {
        // Unwind: a destructor has panicked; what was collected so far is given up with it.
        fn drop(&mut self) {
            COLLECTING.with(|count| count.set(count.get() - 1));
            COLLECTORS
                .with(|collectors| collectors.borrow_mut().truncate(COLLECTING.with(Cell::get)));
        }
    }
    COLLECTING.with(|count| count.set(count.get() + 1));
    COLLECTORS.with(|collectors| collectors.borrow_mut().push(Vec::new()));
    let collector = Collector;
    f();
    let mut parts = COLLECTORS
        .with(|collectors| collectors.borrow_mut().last_mut().map(mem::take).unwrap_or_default());
    drop(collector);
    parts.retain(|part| frames::is_around(part.scope));
    (!parts.is_empty()).then(|| Request::new(parts, false))
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;
    use crate::{Poll, request_visible};

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
    fn a_token_that_is_dropped_with_a_cancelled_future_joins_its_request() {
        let poll = Poll::enter(true);
        let held = take_request();
        let collected = collecting(|| drop(held)).expect("it was held");
        collected.resume();
        assert!(poll.leave());
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

    #[test]
    fn who_forwards_is_known_until_it_has_an_answer() {
        let poll = Poll::enter(true);
        let request = take_request().expect("visible");
        let reason = request.reason().clone();
        assert!(reason.is_forwarded());
        request.resume();
        assert!(!reason.is_forwarded());
        assert!(poll.leave());
    }

    #[test]
    fn restored_it_is_visible_again() {
        let poll = Poll::enter(true);
        let request = take_request().expect("visible");
        assert!(!request_visible());
        request.restore();
        assert!(request_visible());
        assert!(poll.leave());
    }
}

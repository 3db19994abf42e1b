//! What surrounds the future being polled: catchers and edges of scopes.
//!
//! Each puts a frame on this thread's stack while it polls its inside. A poll without frames costs
//! nothing more; the frames of a poll are those on top, as many as it says.

use std::cell::RefCell;
use std::marker::PhantomData;

use super::reason::{CancelKind, CancelReason};
use super::request::{Ask, Part, Request, ScopeId};
use crate::poll;

/// What is visible in one place, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visible(u8);

impl Visible {
    pub(crate) const NOTHING: Self = Self(0);
    const REQUEST: Self = Self(0b01);
    /// One that came first: the second bit says so.
    const FIRST: Self = Self(0b11);

    fn of(ask: Option<&Ask>) -> Self {
        match ask {
            None => Self::NOTHING,
            Some(ask) if ask.first => Self::FIRST,
            Some(_) => Self::REQUEST,
        }
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(crate) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    #[inline]
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    #[inline]
    pub(crate) fn any(self) -> bool {
        self != Self::NOTHING
    }

    #[inline]
    pub(crate) fn came_first(self) -> bool {
        self.0 & 0b10 != 0
    }
}

#[derive(Debug)]
struct Record {
    kind: Kind,
    /// What is visible around it.
    outer: Visible,
    /// Most often there is nothing of this, and nothing is made or dropped.
    left: Option<Box<Left>>,
}

/// What a frame is of.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Whose requests it takes.
    id: Option<ScopeId>,
    /// In nanoseconds of its clock; the greatest is never.
    deadline: u64,
    /// Requests from outside are not visible inside.
    shield: bool,
}

impl Kind {
    /// What owns the poll.
    const OWNER: Self = Self::scope(ScopeId::OWNER, Self::NEVER, false);

    /// A future that takes what is visible, and has no request of its own.
    pub const CATCHER: Self = Self { id: None, deadline: Self::NEVER, shield: false };

    /// The deadline of a scope that has none.
    pub const NEVER: u64 = u64::MAX;

    /// The edge of a scope, with its deadline in nanoseconds of its clock.
    #[inline]
    #[must_use]
    pub const fn scope(id: ScopeId, deadline: u64, shield: bool) -> Self {
        Self { id: Some(id), deadline, shield }
    }
}

loopwork_shim::thread_local! {
    static FRAMES: RefCell<Vec<Record>> = RefCell::new(Vec::new())
}

#[inline]
fn with_all<R>(f: impl FnOnce(&mut Vec<Record>) -> R) -> R {
    let done = FRAMES.try_with(|frames| f(&mut frames.borrow_mut()));
    done.expect("nothing is polled by the destructor of a thread-local")
}

/// While it lives, what is polled on this thread is inside a catcher or a scope.
#[doc(hidden)]
#[derive(Debug)]
#[must_use = "the frame ends when this is dropped"]
pub struct Frame {
    // The stack is this thread's.
    not_send: PhantomData<*const ()>,
}

/// What a frame has come to.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Left {
    /// The scope's name, if it had none before and needed one.
    pub named: Option<ScopeId>,
    /// Its own request, which nobody inside has taken so far.
    pub own: Option<Ask>,
    /// Requests that were resumed inside.
    pub arrived: Option<Request>,
    /// Its deadline was found from inside to have passed, for this reason; `own` or a token has it.
    pub expired: Option<CancelReason>,
    /// A catcher inside has taken its request.
    pub caught: bool,
}

impl Frame {
    /// Enters one. `own` is the scope's own request.
    #[inline]
    pub fn enter(kind: Kind, own: Option<Ask>) -> Self {
        let mine = Visible::of(own.as_ref());
        let mut outer = Visible::NOTHING;
        poll::change(|now| {
            outer = now.visible();
            now.enter_frame();
            now.set_visible(if kind.shield { mine } else { outer.and(mine) });
        });
        let left = own.map(|own| Box::new(Left { own: Some(own), ..Left::default() }));
        push(kind.id, kind.deadline, kind.shield, outer, left);
        Self { not_send: PhantomData }
    }

    /// Leaves it. None: nothing was asked.
    #[inline]
    #[must_use]
    pub fn leave(self) -> Option<Box<Left>> {
        std::mem::forget(self);
        pop()
    }

    /// Leaves that of a catcher, with the requests that were resumed inside.
    #[inline]
    #[must_use]
    pub fn leave_catcher(self) -> Option<Request> {
        self.leave()?.arrived
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        drop(pop());
    }
}

impl Record {
    fn left(&mut self) -> &mut Left {
        self.left.get_or_insert_default()
    }

    fn own(&self) -> Option<&Ask> {
        self.left.as_ref()?.own.as_ref()
    }

    fn take_own(&mut self) -> Option<Ask> {
        self.left.as_mut()?.own.take()
    }

    fn ask(&mut self, ask: Ask) {
        _ = self.left().own.get_or_insert(ask);
    }

    fn receive(&mut self, request: Request) {
        let arrived = &mut self.left().arrived;
        *arrived = Request::merge(arrived.take(), Some(request));
    }

    /// Asks it to end, if its deadline is not later than this and that was not known before.
    fn expire(&mut self, until: u64) -> bool {
        let Kind { id: Some(id), deadline, .. } = &mut self.kind else { return false };
        if *deadline > until || *deadline == Kind::NEVER {
            return false;
        }
        let left = self.left.get_or_insert_default();
        if left.own.is_some() || left.expired.is_some() {
            return false;
        }
        if *id == ScopeId::NOBODY {
            *id = ScopeId::unique();
            left.named = Some(*id);
        }
        let reason = CancelReason::of_kind(CancelKind::Deadline);
        left.expired = Some(reason.clone());
        left.own = Some(Ask::new(reason, true));
        true
    }
}

/// A function of its own, and given its parts in registers: a record that is put together on the stack
/// and copied from there waits for its parts to reach the cache.
#[inline(never)]
fn push(id: Option<ScopeId>, deadline: u64, shield: bool, outer: Visible, left: Option<Box<Left>>) {
    with_all(|frames| frames.push(Record { kind: Kind { id, deadline, shield }, outer, left }));
}

#[inline(never)]
fn pop() -> Option<Box<Left>> {
    let popped = with_all(Vec::pop);
    let (outer, left) = popped.map_or((Visible::NOTHING, None), |frame| (frame.outer, frame.left));
    left_to(outer);
    left
}

/// One frame less, around which this is visible.
#[inline]
fn left_to(outer: Visible) {
    poll::change(|now| {
        now.leave_frame();
        now.set_visible(outer);
    });
}

/// By a poll that begins with a request of its owner.
#[cold]
pub(crate) fn push_owner(ask: Ask) {
    drop_guard(Frame::enter(Kind::OWNER, Some(ask)));
}

/// The owner's frame goes with its poll.
fn drop_guard(frame: Frame) {
    std::mem::forget(frame);
}

/// By a poll that ends, of as many frames: what is left for the owner.
#[cold]
pub(crate) fn pop_owner(frames_of_poll: usize) -> Option<Request> {
    let mut last = None;
    for _ in 0..frames_of_poll {
        // More than one only if a frame was leaked.
        last = with_all(Vec::pop);
    }
    let record = last?;
    debug_assert_eq!(record.kind, Kind::OWNER, "a frame was left behind");
    let left = *record.left?;
    let own = left.own.map(|ask| request_of(ScopeId::OWNER, &ask));
    Request::merge(own, left.arrived)
}

fn request_of(scope: ScopeId, ask: &Ask) -> Request {
    Request::new(vec![part_of(scope, ask)], false)
}

fn part_of(scope: ScopeId, ask: &Ask) -> Part {
    Part { scope, reason: ask.reason.clone(), count: ask.count }
}

/// Whether a cancel request is visible to the future being polled.
///
/// ```
/// use loopwork_context::{Poll, request_visible};
///
/// assert!(!request_visible());
/// let poll = Poll::enter(true);
/// assert!(request_visible());
/// # drop(poll);
/// ```
#[inline]
#[must_use]
pub fn request_visible() -> bool {
    poll::now().visible().any()
}

/// Calls `f` with the frames of this poll, the outermost first.
fn with_frames<R>(f: impl FnOnce(&mut [Record]) -> R) -> R {
    let count = poll::now().frames();
    with_all(|frames| {
        let base = frames.len() - count;
        f(&mut frames[base..])
    })
}

/// Takes all that is visible here.
#[cold]
pub(super) fn take(forwards: bool) -> Option<Request> {
    let parts = with_frames(|frames| {
        let mut parts = Vec::new();
        for frame in frames.iter_mut().rev() {
            if let Some((id, ask)) = frame.kind.id.zip(frame.take_own()) {
                frame.left().caught |= !forwards;
                parts.push(part_of(id, &ask));
            }
            if frame.kind.shield {
                break;
            }
            frame.outer = Visible::NOTHING;
        }
        parts
    });
    poll::change(|now| now.set_visible(Visible::NOTHING));
    (!parts.is_empty()).then(|| Request::new(parts, forwards))
}

/// For a combinator that catches: takes all that is visible here.
#[doc(hidden)]
#[must_use]
pub fn catch_request() -> Option<Request> {
    if request_visible() { take(false) } else { None }
}

/// Adds the frame of the owner below the others of this poll, if it is not there.
fn with_owner<R>(f: impl FnOnce(&mut Record) -> R) -> R {
    if !with_frames(|frames| frames.first().is_some_and(|frame| frame.kind == Kind::OWNER)) {
        let count = poll::now().frames();
        with_all(|frames| {
            let base = frames.len() - count;
            let owner = Record { kind: Kind::OWNER, outer: Visible::NOTHING, left: None };
            frames.insert(base, owner);
        });
        poll::change(poll::Now::enter_frame);
    }
    with_frames(|frames| f(&mut frames[0]))
}

/// Hands `request` to the innermost frame, or to the owner of the poll.
#[cold]
#[track_caller]
pub(super) fn arrive(request: Request) {
    if poll::now().frames() > 0 {
        with_frames(|frames| frames.last_mut().expect("counted above").receive(request));
    } else if poll::is_inside() {
        with_owner(|frame| frame.receive(request));
    } else {
        request.end();
        panic!(
            "a cancellation was resumed where nothing can be cancelled: resume it in the task, or \
             inside the scope, in which it was caught"
        );
    }
}

/// Makes requests pending again, of those owners that are around.
#[cold]
pub(super) fn restore(parts: Vec<Part>) {
    for part in parts {
        let ask = Ask { reason: part.reason, first: false, count: part.count };
        if part.scope == ScopeId::OWNER {
            if poll::is_inside() {
                with_owner(|frame| frame.ask(ask));
            }
        } else {
            with_frames(|frames| {
                let frame = frames.iter_mut().find(|frame| frame.kind.id == Some(part.scope));
                if let Some(frame) = frame {
                    frame.ask(ask);
                }
            });
        }
    }
    look_again();
}

/// Works out again what is visible in each frame.
fn look_again() {
    let visible = with_frames(|frames| {
        frames.iter_mut().fold(Visible::NOTHING, |outer, frame| {
            frame.outer = outer;
            let mine = Visible::of(frame.own());
            if frame.kind.shield { mine } else { outer.and(mine) }
        })
    });
    poll::change(|now| now.set_visible(visible));
}

/// Whether `scope` is around the future being polled.
pub(super) fn is_around(scope: ScopeId) -> bool {
    scope == ScopeId::OWNER
        || with_frames(|frames| frames.iter().any(|frame| frame.kind.id == Some(scope)))
}

/// A deadline has passed here, at `deadline` of its clock: so has that of every scope around which
/// is not later, whoever has heard of it first. For what waits longer than a scope it is in.
#[doc(hidden)]
#[inline]
pub fn expire_scopes(deadline: u64) {
    if poll::now().frames() > 0 {
        expire_frames(deadline);
    }
}

#[cold]
fn expire_frames(until: u64) {
    let found = with_frames(|frames| {
        let mut found = false;
        for frame in frames.iter_mut().rev() {
            found |= frame.expire(until);
            if frame.kind.shield {
                break;
            }
        }
        found
    });
    if found {
        look_again();
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;
    use crate::{Poll, take_request};

    fn ask() -> Option<Ask> {
        Some(Ask::new(CancelReason::unspoken(), false))
    }

    fn scope(id: ScopeId, shield: bool) -> Kind {
        Kind::scope(id, Kind::NEVER, shield)
    }

    #[test]
    fn a_taker_takes_all_that_is_visible() {
        let poll = Poll::enter(true);
        let (outer, inner) = (ScopeId::unique(), ScopeId::unique());
        let outer_frame = Frame::enter(scope(outer, false), None);
        let inner_frame = Frame::enter(scope(inner, false), ask());
        let request = take_request().expect("two are visible");
        assert_eq!(request.reasons().count(), 2);
        assert!(!request_visible());
        let (own, rest) = request.split(inner);
        assert!(own.is_some() && rest.is_some());
        assert!(inner_frame.leave().is_some_and(|left| left.own.is_none()));
        assert!(!request_visible(), "taken, also from the owner");
        rest.map(Request::resume).expect("that of the owner");
        let left = outer_frame.leave().expect("a request came back");
        assert!(left.arrived.is_some(), "handed to the innermost frame");
        assert!(!poll.leave());
    }

    #[test]
    fn a_shield_hides_what_is_around_it() {
        let poll = Poll::enter(true);
        let frame = Frame::enter(scope(ScopeId::unique(), true), None);
        assert!(!request_visible() && take_request().is_none());
        let catcher = Frame::enter(Kind::CATCHER, None);
        assert!(!request_visible());
        drop(catcher);
        drop(frame);
        assert!(request_visible());
        assert!(poll.leave());
    }

    #[test]
    fn restored_it_is_visible_inside_its_scope() {
        let poll = Poll::enter(false);
        let id = ScopeId::unique();
        let frame = Frame::enter(scope(id, false), ask());
        let inner = Frame::enter(Kind::CATCHER, None);
        let request = take_request().expect("visible");
        assert!(!request_visible());
        request.restore();
        assert!(request_visible());
        drop(inner);
        assert!(request_visible());
        assert!(frame.leave().is_some_and(|left| left.own.is_some()));
        assert!(!request_visible() && !poll.leave());
    }

    #[test]
    fn an_expired_deadline_expires_what_is_around_it() {
        let poll = Poll::enter(false);
        let at = |deadline| Kind::scope(ScopeId::unique(), deadline, false);
        let late = Frame::enter(at(11), None);
        let same = Frame::enter(at(10), None);
        expire_scopes(10);
        assert!(poll::now().visible().came_first());
        assert!(same.leave().is_some_and(|left| left.expired.is_some()));
        assert!(late.leave().is_none_or(|left| left.expired.is_none()));
        assert!(!poll.leave());
    }

    #[test]
    fn frames_go_with_a_panic() {
        let poll = Poll::enter(false);
        let panicked = std::panic::catch_unwind(|| {
            let _frame = Frame::enter(Kind::CATCHER, ask());
            panic!("inside");
        });
        assert!(panicked.is_err());
        assert_eq!(poll::now().frames(), 0);
        assert!(!poll.leave());
    }
}

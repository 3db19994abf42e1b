//! The edge of a scope: where its own request, and those from outside, meet what is inside.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use loopwork_context::{
    Ask, CancelKind, CancelReason, Frame, Kind, Left, Place, Request, ScopeId, collecting,
    expire_scopes, request_visible, take_request, task_asked, wake_insides,
};
use loopwork_core::{current_task, is_task_waker};
use loopwork_time::Instant;

use super::state::State;

/// The edge of one scope. Its owner has the future that is inside, and has the edge poll it.
///
/// Each field is a word: an edge is made and moved before it is polled, and a processor that copies a word
/// which was just written in parts waits until the parts have reached its cache.
#[derive(Debug)]
pub(crate) struct Edge {
    /// None until something is to be waited for: a future that is ready at once costs nothing more.
    state: Option<Arc<State>>,
    /// `FAR_FUTURE` if there is none, or none yet.
    deadline: Instant,
    /// How many nanoseconds it has from its first wait on, which has not come. Zero: `deadline` says it.
    limit: u64,
    /// Where the waker was that it waited with last, if that was its task's: a request wakes it.
    polled_by: usize,
    seldom: Option<Box<Seldom>>,
    /// `EXPIRED`, `SHIELD`.
    marks: usize,
}

/// The deadline has passed, and the request for that was made.
const EXPIRED: usize = 1;
/// Requests from outside stay there.
const SHIELD: usize = 2;

/// What few edges have.
#[derive(Debug, Default)]
struct Seldom {
    /// Requests that a shield has kept out.
    held: Option<Request>,
    /// What was inside is gone, for this reason.
    ended: Option<CancelReason>,
    /// The waker it waited with last, if that was not its task's.
    waker: Option<Arc<Waker>>,
    place: Place,
}

impl Edge {
    #[inline]
    pub(crate) fn new(deadline: Instant) -> Self {
        Self::limited(None, deadline, 0)
    }

    #[inline]
    fn limited(state: Option<Arc<State>>, deadline: Instant, limit: u64) -> Self {
        Self { state, deadline, limit, polled_by: 0, seldom: None, marks: 0 }
    }

    /// Of a scope that has so long from its first wait on: what is ready at once needs no clock.
    #[inline]
    pub(crate) fn within(limit: Duration) -> Self {
        if limit.is_zero() {
            return Self::new(Instant::now());
        }
        let whole = limit.as_secs().saturating_mul(1_000_000_000);
        let limit = whole.saturating_add(u64::from(limit.subsec_nanos()));
        Self::limited(None, Instant::FAR_FUTURE, limit)
    }

    /// Of a scope that has handles.
    pub(crate) fn of(state: Arc<State>, shield: bool) -> Self {
        let edge = Self::limited(Some(state), Instant::FAR_FUTURE, 0);
        if shield { edge.shielded() } else { edge }
    }

    pub(crate) fn shielded(mut self) -> Self {
        self.marks |= SHIELD;
        self
    }

    #[inline]
    fn is(&self, mark: usize) -> bool {
        self.marks & mark != 0
    }

    /// The state, made now if need be: from now on it has what it has been limited to.
    pub(crate) fn state(&mut self) -> &Arc<State> {
        self.begin();
        self.state.get_or_insert_with(|| {
            let state = State::new(ScopeId::unique(), self.deadline, false);
            state.enter();
            state
        })
    }

    #[inline]
    fn begin(&mut self) {
        if self.limit > 0 {
            self.deadline = Instant::now() + Duration::from_nanos(mem::take(&mut self.limit));
        }
    }

    #[inline]
    fn deadline(&self) -> Instant {
        self.state.as_ref().map_or(self.deadline, |state| state.deadline())
    }

    /// Polls what is inside. `Err` says why the scope was cancelled, by its own request; then, and
    /// when a request from outside goes on through here, `inside` is none.
    #[inline]
    pub(crate) fn poll<F: Future>(
        &mut self,
        mut inside: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, CancelReason>> {
        if let Some(reason) = self.ended() {
            // A request from outside wins, for as long as there is one.
            return if is_outer_asked() { Poll::Pending } else { Poll::Ready(Err(reason.clone())) };
        }
        if self.is(SHIELD) && request_visible() {
            self.hold(take_request());
        }
        let Some(future) = inside.as_mut().as_pin_mut() else {
            panic!("a scope was polled after it was over");
        };
        let frame = match &self.state {
            Some(state) if state.is_asked() => self.enter_asked(),
            _ => Frame::enter(self.kind(), None),
        };
        let polled = future.poll(cx);
        let left = frame.leave();
        match polled {
            Poll::Ready(output) => {
                self.end(left);
                Poll::Ready(Ok(output))
            }
            Poll::Pending => {
                self.begin();
                let Some(left) = left else {
                    self.wait(false, cx);
                    return Poll::Pending;
                };
                self.poll_left(*left, inside, cx)
            }
        }
    }

    #[cold]
    fn enter_asked(&mut self) -> Frame {
        let own = self.state.as_ref().and_then(|state| state.take_pending());
        if let Some(ask) = &own {
            self.note(ask);
        }
        Frame::enter(self.kind(), own)
    }

    #[inline]
    fn kind(&self) -> Kind {
        let id = self.state.as_ref().map_or(ScopeId::NOBODY, |state| state.id());
        let deadline = if self.is(EXPIRED) { Kind::NEVER } else { self.deadline().as_nanos() };
        Kind::scope(id, deadline, self.is(SHIELD))
    }

    /// What is inside has ended: no request is this scope's any more.
    #[inline]
    fn end(&mut self, left: Option<Box<Left>>) {
        if let Some(left) = left {
            self.end_asked(*left);
        }
        self.close();
        if let Some(held) = self.take_held() {
            held.restore();
        }
    }

    #[cold]
    fn end_asked(&mut self, left: Left) {
        Request::end_any(left.arrived);
        if let Some(reason) = &left.expired {
            self.named(left.named).note_expired(reason);
        }
    }

    /// What is inside waits, and something was asked.
    #[cold]
    fn poll_left<F: Future, T>(
        &mut self,
        left: Left,
        mut inside: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, CancelReason>> {
        if let Some(reason) = &left.expired {
            self.named(left.named).note_expired(reason);
            self.marks |= EXPIRED;
        }
        let own = left.own;
        if own.is_none() && left.arrived.is_none() {
            self.wait(left.caught, cx);
            return Poll::Pending;
        }
        let id = self.state().id();
        let (resumed, outer) = match left.arrived {
            Some(arrived) => arrived.split(id),
            None => (None, None),
        };
        let Some(reason) = own.map(|ask: Ask| ask.reason).or(resumed) else {
            // Not of this scope: it goes on outwards.
            let outer = Request::merge(outer, self.take_held());
            if let Some(outer) = outer {
                outer.resume();
            }
            return Poll::Pending;
        };
        if self.is(EXPIRED) {
            expire_scopes(self.deadline().as_nanos());
        }
        let collected = collecting(|| inside.set(None));
        self.close();
        let outer = Request::merge(Request::merge(outer, collected), self.take_held());
        let goes_on = outer.map(Request::resume).is_some();
        if goes_on || is_outer_asked() {
            self.seldom().ended = Some(reason);
            return Poll::Pending;
        }
        Poll::Ready(Err(reason))
    }

    /// It waits: a request wakes it.
    fn wait(&mut self, caught: bool, cx: &mut Context<'_>) {
        if caught {
            // Whoever caught a request that keeps coming is to meet it again at the next wait.
            cx.waker().wake_by_ref();
        }
        let waker = cx.waker();
        let other = if is_own(waker) {
            if self.polled_by == waker.data().addr() {
                return;
            }
            self.polled_by = waker.data().addr();
            if let Some(seldom) = &mut self.seldom {
                seldom.place.leave();
                seldom.waker = None;
            }
            None
        } else {
            self.polled_by = 0;
            let seldom = self.seldom();
            seldom.place.be_reached_by(waker);
            if seldom.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
                return;
            }
            seldom.waker = Some(Arc::new(waker.clone()));
            seldom.waker.clone()
        };
        if self.state().wait(current_task(), other) {
            // What came in this poll is delivered in the next.
            cx.waker().wake_by_ref();
        }
    }

    fn named(&mut self, name: Option<ScopeId>) -> &Arc<State> {
        if let (None, Some(id)) = (&self.state, name) {
            let state = State::new(id, self.deadline, false);
            state.enter();
            self.state = Some(state);
        }
        self.state()
    }

    /// A request of its own is about to be delivered.
    #[cold]
    fn note(&mut self, ask: &Ask) {
        if ask.reason.kind() == CancelKind::Deadline {
            self.marks |= EXPIRED;
        }
        wake_insides();
    }

    fn seldom(&mut self) -> &mut Seldom {
        self.seldom.get_or_insert_default()
    }

    #[inline]
    fn ended(&self) -> Option<&CancelReason> {
        self.seldom.as_ref()?.ended.as_ref()
    }

    #[cold]
    fn hold(&mut self, request: Option<Request>) {
        let held = &mut self.seldom().held;
        *held = Request::merge(held.take(), request);
    }

    #[inline]
    fn take_held(&mut self) -> Option<Request> {
        self.seldom.as_mut()?.held.take()
    }

    #[inline]
    fn close(&mut self) {
        if let Some(seldom) = &mut self.seldom {
            seldom.place.leave();
        }
        if let Some(state) = &self.state {
            state.end();
        }
    }
}

/// Whether something around is cancelled: in this poll, or, if it is the task, in the next.
fn is_outer_asked() -> bool {
    request_visible() || task_asked()
}

/// Whether this is the waker of the task that is being polled, which a request wakes.
#[inline]
fn is_own(waker: &Waker) -> bool {
    is_task_waker(waker) && ptr::eq(waker.data(), loopwork_context::task())
}

impl Drop for Edge {
    #[inline]
    fn drop(&mut self) {
        if let Some(state) = &self.state {
            state.end();
        }
        if let Some(held) = self.take_held() {
            held.give_back();
        }
    }
}

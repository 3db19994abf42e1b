//! The edge of a scope: where its own request, and those from outside, meet what is inside.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_context::{
    Ask, CancelKind, CancelReason, Frame, Kind, Left, Place, Request, ScopeId, collecting,
    expire_scopes, request_visible, take_request, task_asked, wake_insides,
};
use loopwork_core::{AnyTask, current_task, is_task_waker};
use loopwork_time::Instant;

use super::state::State;

/// The edge of one scope. Its owner has the future that is inside, and has the edge poll it.
#[derive(Debug)]
pub(crate) struct Edge {
    /// None until something is to be waited for: a future that is ready at once costs nothing more.
    state: Option<Arc<State>>,
    deadline: Option<Instant>,
    /// The deadline has passed, and the request for that was made.
    expired: bool,
    /// Requests from outside stay there.
    shield: bool,
    /// Those that a shield has kept out.
    held: Option<Request>,
    /// It has waited, and who is woken is known.
    waker: Known,
    place: Place,
    /// What was inside is gone, for this reason.
    ended: Option<CancelReason>,
}

/// By whom the edge was polled last.
#[derive(Debug)]
enum Known {
    Nobody,
    /// Its task, whose waker has this address.
    Task(usize),
    Other(Arc<Waker>),
}

impl Edge {
    pub(crate) fn new(deadline: Option<Instant>) -> Self {
        Self {
            state: None,
            deadline,
            expired: false,
            shield: false,
            held: None,
            waker: Known::Nobody,
            place: Place::default(),
            ended: None,
        }
    }

    /// Of a scope that has handles.
    pub(crate) fn of(state: Arc<State>, shield: bool) -> Self {
        let mut edge = Self::new(None);
        (edge.state, edge.shield) = (Some(state), shield);
        edge
    }

    pub(crate) fn shielded(mut self) -> Self {
        self.shield = true;
        self
    }

    /// The state, made now if need be.
    pub(crate) fn state(&mut self) -> &Arc<State> {
        self.state.get_or_insert_with(|| {
            let state = State::new(ScopeId::unique(), self.deadline, false);
            state.enter();
            state
        })
    }

    fn deadline(&self) -> Option<Instant> {
        self.state.as_ref().map_or(self.deadline, |state| state.deadline())
    }

    /// Polls what is inside. `Err` says why the scope was cancelled, by its own request; then, and
    /// when a request from outside goes on through here, `inside` is none.
    pub(crate) fn poll<F: Future>(
        &mut self,
        mut inside: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, CancelReason>> {
        if let Some(reason) = &self.ended {
            // A request from outside wins, for as long as there is one.
            return if is_outer_asked() { Poll::Pending } else { Poll::Ready(Err(reason.clone())) };
        }
        if self.shield && request_visible() {
            self.held = Request::merge(self.held.take(), take_request());
        }
        let own = self.state.as_ref().and_then(|state| state.take_pending());
        if let Some(ask) = &own {
            self.note(ask);
            wake_insides();
        }
        let Some(future) = inside.as_mut().as_pin_mut() else {
            panic!("a scope was polled after it was over");
        };
        let frame = Frame::enter(self.kind(), own);
        let polled = future.poll(cx);
        let left = frame.leave();
        match polled {
            Poll::Ready(output) => {
                self.end(left);
                Poll::Ready(Ok(output))
            }
            Poll::Pending => self.poll_left(left, inside, cx),
        }
    }

    #[inline]
    fn kind(&self) -> Kind {
        let id = self.state.as_ref().map_or(ScopeId::NOBODY, |state| state.id());
        let ahead = if self.expired { None } else { self.deadline() };
        let deadline = ahead.map(Instant::as_nanos);
        Kind::Scope { id, shield: self.shield, deadline }
    }

    /// What is inside has ended: no request is this scope's any more.
    fn end(&mut self, left: Left) {
        Request::end_any(left.arrived);
        if let Some(reason) = &left.expired {
            self.named(left.named).note_expired(reason);
        }
        self.close();
        if let Some(held) = self.held.take() {
            held.restore();
        }
    }

    /// What is inside waits. Its requests, if there are any, are dealt with.
    fn poll_left<F: Future, T>(
        &mut self,
        left: Left,
        mut inside: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, CancelReason>> {
        if let Some(reason) = &left.expired {
            self.named(left.named).note_expired(reason);
            self.expired = true;
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
            let outer = Request::merge(outer, self.held.take());
            if let Some(outer) = outer {
                outer.resume();
            }
            return Poll::Pending;
        };
        if let Some(deadline) = self.deadline().filter(|_| self.expired) {
            expire_scopes(deadline.as_nanos());
        }
        let collected = collecting(|| inside.set(None));
        self.close();
        let outer = Request::merge(Request::merge(outer, collected), self.held.take());
        let goes_on = outer.map(Request::resume).is_some();
        if goes_on || is_outer_asked() {
            self.ended = Some(reason);
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
        self.place.be_reached_by(cx.waker());
        if self.waker.is(cx.waker()) {
            return;
        }
        self.waker = Known::of(cx.waker());
        let waker = match &self.waker {
            Known::Other(waker) => Some(waker.clone()),
            _ => None,
        };
        let task: Option<AnyTask> = current_task();
        if self.state().wait(task, waker) {
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

    fn note(&mut self, ask: &Ask) {
        self.expired |= ask.reason.kind() == CancelKind::Deadline;
    }

    fn close(&mut self) {
        self.place.leave();
        if let Some(state) = &self.state {
            state.end();
        }
    }
}

/// Whether something around is cancelled: in this poll, or, if it is the task, in the next.
fn is_outer_asked() -> bool {
    request_visible() || task_asked()
}

impl Known {
    fn of(waker: &Waker) -> Self {
        if is_task_waker(waker) {
            Self::Task(waker.data().addr())
        } else {
            Self::Other(Arc::new(waker.clone()))
        }
    }

    fn is(&self, waker: &Waker) -> bool {
        match self {
            Self::Nobody => false,
            Self::Task(at) => is_task_waker(waker) && waker.data().addr() == *at,
            Self::Other(known) => known.will_wake(waker),
        }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        if let Some(state) = &self.state {
            state.end();
        }
        if let Some(held) = self.held.take() {
            held.give_back();
        }
    }
}

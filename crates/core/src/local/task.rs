//! One task of a set: its future and its handle, which share an outcome.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use loopwork_context::{Ask, CancelReason, KnownActs, Place, Request, hold_back};

use super::ready::Wakeup;
use crate::task::TaskError;

/// A task of a [`LocalSet`](super::LocalSet): await it for its output, or cancel it.
///
/// Like [`Task`](crate::Task), except that it stays on its thread: dropping it detaches the task,
/// awaiting it gives `Result<T, TaskError>`, a request for cancellation of the awaiting task is
/// forwarded to it. It is no task of the loop: `current_task` inside is the task that drives the set.
#[must_use = "a task runs on when its handle is dropped; `drop` it to say that this is meant"]
pub struct LocalTask<T> {
    shared: Rc<Shared<T>>,
}

struct Shared<T> {
    outcome: RefCell<Outcome<T>>,
    /// A cancel request waits for the next poll.
    cancel: RefCell<Option<Ask>>,
    known: RefCell<KnownActs>,
    /// It ended by itself in the poll in which a request was delivered, which nobody in it has taken.
    overtaken: Cell<bool>,
    /// It is being polled.
    polled: Cell<bool>,
    wakeup: Arc<Wakeup>,
}

enum Outcome<T> {
    Pending(Option<Waker>),
    Ended(Result<T, TaskError>),
    Taken,
}

impl<T> LocalTask<T> {
    /// Requests cancellation, as [`Task::cancel`](crate::Task::cancel). True if the task had not
    /// ended.
    ///
    /// asyncio: `Task.cancel`.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.cancel_with(CancelReason::unspoken())
    }

    /// Requests cancellation, and says why, as [`Task::cancel_with`](crate::Task::cancel_with).
    ///
    /// asyncio: `Task.cancel(msg)`.
    #[track_caller]
    pub fn cancel_with(&self, reason: impl Into<CancelReason>) -> bool {
        if self.done() {
            return false;
        }
        let reason = reason.into();
        if self.shared.known.borrow_mut().learn(&reason) {
            let first = self.shared.wakeup.queue() && !self.shared.polled.get();
            self.shared.cancel.borrow_mut().get_or_insert_with(|| Ask::new(reason, first));
        }
        true
    }

    /// Whether the task has ended.
    ///
    /// asyncio: `Task.done`.
    #[must_use]
    pub fn done(&self) -> bool {
        !matches!(*self.shared.outcome.borrow(), Outcome::Pending(_))
    }
}

impl<T> fmt::Debug for LocalTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalTask").field("done", &self.done()).finish()
    }
}

impl<T> Shared<T> {
    /// Of a task that has ended, and not cancelled: whether a request came that it did not answer.
    fn left_a_request(&self) -> bool {
        self.overtaken.get() || self.cancel.borrow().is_some()
    }

    fn end(&self, result: Result<T, TaskError>) {
        let before = self.outcome.replace(Outcome::Ended(result));
        if let Outcome::Pending(Some(waker)) = before {
            waker.wake();
        }
    }
}

/// A future without its type.
pub(super) trait Body {
    /// One poll. True if the task has ended.
    fn step(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool;
}

/// A future and where its output goes.
pub(super) struct Run<F: Future> {
    /// In a box of its own, so that it can be dropped in place at its end. None once it has ended.
    future: Option<Pin<Box<F>>>,
    shared: Rc<Shared<F::Output>>,
}

impl<F: Future> Run<F> {
    pub(super) fn new(future: F, wakeup: Arc<Wakeup>) -> (Self, LocalTask<F::Output>) {
        let outcome = RefCell::new(Outcome::Pending(None));
        let shared = Rc::new(Shared {
            outcome,
            cancel: RefCell::default(),
            known: RefCell::default(),
            overtaken: Cell::new(false),
            polled: Cell::new(false),
            wakeup,
        });
        (Self { future: Some(Box::pin(future)), shared: shared.clone() }, LocalTask { shared })
    }
}

impl<F: Future> Body for Run<F> {
    fn step(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let this = &mut *self;
        let Some(future) = &mut this.future else { return true };
        let request = this.shared.cancel.borrow_mut().take();
        let asked = request.is_some();
        let poll = loopwork_context::Poll::enter_nested(request);
        if asked {
            loopwork_context::wake_insides();
        }
        this.shared.polled.set(true);
        // Unwind: a future that panicked is dropped, and never polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        this.shared.polled.set(false);
        let request = poll.finish().request;
        let result = match polled {
            Ok(Poll::Pending) => match &request {
                Some(request) => Err(TaskError::cancelled(Some(request.reason().clone()))),
                None => return false,
            },
            Ok(Poll::Ready(output)) => Ok(output),
            Err(payload) => Err(TaskError::panicked(payload)),
        };
        // Its destructors run before anybody hears of its end. Unwind: the outcome stands.
        let dropped = catch_unwind(AssertUnwindSafe(|| this.future = None));
        this.shared.overtaken.set(request.is_some());
        this.shared.end(result);
        Request::end_any(request);
        if let Err(payload) = dropped {
            super::report(payload);
        }
        true
    }
}

impl<F: Future> Drop for Run<F> {
    /// The set is dropped first: the task was cancelled.
    fn drop(&mut self) {
        if self.future.take().is_some() {
            self.shared.end(Err(TaskError::cancelled(None)));
        }
    }
}

/// The future of an awaited [`LocalTask`]. Dropping it detaches the task.
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct LocalJoin<T> {
    task: LocalTask<T>,
    /// A cancel request of the awaiting task, forwarded to the one that is awaited.
    request: Option<Request>,
    place: Place,
    waited: bool,
}

impl<T> IntoFuture for LocalTask<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = LocalJoin<T>;

    fn into_future(self) -> LocalJoin<T> {
        LocalJoin { task: self, request: None, place: Place::default(), waited: false }
    }
}

impl<T> Future for LocalJoin<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.task.done() {
            ready!(hold_back(cx, this.waited));
        }
        let mut outcome = this.task.shared.outcome.borrow_mut();
        if let Outcome::Pending(waker) = &mut *outcome {
            match waker {
                Some(known) => known.clone_from(cx.waker()),
                None => *waker = Some(cx.waker().clone()),
            }
            drop(outcome);
            this.waited = true;
            this.place.be_reached_by(cx.waker());
            if let Some(request) = loopwork_context::take_request() {
                for reason in request.reasons() {
                    this.task.cancel_with(reason.clone());
                }
                this.request = Request::merge(this.request.take(), Some(request));
            }
            return Poll::Pending;
        }
        let taken = std::mem::replace(&mut *outcome, Outcome::Taken);
        drop(outcome);
        let Outcome::Ended(result) = taken else { return Poll::Ready(Err(TaskError::taken())) };
        match (this.request.take(), &result) {
            // The child took the request that came through here: it goes on upwards.
            (Some(request), Err(error)) if error.is_cancelled() => {
                request.resume();
                Poll::Pending
            }
            // It ended by itself in this very moment: the request is met at the next wait here.
            (Some(request), _) if this.task.shared.left_a_request() => {
                request.restore();
                Poll::Ready(result)
            }
            (request, _) => {
                Request::end_any(request);
                Poll::Ready(result)
            }
        }
    }
}

impl<T> Drop for LocalJoin<T> {
    fn drop(&mut self) {
        if let Outcome::Pending(waker) = &mut *self.task.shared.outcome.borrow_mut() {
            *waker = None;
        }
    }
}

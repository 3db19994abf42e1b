//! What a group shares with its children and its handles. `README.md` beside this file has the
//! protocol.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::sync::Arc;
use std::task::Waker;

use loopwork_context::{CancelKind, CancelReason, Request};
use loopwork_core::{
    AnyTask, Counted, Ends, Handle, Roster, Share, SharedError, Stock, SubmitError, Task,
    wake_joiner,
};
use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::biased::Biased;
use loopwork_shim::thread;
use loopwork_shim::weaken;
use loopwork_sync::Semaphore;

use super::child::{Child, Gated};
use super::error::Failure;
use crate::scope::State;

pub(super) struct Shared {
    /// The scope around the body.
    pub(super) body: Arc<State>,
    /// How many children may run at once.
    limit: Option<Arc<Semaphore>>,
    /// The number of the thread that polls the body.
    polled_by: AtomicUsize,
    /// Reserved for that thread while it makes children.
    inner: Biased<Inner>,
}

const NOBODY: usize = usize::MAX;

/// A group that is not over: each child that has not ended has a share, and so has the body, whose
/// share is a stock from which children get theirs.
pub(super) struct Living(Arc<Shared>);

impl Living {
    pub(super) fn group(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Ends for Living {
    /// It has said so itself.
    fn failed(&self, _: usize) {}

    /// Event L: the last has left.
    fn all_ended(&self) {
        self.0.be_over();
    }
}

/// A child, or its future, which was refused.
pub(super) type Made<F, T> = Result<Task<Result<T, SharedError>>, SubmitError<F>>;

struct Inner {
    life: Life,
    failures: Vec<Failure>,
    /// Everything in the group is cancelled, for these reasons.
    cancelled: Vec<CancelReason>,
    /// Who waits for the last child.
    waker: Option<Waker>,
}

enum Life {
    /// Not entered.
    New,
    Running(Running),
    /// Nobody is left, and nobody can join.
    Over,
}

struct Running {
    living: Arc<Counted<Living>>,
    /// Until the body has ended.
    stock: Option<Stock<Living>>,
    /// The children, by name.
    children: Roster,
}

impl Running {
    /// One more member, unless the last has left.
    #[inline]
    fn join(&mut self) -> Option<Share<Living>> {
        match &mut self.stock {
            Some(stock) => Some(stock.share()),
            None => self.living.share(),
        }
    }
}

impl Shared {
    pub(super) fn new(body: Arc<State>, limit: Option<usize>) -> Self {
        Self {
            body,
            limit: limit.map(|limit| Arc::new(Semaphore::new(limit))),
            polled_by: AtomicUsize::new(NOBODY),
            inner: Biased::new(Inner {
                life: Life::New,
                failures: Vec::new(),
                cancelled: Vec::new(),
                waker: None,
            }),
        }
    }

    /// The body begins, which is so once: see `State::enter`.
    pub(super) fn enter(self: &Arc<Self>, handle: Handle) {
        let (living, stock) = Counted::new(Living(self.clone()));
        let running = Running { living, stock: Some(stock), children: Roster::new(handle) };
        self.inner.lock(|inner| inner.life = Life::Running(running));
    }

    /// While what this gives lives, this thread polls the body.
    pub(super) fn poll_body(&self) -> PollsBody<'_> {
        // Ordering: Relaxed, here and below: a hint; each thread reads its own number or another.
        self.polled_by.store(thread::number(), Ordering::Relaxed);
        PollsBody(self)
    }

    /// Event L, of the body.
    pub(super) fn leave(&self) {
        let stock = self.inner.lock(|inner| match &mut inner.life {
            Life::Running(running) => running.stock.take(),
            Life::New | Life::Over => None,
        });
        drop(stock);
    }

    /// Events J and K: one more child, on this loop, unless the group has not been entered or is over.
    #[track_caller]
    #[inline]
    pub(super) fn create<F, T, E>(&self, future: F) -> Made<F, T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        match &self.limit {
            None => self.make(future),
            Some(limit) => match self.make(Gated::new(limit, future)) {
                Err(refused) => Err(SubmitError(refused.into_inner().into_inner())),
                Ok(task) => Ok(task),
            },
        }
    }

    #[track_caller]
    #[inline]
    fn make<F, T, E>(&self, future: F) -> Made<F, T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let is_body = || self.polled_by.load(Ordering::Relaxed) == thread::number();
        if !self.inner.is_mine() && is_body() {
            self.inner.reserve();
        }
        let location = Location::caller();
        // The lock is taken once for a child: nobody's code is run under it.
        let made = self.inner.lock(|inner| {
            let Life::Running(running) = &mut inner.life else { return Err(Refused::Here(future)) };
            let Some(share) = running.join() else { return Err(Refused::Here(future)) };
            if running.children.handle().has_task_factory() {
                let child = Child::new(future, share);
                return Err(Refused::Factory(running.children.handle().clone(), child));
            }
            let Running { living, stock, children } = running;
            let child = || Child::new(future, share);
            match children.spawn(child, location, || alive(living, stock.as_ref())) {
                Ok(task) => {
                    let cancelled = &inner.cancelled;
                    Ok((task, (!cancelled.is_empty()).then(|| cancelled.clone())))
                }
                Err(refused) => Err(Refused::There(refused.into_inner())),
            }
        });
        match made {
            Ok((task, None)) => Ok(task),
            Ok((task, Some(cancelled))) => {
                AnyTask::cancel_together(&[task.as_any()], &cancelled, || {});
                Ok(task)
            }
            Err(Refused::Here(future)) => Err(SubmitError(future)),
            Err(Refused::There(child)) => Err(SubmitError(child.into_inner())),
            Err(Refused::Factory(handle, child)) => self.create_by_factory(&handle, child),
        }
    }

    #[cold]
    #[track_caller]
    fn create_by_factory<F, T, E>(&self, handle: &Handle, child: Child<F>) -> Made<F, T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let task = match handle.try_spawn(child) {
            Ok(task) => task,
            Err(refused) => return Err(SubmitError(refused.into_inner().into_inner())),
        };
        let cancelled = self.inner.lock(|inner| {
            // It may be over: the child has ended then.
            let Life::Running(running) = &mut inner.life else { return Vec::new() };
            let Running { living, stock, children } = running;
            children.add(&task, || alive(living, stock.as_ref()));
            inner.cancelled.clone()
        });
        if !cancelled.is_empty() {
            AnyTask::cancel_together(&[task.as_any()], &cancelled, || {});
        }
        Ok(task)
    }

    /// Event L, of the last: wakes who waits.
    fn be_over(&self) {
        let (running, waker) = self
            .inner
            .lock(|inner| (mem::replace(&mut inner.life, Life::Over), inner.waker.take()));
        drop(running);
        if let Some(waker) = waker {
            wake_joiner(waker);
        }
    }

    /// Whether nobody is left. If not, `waker` is woken by the last.
    pub(super) fn is_over(&self, waker: &Waker) -> bool {
        // Cloned, and dropped, outside the lock.
        let (found, _replaced) = self.inner.lock(|inner| match &inner.waker {
            _ if inner.is_over() => (Some(true), None),
            Some(known) if known.will_wake(waker) => (Some(false), None),
            _ => (None, inner.waker.take()),
        });
        if let Some(found) = found {
            return found;
        }
        let waker = waker.clone();
        let unused = self.inner.lock(|inner| {
            // The last may have looked for a waker in between.
            if weaken!("group-look", inner.is_over() => false) {
                return Some(waker);
            }
            inner.waker = Some(waker);
            None
        });
        unused.is_some()
    }

    /// A child has failed, or the body. The first failure cancels all others.
    pub(super) fn fail(&self, failure: Failure) {
        self.inner.lock(|inner| inner.failures.push(failure));
        self.cancel(&CancelReason::of_kind(CancelKind::Failure), true);
    }

    /// As [`Shared::fail`], with an error.
    pub(super) fn fail_with(&self, error: SharedError, task: Option<AnyTask>) {
        self.fail(Failure::new(error, task));
    }

    /// Cancels the children and, if so told, the body. What is cancelled already is left alone,
    /// unless by a forwarded request, whose acts are known to those that had them.
    pub(super) fn cancel(&self, reason: &CancelReason, body: bool) -> bool {
        let children = self.inner.lock(|inner| {
            if inner.is_over() {
                return Err(false);
            }
            if !inner.cancelled.is_empty() {
                return Err(true);
            }
            inner.cancelled.push(reason.clone());
            Ok(inner.children())
        });
        let children = match children {
            Ok(children) => children,
            Err(is_cancelled) => return is_cancelled,
        };
        AnyTask::cancel_together(&children, std::slice::from_ref(reason), || {
            if body {
                self.body.cancel(reason.clone());
            }
        });
        true
    }

    /// Passes a request from outside on to the children, once.
    pub(super) fn forward(&self, request: &Request) {
        let asked = self.inner.lock(|inner| {
            if !inner.cancelled.is_empty() {
                return None;
            }
            inner.cancelled.extend(request.reasons().cloned());
            Some((inner.children(), inner.cancelled.clone()))
        });
        let Some((children, reasons)) = asked else { return };
        AnyTask::cancel_together(&children, &reasons, || {});
    }

    /// What has failed, and whether all was cancelled by a call.
    pub(super) fn outcome(&self) -> (Vec<Failure>, Option<CancelReason>) {
        self.inner.lock(|inner| (mem::take(&mut inner.failures), inner.cancelled.first().cloned()))
    }
}

impl Inner {
    fn is_over(&self) -> bool {
        matches!(self.life, Life::Over)
    }

    /// Those that have not ended.
    fn children(&self) -> Vec<AnyTask> {
        match &self.life {
            Life::Running(running) => running.children.tasks(),
            Life::New | Life::Over => Vec::new(),
        }
    }
}

/// How many members there are at most.
fn alive(living: &Counted<Living>, stock: Option<&Stock<Living>>) -> usize {
    living.shares() - stock.map_or(0, Stock::left)
}

/// Why a child was not simply made: its future, as far as it got.
enum Refused<F> {
    /// The group has not been entered, or is over.
    Here(F),
    /// The loop is closed.
    There(Child<F>),
    /// A task factory is to see it, which is somebody's code.
    Factory(Handle, Child<F>),
}

/// A poll of the body.
pub(super) struct PollsBody<'a>(&'a Shared);

impl Drop for PollsBody<'_> {
    fn drop(&mut self) {
        self.0.polled_by.store(NOBODY, Ordering::Relaxed);
        self.0.inner.give_back();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (over, failures, cancelled) = self
            .inner
            .lock(|inner| (inner.is_over(), inner.failures.len(), inner.cancelled.clone()));
        f.debug_struct("TaskGroup")
            .field("over", &over)
            .field("failures", &failures)
            .field("cancelled", &cancelled)
            .finish_non_exhaustive()
    }
}

//! What a group shares with its children and its handles. `README.md` beside this file has the
//! protocol.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::mem;
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;

use loopwork_context::{CancelKind, CancelReason, Request};
use loopwork_core::{AnyTask, Handle, SharedError, SubmitError, Task};
use loopwork_shim::sync::{Mutex, MutexGuard};
use loopwork_shim::weaken;
use loopwork_sync::Semaphore;

use super::child::Child;
use super::error::Failure;
use crate::scope::State;

pub(super) struct Shared {
    /// The scope around the body.
    pub(super) body: Arc<State>,
    /// How many children may run at once.
    pub(super) limit: Option<Arc<Semaphore>>,
    /// Once it was entered.
    entered: OnceLock<Entered>,
    inner: Mutex<Inner>,
}

/// What a group that was entered has to make children with.
struct Entered {
    handle: Handle,
    living: Weak<Living>,
}

/// A group that is not over. Each child that has not ended has one reference, and the body has one: a
/// count that takes one write to join and one to leave.
#[derive(Debug)]
pub(super) struct Living(Arc<Shared>);

impl Living {
    pub(super) fn group(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Drop for Living {
    /// The last has left.
    fn drop(&mut self) {
        // Ordering: [edge: group-end] is `Arc`'s own: its last reference goes after what was done by
        // those that had the others.

        self.0.be_over();
    }
}

/// A child, or its future, which was refused.
pub(super) type Made<F, T> = Result<Task<Result<T, SharedError>>, SubmitError<F>>;

#[derive(Default)]
struct Inner {
    /// Nobody is left, and nobody can join.
    over: bool,
    /// All that have not ended, and some that have.
    children: Vec<AnyTask>,
    failures: Vec<Failure>,
    /// Everything in the group is cancelled, for these reasons.
    cancelled: Vec<CancelReason>,
    /// Who waits for the last child.
    waker: Option<Waker>,
}

impl Shared {
    pub(super) fn new(body: Arc<State>, limit: Option<usize>) -> Self {
        Self {
            body,
            limit: limit.map(|limit| Arc::new(Semaphore::new(limit))),
            entered: OnceLock::new(),
            inner: Mutex::default(),
        }
    }

    /// What it gives keeps the group from being over.
    pub(super) fn enter(self: &Arc<Self>, handle: Handle) -> Arc<Living> {
        let living = Arc::new(Living(self.clone()));
        // It is entered once; see `State::enter`.
        _ = self.entered.set(Entered { handle, living: Arc::downgrade(&living) });
        living
    }

    /// Events J and K: one more child, on this loop, unless the group has not been entered or is over.
    #[track_caller]
    pub(super) fn create<F, T, E>(&self, future: F) -> Made<F, T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let Some(Entered { handle, living }) = self.entered.get() else {
            return Err(SubmitError(future));
        };
        if handle.has_task_factory() {
            return self.create_by_factory(handle, living, future);
        }
        let inner = self.inner.lock();
        let Some(member) = living.upgrade() else {
            drop(inner);
            return Err(SubmitError(future));
        };
        // Under the lock, which is taken once for a child: nobody's code is run.
        match handle.try_spawn_plain(Child::new(future, member)) {
            Ok(task) => {
                self.add(inner, task.as_any());
                Ok(task)
            }
            Err(refused) => {
                drop(inner);
                Err(SubmitError(refused.into_inner().into_inner()))
            }
        }
    }

    #[cold]
    #[track_caller]
    fn create_by_factory<F, T, E>(
        &self,
        handle: &Handle,
        living: &Weak<Living>,
        future: F,
    ) -> Made<F, T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let Some(member) = living.upgrade() else { return Err(SubmitError(future)) };
        match handle.try_spawn(Child::new(future, member)) {
            Ok(task) => {
                self.add(self.inner.lock(), task.as_any());
                Ok(task)
            }
            Err(refused) => Err(SubmitError(refused.into_inner().into_inner())),
        }
    }

    /// Event L: the last has left, and wakes who waits.
    fn be_over(&self) {
        let waker = {
            let mut inner = self.inner.lock();
            inner.over = true;
            inner.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether nobody is left. If not, `waker` is woken by the last.
    pub(super) fn is_over(&self, waker: &Waker) -> bool {
        let replaced;
        {
            let mut inner = self.inner.lock();
            if inner.over {
                return true;
            }
            if inner.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
                return false;
            }
            // Cloned outside the lock.
            replaced = inner.waker.take();
        }
        drop(replaced);
        let waker = waker.clone();
        let mut inner = self.inner.lock();
        // The last may have looked for a waker in between.
        if weaken!("group-look", inner.over => false) {
            return true;
        }
        inner.waker = Some(waker);
        false
    }

    /// A child that has joined is known, and cancelled if all are.
    fn add(&self, mut inner: MutexGuard<'_, Inner>, child: AnyTask) {
        if inner.children.len() == inner.children.capacity() {
            let children = mem::take(&mut inner.children);
            inner.children = children.into_iter().filter_map(AnyTask::unless_done).collect();
            // Room for as many again: so many are added before the next look at all of them.
            let left = inner.children.len();
            inner.children.reserve(left.max(4));
        }
        if inner.cancelled.is_empty() {
            inner.children.push(child);
            return;
        }
        let cancelled = inner.cancelled.clone();
        inner.children.push(child.clone());
        drop(inner);
        AnyTask::cancel_together(&[child], &cancelled, || {});
    }

    /// A child has failed, or the body. The first failure cancels all others.
    pub(super) fn fail(&self, failure: Failure) {
        self.inner.lock().failures.push(failure);
        self.cancel(&CancelReason::of_kind(CancelKind::Failure), true);
    }

    /// As [`Shared::fail`], with an error.
    pub(super) fn fail_with(&self, error: SharedError, task: Option<AnyTask>) {
        self.fail(Failure::new(error, task));
    }

    /// Cancels the children and, if so told, the body. What is cancelled already is left alone,
    /// unless by a forwarded request, whose acts are known to those that had them.
    pub(super) fn cancel(&self, reason: &CancelReason, body: bool) -> bool {
        let children = {
            let mut inner = self.inner.lock();
            if inner.over {
                return false;
            }
            if !inner.cancelled.is_empty() {
                return true;
            }
            inner.cancelled.push(reason.clone());
            inner.children.clone()
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
        let (children, reasons) = {
            let mut inner = self.inner.lock();
            if !inner.cancelled.is_empty() {
                return;
            }
            inner.cancelled.extend(request.reasons().cloned());
            (inner.children.clone(), inner.cancelled.clone())
        };
        AnyTask::cancel_together(&children, &reasons, || {});
    }

    /// The children whose futures are gone, but which have not been marked as ended yet.
    pub(super) fn ending(&self) -> Vec<AnyTask> {
        let children = mem::take(&mut self.inner.lock().children);
        children.into_iter().filter_map(AnyTask::unless_done).collect()
    }

    /// What has failed, and whether all was cancelled by a call.
    pub(super) fn outcome(&self) -> (Vec<Failure>, Option<CancelReason>) {
        let mut inner = self.inner.lock();
        (mem::take(&mut inner.failures), inner.cancelled.first().cloned())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner.lock();
        f.debug_struct("TaskGroup")
            .field("over", &inner.over)
            .field("failures", &inner.failures.len())
            .field("cancelled", &inner.cancelled)
            .finish_non_exhaustive()
    }
}

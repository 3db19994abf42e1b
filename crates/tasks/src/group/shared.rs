//! What a group shares with its children and its handles. `README.md` beside this file has the
//! protocol.

use std::fmt;
use std::mem;
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use loopwork_context::{CancelKind, CancelReason, Request};
use loopwork_core::{AnyTask, Handle, SharedError};
use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::sync::Mutex;
use loopwork_shim::weaken;
use loopwork_sync::Semaphore;

use super::error::Failure;
use crate::scope::State;

pub(super) struct Shared {
    /// The scope around the body.
    pub(super) body: Arc<State>,
    /// One for each child that has not ended, and one for the body. At zero the group is over.
    live: AtomicUsize,
    /// How many children may run at once.
    pub(super) limit: Option<Arc<Semaphore>>,
    /// The loop of its children, once it was entered.
    handle: OnceLock<Handle>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
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
            live: AtomicUsize::new(1),
            limit: limit.map(|limit| Arc::new(Semaphore::new(limit))),
            handle: OnceLock::new(),
            inner: Mutex::default(),
        }
    }

    pub(super) fn enter(&self, handle: Handle) {
        // It is entered once; see `State::enter`.
        _ = self.handle.set(handle);
    }

    pub(super) fn handle(&self) -> Option<&Handle> {
        self.handle.get()
    }

    /// Event J: one more child, unless the group is over.
    pub(super) fn join(&self) -> bool {
        // Ordering: Relaxed: a guess, which the exchange corrects.
        let mut live = self.live.load(Ordering::Relaxed);
        while live != 0 {
            // Ordering: Relaxed: who joins is in the group, or does not care who else is.
            let joined = self.live.compare_exchange_weak(
                live,
                live + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match joined {
                Ok(_) => return true,
                Err(changed) => live = changed,
            }
        }
        false
    }

    /// Event L: a child or the body has ended. The last wakes who waits.
    pub(super) fn leave(&self) {
        // Ordering: AcqRel [edge: group-end]: whom a child has made, and what it has done, comes before
        // the group's end.
        if self.live.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        let waker = self.inner.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether nobody is left. If not, `waker` is woken by the last.
    pub(super) fn is_over(&self, waker: &Waker) -> bool {
        if self.is_empty() {
            return true;
        }
        let known = self.inner.lock().waker.as_ref().is_some_and(|known| known.will_wake(waker));
        if !known {
            let waker = waker.clone();
            let replaced = self.inner.lock().waker.replace(waker);
            drop(replaced);
        }
        // The last may have looked for a waker in between.
        weaken!("group-look", self.is_empty() => false)
    }

    fn is_empty(&self) -> bool {
        // Ordering: Acquire [edge: group-end]: what the children have done.
        self.live.load(Ordering::Acquire) == 0
    }

    /// A child that has joined is known, and cancelled if all are.
    pub(super) fn add(&self, child: AnyTask) {
        let mut inner = self.inner.lock();
        if inner.children.len() == inner.children.capacity() {
            inner.children.retain(|child| !child.done());
        }
        let cancelled = inner.cancelled.clone();
        if cancelled.is_empty() {
            inner.children.push(child);
            return;
        }
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
        if self.is_empty() {
            return false;
        }
        let children = {
            let mut inner = self.inner.lock();
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
        let mut inner = self.inner.lock();
        inner.children.retain(|child| !child.done());
        inner.children.clone()
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
            .field("live", &self.live.load(Ordering::Relaxed))
            .field("failures", &inner.failures.len())
            .field("cancelled", &inner.cancelled)
            .finish_non_exhaustive()
    }
}

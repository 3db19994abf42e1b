//! What both ends share, and the one transition that ends it.
//!
//! ```text
//! pending --set_running--> running --set_result, set_panic--> finished
//!    |                        |
//!    +------------------------+------cancel, drop-----------> cancelled
//! ```
//!
//! The first two may also be skipped; the last two are terminal. Whoever makes the future
//! terminal does so under the mutex and takes the waiters, the callbacks and the hook out; these
//! run after the mutex is released, on the thread that made the transition.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loopwork_shim::atomic::{AtomicU32, Ordering};
use loopwork_shim::sync::{Condvar, Mutex, MutexGuard};
use loopwork_shim::weaken;

use super::error::{ConcurrentError, Panicked, message_of};
use super::{CancelPolicy, ConcurrentFuture};
use crate::waiters::{List, grant_crowd};

pub(super) type Callback<T> = Box<dyn FnOnce(&ConcurrentFuture<T>) + Send>;
pub(super) type Hook = Box<dyn FnOnce() + Send>;

pub(super) struct Shared<T> {
    pub(super) policy: CancelPolicy,
    pub(super) state: Mutex<State<T>>,
    /// Notified when the phase becomes terminal, and when the producer lets go.
    pub(super) changed: Condvar,
    /// How often `changed` was notified: what a thread looks at before it blocks.
    notices: AtomicU32,
}

pub(super) struct State<T> {
    pub(super) phase: Phase<T>,
    /// The producing end completed the future or was dropped: its work is over.
    pub(super) released: bool,
    /// Granted when `changed` is notified. The request is the epoch.
    pub(super) waiters: List,
    pub(super) callbacks: Vec<Callback<T>>,
    pub(super) on_cancel: Option<Hook>,
}

pub(super) enum Phase<T> {
    Pending,
    Running,
    Finished(Outcome<T>),
    Cancelled,
}

pub(super) enum Outcome<T> {
    Value(T),
    Taken,
    Panicked(Arc<Panicked>),
}

/// Which end makes a transition.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The producing end, which lets go with it.
    Producer,
    /// The consuming end, whose wish to cancel the hook forwards.
    Consumer,
}

impl<T> Phase<T> {
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Finished(_) | Self::Cancelled)
    }
}

impl<T> State<T> {
    /// What a reader gets, the value moved out; `None` while the future is not done.
    pub(super) fn take(&mut self) -> Option<Result<T, ConcurrentError>> {
        self.read(|outcome| match mem::replace(outcome, Outcome::Taken) {
            Outcome::Value(value) => Some(value),
            _ => None,
        })
    }

    /// What a reader gets, the value produced by `value_of`; `None` while the future is not done.
    pub(super) fn read(
        &mut self,
        value_of: impl FnOnce(&mut Outcome<T>) -> Option<T>,
    ) -> Option<Result<T, ConcurrentError>> {
        match &mut self.phase {
            Phase::Pending | Phase::Running => None,
            Phase::Cancelled => Some(Err(ConcurrentError::cancelled())),
            Phase::Finished(Outcome::Panicked(panicked)) => {
                Some(Err(ConcurrentError::panicked(panicked.clone())))
            }
            Phase::Finished(outcome) => {
                Some(value_of(outcome).ok_or_else(ConcurrentError::already_taken))
            }
        }
    }

    /// Who waits in the first epoch waits for the end, and in the second for the work to let go: each
    /// ends once, and then all are woken who waited in it.
    pub(super) fn epoch(&self) -> usize {
        usize::from(self.phase.is_terminal())
    }

    fn waiters(&mut self) -> &mut List {
        &mut self.waiters
    }

    /// Whether the work cannot run, now or later.
    pub(super) fn is_stopped(&self, policy: CancelPolicy) -> bool {
        let never_started =
            policy == CancelPolicy::WhilePending && matches!(self.phase, Phase::Cancelled);
        self.released || never_started
    }
}

impl<T> Shared<T> {
    pub(super) fn new(policy: CancelPolicy) -> Arc<Self> {
        let state = State {
            phase: Phase::Pending,
            released: false,
            waiters: List::new(),
            callbacks: Vec::new(),
            on_cancel: None,
        };
        Arc::new(Self {
            policy,
            state: Mutex::new(state),
            changed: Condvar::new(),
            notices: AtomicU32::new(0),
        })
    }

    /// Makes the future terminal, unless it is; then the phase comes back.
    ///
    /// The consumer's cancellation is also refused, if the policy says so, while running.
    pub(super) fn settle(self: &Arc<Self>, by: By, end: Phase<T>) -> Result<(), Phase<T>> {
        let mut state = self.state.lock();
        let refused = match by {
            By::Producer => {
                state.released = true;
                state.phase.is_terminal()
            }
            By::Consumer => match state.phase {
                Phase::Pending => false,
                Phase::Running => self.policy == CancelPolicy::WhilePending,
                Phase::Finished(_) | Phase::Cancelled => true,
            },
        };
        let refused = weaken!("concurrent-terminal", refused => false);
        let epoch = state.epoch();
        if refused {
            // Who waits now waits for the producer to let go.
            if by == By::Producer {
                self.notify(state, epoch);
            }
            return Err(end);
        }
        state.phase = end;
        let hook = state.on_cancel.take();
        let callbacks = mem::take(&mut state.callbacks);
        self.notify(state, epoch);
        if let (By::Consumer, Some(hook)) = (by, hook) {
            guarded("a cancel hook", hook);
        }
        for callback in callbacks {
            self.call(callback);
        }
        Ok(())
    }

    /// Wakes the threads, and then the tasks of this epoch.
    fn notify(&self, state: MutexGuard<'_, State<T>>, epoch: usize) {
        let has_waiters = !state.waiters.is_empty();
        drop(state);
        if !weaken!("concurrent-notify") {
            // Ordering: Relaxed, here and below: a hint to take the lock, which orders the rest.
            self.notices.fetch_add(1, Ordering::Relaxed);
            self.changed.notify_all();
        }
        if has_waiters && !weaken!("concurrent-wake") {
            let state = self.state.lock();
            grant_crowd(&self.state, state, State::waiters, epoch, || 0, || ());
        }
    }

    /// How often something has changed.
    pub(super) fn notices(&self) -> u32 {
        self.notices.load(Ordering::Relaxed)
    }

    /// Calls a done-callback with a handle of its own.
    pub(super) fn call(self: &Arc<Self>, callback: Callback<T>) {
        let future = ConcurrentFuture::handle(self.clone(), true);
        guarded("a done-callback", || callback(&future));
    }
}

/// Runs a callback of the user. If it panics, that is reported and goes no further.
pub(super) fn guarded(what: &str, callback: impl FnOnce()) {
    // Unwind: the callback is gone afterwards, and no state of the future is borrowed by it.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(callback)) {
        report(what, &*payload);
    }
}

fn report(what: &str, payload: &(dyn Any + Send)) {
    eprintln!("loopwork: {what} of a `ConcurrentFuture` panicked: {}", message_of(payload));
}

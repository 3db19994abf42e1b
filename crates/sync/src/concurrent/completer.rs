//! The producing end.

use std::any::Any;
use std::fmt;
use std::mem;
use std::sync::Arc;

use super::ConcurrentFuture;
use super::error::Panicked;
use super::state::{By, Outcome, Phase, Shared, guarded};

/// The producing end of a [`ConcurrentFuture`]: what an executor or a task completes.
///
/// It completes the future once. Dropped without doing so, it cancels the future, so that nobody
/// waits for ever. Done-callbacks run on the thread that completes.
///
/// Python keeps these functions (`set_running_or_notify_cancel`, `set_result`, `set_exception`) on
/// the future itself.
#[must_use = "dropping the completer cancels its future"]
pub struct Completer<T> {
    shared: Arc<Shared<T>>,
    /// False once the future was completed through this end.
    open: bool,
}

impl<T> Completer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared, open: true }
    }

    /// Says that the work starts, unless it was cancelled: false means that it must not run.
    ///
    /// Under [`CancelPolicy::WhilePending`](super::CancelPolicy::WhilePending) the work can no
    /// longer be cancelled after that. Calling it again has no effect.
    pub fn set_running_or_notify_cancel(&self) -> bool {
        let mut state = self.shared.state.lock();
        if let Phase::Pending = state.phase {
            state.phase = Phase::Running;
        }
        !state.phase.is_terminal()
    }

    /// Completes the future with a value.
    ///
    /// # Errors
    ///
    /// The value, if the future was cancelled.
    pub fn set_result(self, value: T) -> Result<(), T> {
        self.settle(Phase::Finished(Outcome::Value(value))).map_err(|phase| match phase {
            Phase::Finished(Outcome::Value(value)) => value,
            _ => unreachable!("the phase that was refused comes back"),
        })
    }

    /// Completes the future with the payload of a panic, as `catch_unwind` gives it.
    ///
    /// # Errors
    ///
    /// The payload, if the future was cancelled.
    #[doc(alias = "set_exception")]
    pub fn set_panic(self, payload: Box<dyn Any + Send>) -> Result<(), Box<dyn Any + Send>> {
        let panicked = Arc::new(Panicked::new(payload));
        self.settle(Phase::Finished(Outcome::Panicked(panicked))).map_err(|phase| match phase {
            Phase::Finished(Outcome::Panicked(panicked)) => panicked.take(),
            _ => unreachable!("the phase that was refused comes back"),
        })
    }

    /// Completes the future as cancelled, at the wish of the producing side: the hook of
    /// [`on_cancel`](Completer::on_cancel) is dropped without being called. Dropping the completer
    /// does the same.
    pub fn set_cancelled(self) {
        drop(self);
    }

    /// Whether the future was cancelled, so that no result is wanted.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.shared.state.lock().phase, Phase::Cancelled)
    }

    /// Sets what is called when [`ConcurrentFuture::cancel`] cancels the future.
    ///
    /// The hook runs on the thread that cancels, outside every lock, before the done-callbacks; if
    /// the future has been cancelled already, it runs at once on this thread. It runs at most once
    /// and must not block. There is one hook: setting another replaces it. It is dropped when the
    /// future is done. If it panics, that is reported on standard error and goes no further.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.state.lock();
        if state.phase.is_terminal() {
            drop(state);
            guarded("a cancel hook", hook);
        } else {
            let replaced = state.on_cancel.replace(Box::new(hook));
            drop(state);
            drop(replaced);
        }
    }

    fn settle(mut self, end: Phase<T>) -> Result<(), Phase<T>> {
        self.open = false;
        self.shared.settle(By::Producer, end)
    }
}

impl<T> Drop for Completer<T> {
    fn drop(&mut self) {
        if mem::take(&mut self.open) {
            // Refused if the consumer cancelled before: then there is nothing to give back.
            let _ = self.shared.settle(By::Producer, Phase::Cancelled);
        }
    }
}

impl<T> fmt::Debug for Completer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let future = ConcurrentFuture::handle(self.shared.clone(), false);
        f.debug_struct("Completer").field("state", &future.state_name()).finish()
    }
}

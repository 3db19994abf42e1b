//! One callback of a loop: run once, or cancelled.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loopwork_shim::sync::{Condvar, Mutex};
use loopwork_shim::thread::{ThreadId, current};

use crate::scheduler::Shared;

/// A callback on its way to the loop, without its type.
#[derive(Clone)]
pub struct Callback(Arc<dyn Call>);

/// Cancels a callback.
///
/// Dropping it does nothing: the callback stays scheduled.
///
/// asyncio: `Handle`, as `call_soon` returns it.
#[doc(alias = "asyncio.Handle")]
#[derive(Clone)]
pub struct CallHandle(Arc<dyn Call>);

/// A callback whose type is known, so that it can be handed back.
pub(crate) struct Slot<F> {
    stage: Mutex<Stage<F>>,
    /// Notified when the callback has run, for those who cancel it meanwhile.
    ran: Condvar,
}

enum Stage<F> {
    Pending(F),
    Running(ThreadId),
    Done,
    Cancelled,
}

trait Call: Send + Sync {
    /// Gives the payload of its panic.
    fn call(&self) -> Result<(), Box<dyn Any + Send>>;
    fn cancel(&self) -> bool;
    fn cancelled(&self) -> bool;
}

impl Callback {
    /// Wraps `f`, and gives the handle that cancels it.
    #[doc(hidden)]
    pub fn new<F: FnOnce() + Send + 'static>(f: F) -> (Self, CallHandle) {
        let slot = Slot::new(f);
        (Self(slot.clone()), CallHandle(slot))
    }

    /// Runs it, unless it was cancelled. A panic goes to the exception handler.
    pub(crate) fn call(&self, shared: &Shared) {
        if let Err(payload) = self.0.call() {
            shared.exceptions.callback_panicked(CallHandle(self.0.clone()), payload);
        }
    }

    /// Whether it was cancelled.
    #[doc(hidden)]
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.0.cancelled()
    }

    /// Drops what it holds: it will never run.
    #[doc(hidden)]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

impl CallHandle {
    /// Prevents the run, and drops the callback with all it holds. True if it had not begun.
    ///
    /// While the callback is running in another thread this waits until it has ended, unless the
    /// caller is a thread of a loop, which must not wait. Cancelling twice, after the run, or from
    /// inside the callback does nothing.
    ///
    /// asyncio: `Handle.cancel`.
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }

    /// Whether it was cancelled, or its loop closed before it could run.
    ///
    /// asyncio: `Handle.cancelled`.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

impl<F> Slot<F> {
    fn new(f: F) -> Arc<Self> {
        Arc::new(Self { stage: Mutex::new(Stage::Pending(f)), ran: Condvar::new() })
    }

    fn take(&self, next: Stage<F>) -> Option<F> {
        let mut stage = self.stage.lock();
        if !matches!(*stage, Stage::Pending(_)) {
            return None;
        }
        match std::mem::replace(&mut *stage, next) {
            Stage::Pending(f) => Some(f),
            _ => None,
        }
    }
}

impl<F: FnOnce() + Send> Call for Slot<F> {
    fn call(&self) -> Result<(), Box<dyn Any + Send>> {
        let Some(f) = self.take(Stage::Running(current().id())) else { return Ok(()) };
        // Unwind: a callback that panicked has run; the loop goes on with the next.
        let called = catch_unwind(AssertUnwindSafe(f));
        *self.stage.lock() = Stage::Done;
        self.ran.notify_all();
        called
    }

    fn cancel(&self) -> bool {
        let cancelled = self.take(Stage::Cancelled);
        if let Some(f) = cancelled {
            // Unwind: the destructor's panic is the caller's, and the callback is cancelled.
            drop(f);
            return true;
        }
        let mut stage = self.stage.lock();
        while let Stage::Running(thread) = *stage {
            if thread == current().id() || loopwork_context::may_block().is_err() {
                break;
            }
            self.ran.wait(&mut stage);
        }
        false
    }

    fn cancelled(&self) -> bool {
        matches!(*self.stage.lock(), Stage::Cancelled)
    }
}

/// Schedules `f` by `enqueue`, or hands it back.
///
/// # Errors
///
/// The closure, if `enqueue` refused it.
#[doc(hidden)]
pub fn submit<F: FnOnce() + Send + 'static>(
    f: F,
    enqueue: impl FnOnce(Callback) -> Result<(), Callback>,
) -> Result<CallHandle, F> {
    let slot = Slot::new(f);
    match enqueue(Callback(slot.clone())) {
        Ok(()) => Ok(CallHandle(slot)),
        Err(_refused) => {
            let f = slot.take(Stage::Cancelled);
            Err(f.expect("a refused callback has neither run nor been cancelled"))
        }
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("cancelled", &self.0.cancelled()).finish()
    }
}

impl fmt::Debug for CallHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallHandle").field("cancelled", &self.cancelled()).finish()
    }
}

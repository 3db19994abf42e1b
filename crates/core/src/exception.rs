//! Where failures go that nobody is there to receive.

use std::any::Any;
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

use loopwork_shim::sync::Mutex;

use crate::task::{AnyTask, Header, RawTask, panic_message};

/// What an exception handler is told.
///
/// asyncio: the `context` dictionary of `call_exception_handler`.
#[doc(alias = "call_exception_handler")]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExceptionContext {
    /// What happened, in a sentence.
    pub message: String,
    /// What the panic said, if there was one.
    pub exception: Option<String>,
    /// The task it happened in, if it was a task.
    pub task: Option<AnyTask>,
}

impl ExceptionContext {
    /// A report that concerns no task.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), exception: None, task: None }
    }

    fn panic(message: impl Into<String>, payload: &(dyn Any + Send)) -> Self {
        Self { exception: Some(panic_message(payload)), ..Self::new(message) }
    }

    pub(crate) fn task(message: String, exception: String, task: &RawTask) -> Self {
        Self { message, exception: Some(exception), task: Some(AnyTask::new(task.clone())) }
    }
}

impl fmt::Display for ExceptionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(exception) = &self.exception {
            write!(f, ": {exception}")?;
        }
        if let Some(task) = &self.task {
            write!(f, " ({}, spawned at {})", task.name(), task.spawn_location())?;
        }
        Ok(())
    }
}

/// What is called with an [`ExceptionContext`].
pub type ExceptionHandler = Arc<dyn Fn(&ExceptionContext) + Send + Sync>;

/// Writes the report to standard error.
///
/// asyncio: `default_exception_handler`.
pub fn default_exception_handler(context: &ExceptionContext) {
    eprintln!("loopwork: {context}");
}

/// The handler of one loop.
#[derive(Default)]
pub(crate) struct Exceptions(Mutex<Option<ExceptionHandler>>);

impl Exceptions {
    pub(crate) fn set(&self, handler: Option<ExceptionHandler>) {
        let before = std::mem::replace(&mut *self.0.lock(), handler);
        drop(before);
    }

    pub(crate) fn get(&self) -> Option<ExceptionHandler> {
        self.0.lock().clone()
    }

    /// Calls the handler, outside the lock.
    pub(crate) fn call(&self, context: &ExceptionContext) {
        let Some(handler) = self.get() else {
            return default_exception_handler(context);
        };
        // Unwind: the handler is the last to hear of a failure, so its own goes to the default.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| handler(context))) {
            default_exception_handler(context);
            default_exception_handler(&ExceptionContext::panic(
                "the exception handler panicked",
                &*payload,
            ));
            drop_payload(payload);
        }
    }

    /// Reports a panic that somebody caught.
    pub(crate) fn panicked(&self, message: impl Into<String>, payload: Box<dyn Any + Send>) {
        self.call(&ExceptionContext::panic(message, &*payload));
        drop_payload(payload);
    }
}

/// Unwind: a payload's own destructor may panic as well; what that throws is let go.
fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(payload);
    }
}

impl fmt::Debug for Exceptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.get().is_some() { "Exceptions(custom)" } else { "Exceptions(default)" })
    }
}

/// Reports a panic in the destructor of a task's future or output, or in a waker it called.
///
/// # Safety
///
/// `task` is alive while this runs.
pub(crate) unsafe fn report_destructor(task: NonNull<Header>, payload: Box<dyn Any + Send>) {
    // SAFETY: not dropped, and alive by the caller's promise.
    let task = ManuallyDrop::new(unsafe { RawTask::from_owned(task) });
    let message =
        format!("a destructor or waker panicked at the end of task {}", task.header().id());
    task.shared().exceptions.panicked(message, payload);
}

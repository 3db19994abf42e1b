//! Where failures go that nobody is there to receive.

use std::any::Any;
use std::fmt;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

use loopwork_shim::sync::Mutex;

use crate::callback::CallHandle;
use crate::panicked::Panicked;
use crate::shared_error::SharedError;
use crate::task::{AnyTask, Header, RawTask};

/// What an exception handler is told.
///
/// asyncio: the `context` dictionary of `call_exception_handler`.
///
/// ```
/// use loopwork_core::ExceptionContext;
///
/// let context = ExceptionContext::new("the cache is cold").with_exception("no such file");
/// assert_eq!(context.to_string(), "the cache is cold: no such file");
/// ```
#[doc(alias = "call_exception_handler")]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExceptionContext {
    /// What happened, in a sentence.
    pub message: String,
    /// The error that nobody received. A panic is a [`Panicked`].
    pub exception: Option<SharedError>,
    /// The task it happened in, if it was a task.
    pub task: Option<AnyTask>,
    /// The callback it happened in, if it was one of `call_soon`, `call_later` or of the end of
    /// something.
    pub handle: Option<CallHandle>,
    /// Where the promise was made that it is about, if it is about one.
    pub future: Option<&'static Location<'static>>,
}

impl ExceptionContext {
    /// A report that concerns no task.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { message, exception: None, task: None, handle: None, future: None }
    }

    /// With the error that is reported.
    #[must_use]
    pub fn with_exception(
        self,
        exception: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { exception: Some(SharedError::new(exception)), ..self }
    }

    /// With the task that it is about.
    #[must_use]
    pub fn with_task(self, task: AnyTask) -> Self {
        Self { task: Some(task), ..self }
    }

    /// With where the promise was made that it is about.
    #[doc(hidden)]
    #[must_use]
    pub fn with_future(self, made_at: &'static Location<'static>) -> Self {
        Self { future: Some(made_at), ..self }
    }

    fn panic(message: impl Into<String>, payload: Box<dyn Any + Send>) -> Self {
        Self::new(message).with_exception(Panicked::new(payload))
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
        if let Some(made_at) = self.future {
            write!(f, " (a promise made at {made_at})")?;
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
    // Where standard error is closed there is nobody left to tell.
    _ = writeln!(std::io::stderr(), "loopwork: {context}");
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
            let failed = ExceptionContext::panic("the exception handler panicked", payload);
            default_exception_handler(&failed);
        }
    }

    /// Reports a panic that somebody caught.
    pub(crate) fn panicked(&self, message: impl Into<String>, payload: Box<dyn Any + Send>) {
        self.call(&ExceptionContext::panic(message, payload));
    }

    /// Reports the panic of a callback.
    pub(crate) fn callback_panicked(&self, handle: CallHandle, payload: Box<dyn Any + Send>) {
        let context = ExceptionContext::panic("a callback panicked", payload);
        self.call(&ExceptionContext { handle: Some(handle), ..context });
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

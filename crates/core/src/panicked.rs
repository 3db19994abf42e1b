//! A panic that was caught.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loopwork_shim::sync::Mutex;

/// A panic of a task, a callback or a destructor, as an error: it says what the panic said.
///
/// An exception handler finds it as the [`exception`](crate::ExceptionContext::exception) of a
/// report:
///
/// ```
/// use loopwork_core::{ExceptionContext, Panicked};
///
/// fn is_a_panic(context: &ExceptionContext) -> bool {
///     let exception = context.exception.as_ref();
///     exception.is_some_and(|error| error.downcast_ref::<Panicked>().is_some())
/// }
/// # assert!(!is_a_panic(&ExceptionContext::new("no")));
/// ```
///
/// Clones are of the same panic.
#[derive(Clone)]
pub struct Panicked(Arc<Caught>);

struct Caught {
    message: Box<str>,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panicked {
    /// What [`catch_unwind`] caught.
    #[must_use]
    pub fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = panic_message(&*payload).into();
        Self(Arc::new(Caught { message, payload: Mutex::new(Some(payload)) }))
    }

    /// What the panic said, if it said it in words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The panic's payload, to go on with [`std::panic::resume_unwind`].
    ///
    /// The first clone to ask gets the original payload, later ones get its message.
    #[must_use]
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        let payload = self.0.payload.lock().take();
        payload.unwrap_or_else(|| Box::new(self.0.message.to_string()))
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        // Unwind: a payload's own destructor may panic as well; what that throws is let go.
        if let Some(payload) = self.payload.get_mut().take() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(payload);
            }
        }
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic whose payload is not text")
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panicked").field(&self.0.message).finish()
    }
}

impl std::error::Error for Panicked {}

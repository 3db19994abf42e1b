//! Why a concurrent future has no value.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use loopwork_shim::sync::Mutex;

/// Why a [`ConcurrentFuture`](super::ConcurrentFuture) has no value to give.
///
/// It stands for asyncio's `CancelledError`, `TimeoutError` and the exception of the work. Clones
/// of one failure share its panic payload.
#[derive(Clone)]
pub struct ConcurrentError {
    reason: Reason,
}

#[derive(Clone)]
enum Reason {
    Cancelled,
    Panicked(Arc<Panicked>),
    TimedOut,
    AlreadyTaken,
}

/// A panic that ended the work. Its payload is given to the first who asks for it.
pub(super) struct Panicked {
    message: String,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panicked {
    pub(super) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = message_of(&*payload).to_owned();
        Self { message, payload: Mutex::new(Some(payload)) }
    }

    /// The payload, or the message alone if the payload was taken before.
    pub(super) fn take(&self) -> Box<dyn Any + Send> {
        let payload = self.payload.lock().take();
        payload.unwrap_or_else(|| Box::new(self.message.clone()))
    }
}

impl ConcurrentError {
    pub(super) fn cancelled() -> Self {
        Self { reason: Reason::Cancelled }
    }

    pub(super) fn panicked(panicked: Arc<Panicked>) -> Self {
        Self { reason: Reason::Panicked(panicked) }
    }

    pub(super) fn timed_out() -> Self {
        Self { reason: Reason::TimedOut }
    }

    pub(super) fn already_taken() -> Self {
        Self { reason: Reason::AlreadyTaken }
    }

    /// Whether the work was cancelled, or abandoned before it gave a result.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.reason, Reason::Cancelled)
    }

    /// Whether the work panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.reason, Reason::Panicked(_))
    }

    /// Whether the wait timed out. The work goes on.
    pub fn is_timeout(&self) -> bool {
        matches!(self.reason, Reason::TimedOut)
    }

    /// Whether the value was moved out before, through this handle or a clone of it.
    pub fn is_already_taken(&self) -> bool {
        matches!(self.reason, Reason::AlreadyTaken)
    }

    /// The payload of the panic, for `std::panic::resume_unwind`.
    ///
    /// The payload itself goes to the first who asks; who asks later gets its message, as a
    /// `String`.
    ///
    /// # Panics
    ///
    /// If the work did not panic.
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        self.try_into_panic().unwrap_or_else(|other| panic!("not a panic: {other}"))
    }

    /// The payload of the panic, as [`into_panic`](ConcurrentError::into_panic) gives it.
    ///
    /// # Errors
    ///
    /// `self`, if the work did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.reason {
            Reason::Panicked(panicked) => Ok(panicked.take()),
            _ => Err(self),
        }
    }
}

impl fmt::Debug for ConcurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Cancelled => f.write_str("Cancelled"),
            Reason::Panicked(panicked) => {
                f.debug_tuple("Panicked").field(&panicked.message).finish()
            }
            Reason::TimedOut => f.write_str("TimedOut"),
            Reason::AlreadyTaken => f.write_str("AlreadyTaken"),
        }
    }
}

impl fmt::Display for ConcurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Cancelled => f.write_str("the work was cancelled"),
            Reason::Panicked(panicked) => write!(f, "the work panicked: {}", panicked.message),
            Reason::TimedOut => f.write_str("the result did not come in time; the work goes on"),
            Reason::AlreadyTaken => f.write_str("the result was taken before"),
        }
    }
}

impl Error for ConcurrentError {}

/// The text of a panic, where it has one.
pub(super) fn message_of(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a payload that is not text"
    }
}

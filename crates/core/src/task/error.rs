//! Why a task has no value to give.

use std::any::Any;
use std::fmt;

use loopwork_context::CancelReason;

use crate::panicked::Panicked;

/// Why awaiting a task, or asking for its result, gave no value.
///
/// Opaque, so that reasons can be added; clones refer to the same panic.
///
/// asyncio: `CancelledError`, `InvalidStateError`, or the exception a task raised.
#[doc(alias = "CancelledError")]
#[doc(alias = "InvalidStateError")]
#[derive(Clone)]
pub struct TaskError(Reason);

#[derive(Clone)]
enum Reason {
    Cancelled(Option<CancelReason>),
    Panicked(Panicked),
    NotDone,
    Taken,
}

impl TaskError {
    pub(crate) fn cancelled(reason: Option<CancelReason>) -> Self {
        Self(Reason::Cancelled(reason))
    }

    /// For combinators: it was cancelled before it became a task.
    #[doc(hidden)]
    #[must_use]
    pub fn never_began() -> Self {
        Self::cancelled(None)
    }

    pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        Self(Reason::Panicked(Panicked::new(payload)))
    }

    pub(crate) fn not_done() -> Self {
        Self(Reason::NotDone)
    }

    pub(crate) fn taken() -> Self {
        Self(Reason::Taken)
    }

    /// The task was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0, Reason::Cancelled(_))
    }

    /// Why the task was cancelled, if it was and somebody said so. None if its loop was closed.
    #[must_use]
    pub fn cancel_reason(&self) -> Option<&CancelReason> {
        match &self.0 {
            Reason::Cancelled(reason) => reason.as_ref(),
            _ => None,
        }
    }

    /// The task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.0, Reason::Panicked(_))
    }

    /// The task has not ended: its result cannot be asked for yet.
    #[must_use]
    pub fn is_not_done(&self) -> bool {
        matches!(self.0, Reason::NotDone)
    }

    /// The value was moved out by an earlier await.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self.0, Reason::Taken)
    }

    /// The panic's payload, to go on with [`std::panic::resume_unwind`].
    ///
    /// The first clone to ask gets the original payload, later ones get its message.
    ///
    /// # Errors
    ///
    /// Gives the error back if it is no panic.
    pub fn into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.0 {
            Reason::Panicked(panic) => Ok(panic.into_payload()),
            _ => Err(self),
        }
    }

    /// How a task ended, in a few words.
    pub(super) fn outcome(&self) -> String {
        match &self.0 {
            Reason::Cancelled(Some(reason)) => format!("cancelled: {reason}"),
            Reason::Cancelled(None) => "cancelled: its loop was closed".to_owned(),
            Reason::Panicked(panic) => format!("panicked: {panic}"),
            Reason::NotDone | Reason::Taken => self.to_string(),
        }
    }

    /// The panic itself, for a report.
    pub(crate) fn panicked_with(&self) -> Option<&Panicked> {
        match &self.0 {
            Reason::Panicked(panic) => Some(panic),
            _ => None,
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Cancelled(reason) => {
                f.write_str("the task was cancelled")?;
                match reason.as_ref().and_then(CancelReason::message) {
                    Some(message) => write!(f, ": {message}"),
                    None => Ok(()),
                }
            }
            Reason::Panicked(panic) => write!(f, "the task panicked: {panic}"),
            Reason::NotDone => {
                f.write_str("the task has not ended: await it before asking for its result")
            }
            Reason::Taken => f.write_str(
                "the task's value was moved out by an earlier await: clone the `Task` before \
                 awaiting it, or read `result()`, to share the value",
            ),
        }
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Cancelled(reason) => f.debug_tuple("Cancelled").field(reason).finish(),
            Reason::Panicked(panic) => panic.fmt(f),
            Reason::NotDone => f.write_str("NotDone"),
            Reason::Taken => f.write_str("Taken"),
        }
    }
}

impl std::error::Error for TaskError {}

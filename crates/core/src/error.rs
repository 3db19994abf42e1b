//! What can go wrong with a loop, and with submitting to it.

use std::fmt;
use std::io;

/// Why a loop did not do what it was asked. Each says what to do instead.
///
/// asyncio: the `RuntimeError`s of its event loop.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoopError {
    /// The loop is closed.
    Closed,
    /// This thread runs a loop already.
    Nested,
    /// `stop()` came before the future was done.
    Stopped,
    /// The root task was cancelled.
    Cancelled,
    /// The process was interrupted, as by Ctrl-C, and the root task ended cancelled by that.
    Interrupted,
    /// This thread runs no loop.
    NoRunningLoop,
    /// The operating system refused a thread or a poller.
    Os(io::Error),
}

impl fmt::Display for LoopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the event loop is closed: build a new one",
            Self::Nested => {
                "this thread is running an event loop already: `.await` the future or \
                 `create_task` it, instead of running a loop inside the loop"
            }
            Self::Stopped => {
                "the event loop was stopped before the future was done: run it again with \
                 `&mut task` or `Pin<&mut _>` to go on, or do not call `stop()`"
            }
            Self::Cancelled => "the future given to `run_until_complete` was cancelled",
            Self::Interrupted => "interrupted: the future given to `run` was cancelled by Ctrl-C",
            Self::NoRunningLoop => {
                "no event loop is running on this thread: call this inside a task or callback, or \
                 pass a `Handle` to the thread"
            }
            Self::Os(error) => return write!(f, "the operating system refused: {error}"),
        })
    }
}

impl std::error::Error for LoopError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Os(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for LoopError {
    fn from(error: io::Error) -> Self {
        Self::Os(error)
    }
}

/// What was submitted to a closed loop, handed back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SubmitError<F>(pub F);

impl<F> SubmitError<F> {
    /// What was submitted.
    pub fn into_inner(self) -> F {
        self.0
    }
}

impl<F> fmt::Display for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LoopError::Closed.fmt(f)
    }
}

impl<F> fmt::Debug for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubmitError(..)")
    }
}

impl<F> std::error::Error for SubmitError<F> {}

impl<F> From<SubmitError<F>> for LoopError {
    fn from(_: SubmitError<F>) -> Self {
        Self::Closed
    }
}

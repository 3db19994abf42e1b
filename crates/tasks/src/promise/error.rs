//! Why a promise has no value to give, or takes none.

use std::error::Error;
use std::fmt;

use loopwork_context::CancelReason;

/// Why a [`Promise`](super::Promise) gave no value.
///
/// asyncio: the exception that was set, `CancelledError`, `InvalidStateError`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PromiseError<E> {
    /// It was set to this error.
    Failed(E),
    /// It was cancelled.
    Cancelled(CancelReason),
    /// It is not done. An await never gives this.
    NotDone,
}

impl<E> PromiseError<E> {
    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled(_))
    }

    /// Whether it is not done.
    pub fn is_not_done(&self) -> bool {
        matches!(self, Self::NotDone)
    }

    /// Why it was cancelled, if it was.
    pub fn cancel_reason(&self) -> Option<&CancelReason> {
        match self {
            Self::Cancelled(reason) => Some(reason),
            _ => None,
        }
    }

    /// The error that was set, if one was.
    pub fn into_failed(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for PromiseError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Cancelled(reason) => {
                f.write_str("the promise was cancelled")?;
                reason.message().map_or(Ok(()), |message| write!(f, ": {message}"))
            }
            Self::NotDone => {
                f.write_str("the promise is not done: await it before asking for its result")
            }
        }
    }
}

impl<E: Error + 'static> Error for PromiseError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            _ => None,
        }
    }
}

/// A promise that is done cannot be set: what it was to be set to, handed back.
///
/// asyncio: `InvalidStateError`.
#[doc(alias = "InvalidStateError")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InvalidState<V>(pub V);

impl<V> InvalidState<V> {
    /// What it was to be set to.
    pub fn into_inner(self) -> V {
        self.0
    }
}

impl<V> fmt::Display for InvalidState<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the promise is done: it is set once; ask `done()` first if others may set it")
    }
}

impl<V> fmt::Debug for InvalidState<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvalidState(..)")
    }
}

impl<V> Error for InvalidState<V> {}

//! Why an operation of a queue was refused. What was to be put comes back.

use std::error::Error;
use std::fmt;

/// The queue was shut down. Holds the item that was to be put; for a `get`, nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(alias = "asyncio.QueueShutDown")]
pub struct QueueShutDown<T = ()>(pub T);

/// Why [`Queue::put_nowait`](super::QueueOf::put_nowait) refused its item, which it gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(alias = "asyncio.QueueFull")]
pub enum PutNowaitError<T> {
    /// The queue holds as many items as it may.
    QueueFull(T),
    /// The queue was shut down.
    QueueShutDown(T),
}

impl<T> PutNowaitError<T> {
    /// The item that was refused.
    pub fn into_inner(self) -> T {
        match self {
            Self::QueueFull(item) | Self::QueueShutDown(item) => item,
        }
    }

    /// Whether the queue was full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::QueueFull(_))
    }

    /// Whether the queue was shut down.
    pub fn is_shut_down(&self) -> bool {
        matches!(self, Self::QueueShutDown(_))
    }
}

/// Why [`Queue::get_nowait`](super::QueueOf::get_nowait) has no item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(alias = "asyncio.QueueEmpty")]
pub enum GetNowaitError {
    /// There is no item now.
    QueueEmpty,
    /// There is no item, and there will be none: the queue was shut down.
    QueueShutDown,
}

/// [`Queue::task_done`](super::QueueOf::task_done) was called more often than items were put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskDoneError(pub(super) ());

const FULL: &str = "the queue is full";
const EMPTY: &str = "the queue is empty";
const SHUT_DOWN: &str = "the queue is shut down";

impl<T> fmt::Display for QueueShutDown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHUT_DOWN)
    }
}

impl<T> fmt::Display for PutNowaitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull(_) => FULL,
            Self::QueueShutDown(_) => SHUT_DOWN,
        })
    }
}

impl fmt::Display for GetNowaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueEmpty => EMPTY,
            Self::QueueShutDown => SHUT_DOWN,
        })
    }
}

impl fmt::Display for TaskDoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`task_done` was called more often than items were put into the queue")
    }
}

impl<T: fmt::Debug> Error for QueueShutDown<T> {}
impl<T: fmt::Debug> Error for PutNowaitError<T> {}
impl Error for GetNowaitError {}
impl Error for TaskDoneError {}

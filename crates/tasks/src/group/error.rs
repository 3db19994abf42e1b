//! All that has failed in a group.

use std::error::Error;
use std::fmt;

use loopwork_context::CancelReason;
use loopwork_core::{AnyTask, SharedError, TaskError};

/// One failure in a group.
#[derive(Debug, Clone)]
pub struct Failure {
    /// None for a child that has panicked, until it has ended: then the task says what it panicked
    /// with.
    error: Option<SharedError>,
    task: Option<AnyTask>,
}

impl Failure {
    pub(super) fn new(error: SharedError, task: Option<AnyTask>) -> Self {
        Self { error: Some(error), task }
    }

    pub(super) fn panic(task: Option<AnyTask>) -> Self {
        Self { error: None, task }
    }

    /// When the child has ended.
    pub(super) fn settle(&mut self) {
        if self.error.is_none() {
            let panic = self.task.as_ref().and_then(AnyTask::failure);
            self.error =
                Some(panic.map_or_else(|| SharedError::new("a child panicked"), SharedError::new));
        }
    }

    /// What the child, or the body, ended with: its `Err`, or the [`TaskError`] of its panic.
    #[must_use]
    pub fn error(&self) -> &SharedError {
        self.error.as_ref().expect("settled when the group ended")
    }

    /// The child that failed. None for the body.
    #[must_use]
    pub fn task(&self) -> Option<&AnyTask> {
        self.task.as_ref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.task {
            Some(task) => write!(f, "{}: {}", task.name(), self.error()),
            None => write!(f, "{}", self.error()),
        }
    }
}

/// Why a [`TaskGroup`](crate::TaskGroup) gave no value: all that has failed in it, in the order in
/// which it did; or nothing, if the group was cancelled by [`TaskGroup::cancel`](crate::TaskGroup::cancel).
///
/// asyncio: the `ExceptionGroup` that a `TaskGroup` raises.
#[doc(alias = "ExceptionGroup")]
#[derive(Clone)]
pub struct GroupError {
    pub(super) failures: Vec<Failure>,
    pub(super) cancelled: Option<CancelReason>,
}

impl GroupError {
    /// What has failed, the first first.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// The errors, the first first.
    pub fn errors(&self) -> impl Iterator<Item = &SharedError> {
        self.failures.iter().map(Failure::error)
    }

    /// The errors that are an `E`, here and in groups that failed in this one.
    ///
    /// asyncio: `except* E`.
    #[must_use]
    pub fn find<E: Error + 'static>(&self) -> Vec<&E> {
        let found = |error| match SharedError::downcast_ref::<GroupError>(error) {
            Some(group) => group.find(),
            None => Vec::from_iter(SharedError::downcast_ref(error)),
        };
        self.errors().flat_map(found).collect()
    }

    /// Why the group was cancelled, if nothing has failed and it was.
    #[must_use]
    pub fn cancel_reason(&self) -> Option<&CancelReason> {
        self.cancelled.as_ref().filter(|_| self.failures.is_empty())
    }
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.failures {
            [] => match self.cancelled.as_ref().and_then(CancelReason::message) {
                Some(message) => write!(f, "the group was cancelled: {message}"),
                None => f.write_str("the group was cancelled"),
            },
            [only] => write!(f, "a task of the group failed: {only}"),
            all => {
                write!(f, "{} tasks of the group failed", all.len())?;
                for (at, failure) in all.iter().enumerate() {
                    write!(f, "{} {failure}", if at == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupError")
            .field("errors", &self.errors().collect::<Vec<_>>())
            .field("cancelled", &self.cancelled)
            .finish()
    }
}

impl Error for GroupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.errors().next().map(|error| error.get_ref() as &(dyn Error + 'static))
    }
}

// A panic is an error like any other here.
const _: fn(TaskError) -> SharedError = SharedError::new;

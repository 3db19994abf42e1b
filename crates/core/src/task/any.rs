//! A task without its type.

use std::fmt;
use std::panic::Location;

use super::header::TaskId;
use super::raw::RawTask;
use super::state::TaskState;

/// A task of any output: what `current_task` and `all_tasks` give.
///
/// It does not count as a handle: a failure is reported even while one of these exists.
#[derive(Clone)]
pub struct AnyTask(RawTask);

impl AnyTask {
    pub(crate) fn new(raw: RawTask) -> Self {
        Self(raw)
    }

    /// Identifies the task within its loop.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.0.header().id
    }

    /// The task's name: `Task-<id>` unless one was set.
    #[doc(alias = "get_name")]
    #[must_use]
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Names the task.
    pub fn set_name(&self, name: &str) {
        self.0.set_name(name);
    }

    /// Where the task was spawned.
    #[must_use]
    pub fn spawn_location(&self) -> &'static Location<'static> {
        self.0.header().location
    }

    /// Where the task is in its life.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.0.header().state.phase()
    }

    /// Requests cancellation, as [`Task::cancel`](super::Task::cancel).
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn done(&self) -> bool {
        self.0.header().state.is_complete()
    }

    /// Whether the task ended cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.0.error().is_some_and(|error| error.is_cancelled())
    }
}

impl PartialEq for AnyTask {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl Eq for AnyTask {}

impl fmt::Debug for AnyTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

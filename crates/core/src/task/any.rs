//! A task without its type.

use std::fmt;
use std::future::poll_fn;
use std::panic::Location;
use std::task::{Context, Poll, ready};

use loopwork_context::{CancelReason, WaitReason, hold_back};

use super::cancel::cancel_together;
use super::error::TaskError;
use super::extension::WatchId;
use super::header::{TaskId, TaskState};
use super::raw::RawTask;
use crate::panicked::Panicked;

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
        self.0.header().id()
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
        self.0.header().phase()
    }

    /// What the task waits for. None unless it waits.
    #[must_use]
    pub fn waits_for(&self) -> Option<WaitReason> {
        self.0.header().waits_for()
    }

    /// Requests cancellation, as [`Task::cancel`](super::Task::cancel).
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.0.cancel(CancelReason::unspoken())
    }

    /// Requests cancellation and says why, as [`Task::cancel_with`](super::Task::cancel_with).
    #[track_caller]
    pub fn cancel_with(&self, reason: impl Into<CancelReason>) -> bool {
        self.0.cancel(reason.into())
    }

    /// Requests cancellation of all `tasks`, for all `reasons`, as one act: none of them that waits runs
    /// before all have been asked, and `meanwhile` was called.
    #[doc(hidden)]
    pub fn cancel_together(tasks: &[Self], reasons: &[CancelReason], meanwhile: impl FnOnce()) {
        cancel_together(tasks.iter().map(|task| &task.0), reasons, meanwhile);
    }

    /// How many requests stand, as [`Task::cancelling`](super::Task::cancelling).
    #[must_use]
    pub fn cancelling(&self) -> usize {
        self.0.cancelling()
    }

    /// Takes one request back, as [`Task::uncancel`](super::Task::uncancel).
    pub fn uncancel(&self) -> usize {
        self.0.uncancel(1)
    }

    /// The panic the task ended with. It counts as having been seen.
    #[doc(hidden)]
    #[must_use]
    pub fn failure(&self) -> Option<TaskError> {
        let error = self.0.error().filter(TaskError::is_panic)?;
        self.0.ignore_failure();
        Some(error)
    }

    /// Failures of this task are of no interest: they are not reported.
    #[doc(hidden)]
    pub fn ignore_failure(&self) {
        self.0.ignore_failure();
    }

    /// The panic that nobody has seen and nobody was told of. From now on it counts as seen.
    #[doc(hidden)]
    #[must_use]
    pub fn unseen_panic(&self) -> Option<Panicked> {
        self.0.take_unseen()
    }

    /// Wakes the task for a request to a scope inside it; see `RawTask::interrupt`.
    #[doc(hidden)]
    pub fn interrupt(&self, asked: impl FnOnce(bool)) {
        self.0.interrupt(asked);
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn done(&self) -> bool {
        self.0.header().state.is_complete()
    }

    /// The task, unless it has ended. Lets go of one that has at the least price.
    #[doc(hidden)]
    #[must_use]
    pub fn unless_done(self) -> Option<Self> {
        if !self.done() {
            return Some(self);
        }
        self.0.drop_ended();
        None
    }

    /// Waits until the task has ended, however it does. Its output stays where it is.
    pub async fn ended(&self) {
        let mut watch = Watching { task: &self.0, id: None };
        poll_fn(|cx| watch.poll(cx)).await;
    }

    /// Whether the task ended cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// A registration that is taken back when it is dropped.
struct Watching<'a> {
    task: &'a RawTask,
    id: Option<WatchId>,
}

impl Watching<'_> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let waited = self.id.is_some();
        let waits = match self.id {
            Some(id) => self.task.rewatch(id, cx.waker()).is_ok(),
            None => {
                self.id = self.task.watch_waker(cx.waker()).ok();
                self.id.is_some()
            }
        };
        if !waits {
            ready!(hold_back(cx, waited));
            return Poll::Ready(());
        }
        loopwork_context::waits_for(WaitReason::Join);
        Poll::Pending
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.task.unwatch(id);
        }
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

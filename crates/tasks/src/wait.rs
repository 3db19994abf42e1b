//! Done and pending.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use loopwork_context::{WaitReason, hold_back, proceed, waits_for};
use loopwork_core::{Handle, IntoTask, Task, Watch};
use loopwork_time::Sleep;

use crate::ensure::into_task;
use crate::tally::{Decision, Judge, Tally, Until};

/// When [`wait`] is over.
///
/// asyncio: `FIRST_COMPLETED`, `FIRST_EXCEPTION`, `ALL_COMPLETED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReturnWhen {
    /// One task has ended, however it did.
    #[doc(alias = "FIRST_COMPLETED")]
    FirstCompleted,
    /// One task has failed, that is, panicked; if none does, all have ended. Cancelled tasks do not
    /// count. [`Wait::errors_fail`] counts tasks that return `Err` too.
    #[doc(alias = "FIRST_EXCEPTION")]
    FirstException,
    /// All tasks have ended.
    #[doc(alias = "ALL_COMPLETED")]
    #[default]
    AllCompleted,
}

/// Waits for tasks, and gives those that are done and those that are pending, each in the order they
/// were given in.
///
/// It never fails because a task does, and never cancels a task: neither when its time is up nor
/// when it is itself cancelled or dropped. It always waits at least once, so that tasks that were
/// just made have begun. Futures become tasks of the loop that runs here, at the first poll. No
/// tasks at all are both done and pending at once: asyncio raises an error there.
///
/// asyncio: `wait`.
///
/// ```
/// use loopwork_tasks::{ReturnWhen, wait};
///
/// # async fn example(tasks: Vec<loopwork_core::Task<u32>>) {
/// let (done, pending) = wait(tasks).return_when(ReturnWhen::FirstCompleted).await;
/// for task in done {
///     println!("{:?}", task.result());
/// }
/// # drop(pending);
/// # }
/// ```
///
/// # Panics
///
/// When it is polled outside a loop, if it was given futures.
#[track_caller]
pub fn wait<I>(awaitables: I) -> Wait<I::Item>
where
    I: IntoIterator,
    I::Item: IntoTask,
{
    Wait {
        stage: Stage::Waiting(awaitables.into_iter().collect()),
        location: Location::caller(),
        until: ReturnWhen::AllCompleted,
        raised: |_| false,
        timeout: None,
        sleep: None,
    }
}

/// The future of [`wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<A: IntoTask> {
    stage: Stage<A>,
    location: &'static Location<'static>,
    until: ReturnWhen,
    raised: fn(&A::Output) -> bool,
    timeout: Option<Duration>,
    sleep: Option<Sleep>,
}

enum Stage<A: IntoTask> {
    Waiting(Vec<A>),
    Watching { tasks: Vec<Task<A::Output>>, watches: Vec<Watch>, tally: Arc<Tally> },
    Done,
}

impl<A: IntoTask> Wait<A> {
    /// When the wait is over. The default is [`ReturnWhen::AllCompleted`].
    pub fn return_when(mut self, until: ReturnWhen) -> Self {
        self.until = until;
        self
    }

    /// The wait is over after `timeout` at the latest. The tasks run on.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl<A, T, E> Wait<A>
where
    A: IntoTask<Output = Result<T, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    /// With [`ReturnWhen::FirstException`], a task that returns `Err` counts as failed.
    pub fn errors_fail(mut self) -> Self {
        self.raised = Result::is_err;
        self
    }
}

impl<A: IntoTask> Wait<A> {
    #[track_caller]
    fn begin(&mut self, awaitables: Vec<A>) {
        let location = self.location;
        let tasks: Vec<_> = match Handle::current() {
            Ok(handle) => awaitables.into_iter().map(|a| into_task(a, &handle, location)).collect(),
            Err(error) => panic!("`wait` belongs into a task: {error}"),
        };
        let until = match self.until {
            ReturnWhen::FirstCompleted => Until::AllOrOne(Judge::Any),
            ReturnWhen::FirstException => Until::AllOrOne(Judge::Raised),
            ReturnWhen::AllCompleted => Until::All,
        };
        let tally = Tally::new(tasks.len(), until);
        let watch = |(index, task)| tally.watch(index, task, self.raised);
        let watches = tasks.iter().enumerate().filter_map(watch).collect();
        self.sleep = self.timeout.map(loopwork_time::sleep);
        self.stage = Stage::Watching { tasks, watches, tally };
    }

    fn end(&mut self) -> Vec<Task<A::Output>> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Watching { tasks, watches, .. } => {
                watches.into_iter().for_each(Watch::remove);
                tasks
            }
            Stage::Waiting(_) | Stage::Done => Vec::new(),
        }
    }
}

// Nothing is pinned: tasks are reached through their handles, and a `Sleep` may move.
impl<A: IntoTask> Unpin for Wait<A> {}

impl<A: IntoTask> Future for Wait<A> {
    type Output = (Vec<Task<A::Output>>, Vec<Task<A::Output>>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let wait = &mut *self;
        if let Stage::Waiting(awaitables) = &mut wait.stage {
            let awaitables = std::mem::take(awaitables);
            if awaitables.is_empty() {
                ready!(proceed(cx)).made();
                wait.stage = Stage::Done;
                return Poll::Ready((Vec::new(), Vec::new()));
            }
            wait.begin(awaitables);
            // It always waits once, also for tasks that have ended.
            waits_for(WaitReason::Yield);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Stage::Watching { tally, .. } = &wait.stage else {
            panic!("`wait` was polled after it was over");
        };
        if tally.poll(cx) != Decision::Open {
            ready!(hold_back(cx, true));
            // A decision is looked at, not taken: it is there at the next look.
            ready!(proceed(cx)).made();
        } else if !wait.sleep.as_mut().is_some_and(|sleep| Pin::new(sleep).poll(cx).is_ready()) {
            waits_for(WaitReason::Join);
            return Poll::Pending;
        }
        Poll::Ready(wait.end().into_iter().partition(Task::done))
    }
}

impl<A: IntoTask> Drop for Wait<A> {
    fn drop(&mut self) {
        drop(self.end());
    }
}

impl<A: IntoTask> fmt::Debug for Wait<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("return_when", &self.until)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

//! A task that is told more than its future.

use std::fmt;
use std::future::Future;
use std::panic::Location;

use crate::error::{LoopError, SubmitError};
use crate::handle::Handle;
use crate::scheduler::Spawn;
use crate::task::{Kind, Task};

/// Makes a task with a name, or one that is polled at once.
///
/// asyncio: the arguments of `create_task`.
///
/// ```
/// use loopwork_core::{Builder, Handle, SleepDriver};
///
/// let mut runtime = Builder::new().build(SleepDriver::new())?;
/// let answer = runtime.handle().task().name("answer").spawn(async { 6 * 7 });
/// assert_eq!(answer.name(), "answer");
/// assert_eq!(runtime.block_on(answer.into_future())??, 42);
/// # use std::future::IntoFuture;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "create_task")]
#[must_use = "a builder makes a task when it is given a future"]
pub struct TaskBuilder<'a> {
    handle: &'a Handle,
    name: Option<Box<str>>,
    eager_start: Option<bool>,
}

impl<'a> TaskBuilder<'a> {
    pub(crate) fn new(handle: &'a Handle) -> Self {
        Self { handle, name: None, eager_start: None }
    }

    /// Names it.
    ///
    /// asyncio: `name=`.
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into().into()), ..self }
    }

    /// Whether it is polled once before `spawn` returns, as [`Handle::spawn_eager`] does it. Unless this
    /// is said, the loop's [`TaskFactory`](crate::TaskFactory) decides; without one it is not.
    ///
    /// asyncio: `eager_start=`.
    pub fn eager_start(self, eager: bool) -> Self {
        Self { eager_start: Some(eager), ..self }
    }

    /// Makes a task of `future`.
    ///
    /// # Panics
    ///
    /// If the loop is closed; [`TaskBuilder::try_spawn`] hands the future back instead.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.try_spawn(future) {
            Ok(task) => task,
            Err(_refused) => panic!(
                "cannot spawn: {}, or use `try_spawn`, which hands the future back",
                LoopError::Closed
            ),
        }
    }

    /// As [`TaskBuilder::spawn`], but a closed loop is an error.
    ///
    /// # Errors
    ///
    /// Hands the future back if the loop is closed.
    #[track_caller]
    pub fn try_spawn<F>(self, future: F) -> Result<Task<F::Output>, SubmitError<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let Self { handle, name, eager_start } = self;
        let spawn = Spawn::new(Kind::Task, Location::caller());
        handle.spawn_with(future, Spawn { name, eager_start, ..spawn })
    }
}

impl fmt::Debug for TaskBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBuilder")
            .field("name", &self.name)
            .field("eager_start", &self.eager_start)
            .finish_non_exhaustive()
    }
}

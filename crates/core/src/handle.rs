//! The end of a loop that any thread may hold.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::callback::{CallHandle, Callback, submit};
use crate::current;
use crate::error::{LoopError, SubmitError};
use crate::exception::{ExceptionContext, ExceptionHandler};
use crate::factory::TaskFactory;
use crate::metrics::{Metrics, WorkerMetrics};
use crate::scheduler::{Shared, Spawn};
use crate::task::{AnyTask, Kind, RawTask, Task};
use crate::task_builder::TaskBuilder;

/// A loop, from anywhere: spawn, call, stop, look.
///
/// Clones refer to the same loop. Holding one does not keep the loop from being closed.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// The loop whose worker this thread is.
    ///
    /// # Errors
    ///
    /// [`LoopError::NoRunningLoop`] on any other thread.
    ///
    /// asyncio: `get_running_loop`.
    #[doc(alias = "get_running_loop")]
    pub fn current() -> Result<Self, LoopError> {
        current::with_worker(|worker| match worker {
            Some(worker) => Ok(Self(worker.shared().clone())),
            None => Err(LoopError::NoRunningLoop),
        })
    }

    /// Makes a task of `future` and schedules it. The loop need not run yet.
    ///
    /// asyncio: `create_task`.
    ///
    /// # Panics
    ///
    /// If the loop is closed; [`Handle::try_spawn`] hands the future back instead.
    #[track_caller]
    #[doc(alias = "create_task")]
    #[inline]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if self.0.factory.is_set() {
            return self.spawn_by_factory(future);
        }
        match self.0.spawn(future, Spawn::new(Kind::Task, Location::caller())) {
            Ok(task) => Task::new(task),
            Err(_refused) => panic!(
                "cannot spawn: {}, or use `try_spawn`, which hands the future back",
                LoopError::Closed
            ),
        }
    }

    /// As [`Handle::spawn`], but on a worker of this loop the task is polled once, in place, before
    /// this returns. If it ends in that poll, no queue ever sees it.
    ///
    /// The poll has its own budget, its own cancel request, and its own boundary for panics:
    /// [`current_task`](crate::current_task) inside is the new task. Elsewhere, and 32 eager starts
    /// deep, it is as [`Handle::spawn`].
    ///
    /// asyncio: `Task(.., eager_start=True)`.
    ///
    /// ```
    /// use loopwork_core::{Builder, Handle, SleepDriver};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut runtime = Builder::new().build(SleepDriver::new())?;
    /// runtime.block_on(async {
    ///     let task = Handle::current().unwrap().spawn_eager(async { 6 * 7 });
    ///     assert!(task.done(), "it never waited");
    ///     assert_eq!(task.await.unwrap(), 42);
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the loop is closed.
    #[track_caller]
    #[doc(alias = "eager_start")]
    #[doc(alias = "eager_task_factory")]
    pub fn spawn_eager<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.task().eager_start(true).spawn(future)
    }

    /// Makes a task of a future that need not be `Send`: `make` is called on one of the background
    /// workers, and the future it gives is polled and dropped on that worker's thread only.
    ///
    /// The workers take turns. The task's waker, handle and output are as those of any other task.
    /// Several such futures that belong together are best driven by a [`LocalSet`] inside one of
    /// them. When the loop is closed, the future is dropped on its thread.
    ///
    /// [`LocalSet`]: crate::LocalSet
    ///
    /// asyncio needs no counterpart: all its tasks are of one thread. The name is tokio's.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use loopwork_core::{Builder, SleepDriver};
    ///
    /// let mut runtime = Builder::new().workers(2).build(SleepDriver::new())?;
    /// let task = runtime.handle().spawn_pinned(|| async {
    ///     let shared = Rc::new(20);
    ///     let other = shared.clone();
    ///     *shared + *other + 2
    /// });
    /// assert_eq!(runtime.block_on(task.into_future())??, 42);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the loop has one worker only, which belongs to whoever runs the loop and to no thread; or
    /// if it is closed.
    #[track_caller]
    pub fn spawn_pinned<M, F>(&self, make: M) -> Task<F::Output>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        let spawn = Spawn::new(Kind::Pinned, Location::caller());
        match self.spawn_with(async move { make().await }, spawn) {
            Ok(task) => task,
            Err(_refused) => panic!("cannot spawn: {}", LoopError::Closed),
        }
    }

    /// Makes tasks of many futures at once, in their order. From a thread that is no worker this
    /// costs one submission, however many they are.
    ///
    /// asyncio: `create_task` in a loop.
    ///
    /// ```
    /// use loopwork_core::{Builder, SleepDriver};
    ///
    /// let mut runtime = Builder::new().workers(2).build(SleepDriver::new())?;
    /// let tasks = runtime.handle().spawn_many((0..4).map(|n| async move { n * n }));
    /// let sum = runtime.block_on(async {
    ///     let mut sum = 0;
    ///     for task in tasks {
    ///         sum += task.await?;
    ///     }
    ///     Ok::<_, loopwork_core::TaskError>(sum)
    /// })??;
    /// assert_eq!(sum, 14);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the loop is closed; [`Handle::try_spawn_many`] hands the futures back instead.
    #[track_caller]
    pub fn spawn_many<F>(&self, futures: impl IntoIterator<Item = F>) -> Vec<Task<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.try_spawn_many(futures) {
            Ok(tasks) => tasks,
            Err(_refused) => panic!(
                "cannot spawn: {}, or use `try_spawn_many`, which hands the futures back",
                LoopError::Closed
            ),
        }
    }

    /// As [`Handle::spawn_many`], but a closed loop is an error. All are accepted, or none.
    ///
    /// # Errors
    ///
    /// Hands the futures back if the loop is closed.
    #[track_caller]
    pub fn try_spawn_many<F>(
        &self,
        futures: impl IntoIterator<Item = F>,
    ) -> Result<Vec<Task<F::Output>>, SubmitError<Vec<F>>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // First, so that the iterator's own code runs under no lock.
        let futures: Vec<_> = futures.into_iter().collect();
        match self.0.spawn_many(futures, Location::caller()) {
            Ok(tasks) => Ok(tasks.into_iter().map(Task::new).collect()),
            Err(futures) => Err(SubmitError(futures)),
        }
    }

    /// As [`Handle::spawn`], but a closed loop is an error.
    ///
    /// # Errors
    ///
    /// Hands the future back if the loop is closed. A future that is accepted runs, or the loop
    /// closes first and its task says that it was cancelled.
    #[track_caller]
    #[inline]
    pub fn try_spawn<F>(&self, future: F) -> Result<Task<F::Output>, SubmitError<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_task(future, Location::caller())
    }

    /// As [`Handle::try_spawn`], with a name.
    ///
    /// # Errors
    ///
    /// As [`Handle::try_spawn`].
    #[track_caller]
    pub fn try_spawn_named<F>(
        &self,
        name: &str,
        future: F,
    ) -> Result<Task<F::Output>, SubmitError<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.task().name(name).try_spawn(future)
    }

    /// Makes a task with a name, or one that is polled at once.
    ///
    /// asyncio: the arguments of `create_task`.
    pub fn task(&self) -> TaskBuilder<'_> {
        TaskBuilder::new(self)
    }

    /// From now on `factory` is called for each task that is made: see [`TaskFactory`]. `None` restores
    /// the default, which does nothing.
    ///
    /// asyncio: `set_task_factory`.
    pub fn set_task_factory(&self, factory: Option<TaskFactory>) {
        self.0.factory.set(factory);
    }

    /// The task factory, if one was set.
    ///
    /// asyncio: `get_task_factory`.
    #[doc(alias = "get_task_factory")]
    #[must_use]
    pub fn task_factory(&self) -> Option<TaskFactory> {
        self.0.factory.get()
    }

    #[inline]
    pub(crate) fn spawn_task<F>(
        &self,
        future: F,
        location: &'static Location<'static>,
    ) -> Result<Task<F::Output>, SubmitError<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if self.0.factory.is_set() {
            return self.spawn_with(future, Spawn::new(Kind::Task, location));
        }
        // Nothing of what a task may be given is even looked at.
        let plain = Spawn::new(Kind::Task, location);
        self.0.spawn(future, plain).map(Task::new).map_err(SubmitError)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// Whether there is a task factory.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn has_task_factory(&self) -> bool {
        self.0.factory.is_set()
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn spawn_by_factory<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.task().spawn(future)
    }

    /// As the factory has it. The caller answers for what `RawTask::spawn` asks.
    #[cold]
    #[inline(never)]
    pub(crate) fn spawn_with<F: Future>(
        &self,
        future: F,
        spawn: Spawn,
    ) -> Result<Task<F::Output>, SubmitError<F>> {
        let spawn = self.0.factory.consult(spawn);
        self.0.spawn(future, spawn).map(Task::new).map_err(SubmitError)
    }

    /// Makes `callback` due: it runs after all callbacks that became due before it.
    ///
    /// # Errors
    ///
    /// Hands the closure back if the loop is closed.
    ///
    /// asyncio: `call_soon`, `call_soon_threadsafe`.
    #[doc(alias = "call_soon_threadsafe")]
    pub fn try_call_soon<F>(&self, callback: F) -> Result<CallHandle, SubmitError<F>>
    where
        F: FnOnce() + Send + 'static,
    {
        submit(callback, |callback| self.0.call_soon(callback)).map_err(SubmitError)
    }

    /// Makes a callback due that was wrapped before.
    ///
    /// # Errors
    ///
    /// Hands it back if the loop is closed.
    #[doc(hidden)]
    pub fn enqueue(&self, callback: Callback) -> Result<(), Callback> {
        self.0.call_soon(callback)
    }

    /// Ends the current run: polls under way and the callbacks that are due together with the
    /// current one are finished, the rest waits for the next run. Before a run, it makes that run
    /// do only what is ready at its begin. From any thread.
    ///
    /// asyncio: `stop`.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// Whether a thread is inside `run_*`.
    ///
    /// asyncio: `is_running`.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.0.running.get()
    }

    /// Whether the loop was closed.
    ///
    /// asyncio: `is_closed`.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.closed.get()
    }

    /// Whether this thread is a worker of this loop.
    #[must_use]
    pub fn is_current(&self) -> bool {
        current::with_worker_of(&self.0, |worker| worker.is_some())
    }

    /// How many workers the loop has.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.0.workers()
    }

    /// Every task that has not ended, in order of their ids. From any thread.
    ///
    /// asyncio: `all_tasks`.
    #[must_use]
    pub fn all_tasks(&self) -> Vec<AnyTask> {
        let mut tasks = self.0.arena.tasks();
        tasks.retain(is_alive_task);
        tasks.sort_unstable_by_key(|task| task.header().id());
        tasks.into_iter().map(AnyTask::new).collect()
    }

    /// What the workers have done so far. From any thread, without stopping anybody.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics {
            workers: self.0.counters().map(WorkerMetrics::from).collect(),
            alive_tasks: self.0.arena.alive_tasks(),
        }
    }

    /// Replaces the exception handler; `None` restores [`default_exception_handler`].
    ///
    /// [`default_exception_handler`]: crate::default_exception_handler
    ///
    /// asyncio: `set_exception_handler`.
    pub fn set_exception_handler(&self, handler: Option<ExceptionHandler>) {
        self.0.exceptions.set(handler);
    }

    /// The exception handler, unless it is the default.
    ///
    /// asyncio: `get_exception_handler`.
    #[must_use]
    pub fn exception_handler(&self) -> Option<ExceptionHandler> {
        self.0.exceptions.get()
    }

    /// Calls the exception handler, here. One that panics is reported to the default handler.
    ///
    /// asyncio: `call_exception_handler`.
    pub fn call_exception_handler(&self, context: &ExceptionContext) {
        self.0.exceptions.call(context);
    }
}

fn is_alive_task(task: &RawTask) -> bool {
    let header = task.header();
    header.kind() != Kind::Internal && !header.state.is_complete()
}

impl PartialEq for Handle {
    /// Whether both are of the same loop.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Handle {}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

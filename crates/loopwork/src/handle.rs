//! The loop from anywhere.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use loopwork_core::{
    AnyTask, CallHandle, ExceptionContext, ExceptionHandler, IntoTask, LoopError, Metrics,
    SubmitError, Task, TaskBuilder, TaskFactory, default_exception_handler,
};
use loopwork_executors::{Executor, ExecutorExt, RejectReason, SubmitError as Rejected};
use loopwork_tasks::Promise;
use loopwork_threadsafe::ConcurrentFuture;
use loopwork_time::{Instant, Timers};

use crate::call_later::{TimerHandle, call_at};
use crate::current;
use crate::default_executor::DefaultExecutor;

/// A loop, from any thread, task or callback: create tasks, schedule callbacks, stop it, look at it.
///
/// Clones are of the same loop. Holding one keeps a loop neither running nor open.
///
/// asyncio: what `get_running_loop` gives.
#[derive(Clone)]
pub struct Handle(Arc<Parts>);

/// What a loop is made of, as far as all threads may use it.
#[derive(Debug)]
pub(crate) struct Parts {
    core: loopwork_core::Handle,
    timers: Timers,
    executor: DefaultExecutor,
}

impl Parts {
    pub(crate) fn new(core: loopwork_core::Handle, timers: Timers) -> Arc<Self> {
        Arc::new(Self { core, timers, executor: DefaultExecutor::new() })
    }
}

impl Handle {
    pub(crate) fn new(parts: Arc<Parts>) -> Self {
        Self(parts)
    }

    pub(crate) fn core(&self) -> &loopwork_core::Handle {
        &self.0.core
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.0.timers
    }

    pub(crate) fn executor(&self) -> &DefaultExecutor {
        &self.0.executor
    }

    /// The loop that runs on this thread.
    ///
    /// # Errors
    ///
    /// [`LoopError::NoRunningLoop`] on a thread that runs none: executors' threads among them.
    ///
    /// asyncio: `get_running_loop`.
    ///
    /// ```
    /// # fn main() -> Result<(), loopwork::LoopError> {
    /// assert!(loopwork::Handle::current().is_err());
    /// let workers = loopwork::run(async { loopwork::Handle::current().map(|h| h.workers()) })??;
    /// assert!(workers >= 1);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "get_running_loop")]
    #[doc(alias = "get_event_loop")]
    pub fn current() -> Result<Self, LoopError> {
        current::current()
    }

    /// Makes a task of `future` and schedules it. The loop need not run yet, and keeps the task
    /// alive until it ends.
    ///
    /// asyncio: `loop.create_task`.
    ///
    /// # Panics
    ///
    /// If the loop is closed; [`Handle::try_spawn`] hands the future back instead.
    #[track_caller]
    pub fn create_task<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.core().spawn(future)
    }

    /// [`Handle::create_task`] under its Rust name.
    ///
    /// # Panics
    ///
    /// As [`Handle::create_task`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.core().spawn(future)
    }

    /// Makes a task of `future`, and polls it at once if this thread is a worker of the loop: a
    /// future that never waits has ended when this returns, and was in no queue.
    ///
    /// The first poll has its own context, budget and panic boundary. Where more than 32 of these
    /// are nested, and on other threads, the task is scheduled as by [`Handle::spawn`].
    ///
    /// asyncio: `eager_start=True`, `eager_task_factory`.
    ///
    /// ```
    /// loopwork::run(async {
    ///     let task = loopwork::Handle::current().unwrap().spawn_eager(async { 6 * 7 });
    ///     assert!(task.done());
    /// })
    /// # .unwrap();
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
        self.core().spawn_eager(future)
    }

    /// Makes a task of a future that need not be `Send`: `make` is called on one of the background
    /// workers, and the future it gives is polled and dropped on that worker's thread only.
    ///
    /// For several such futures see [`LocalSet`](crate::LocalSet).
    ///
    /// ```
    /// use std::rc::Rc;
    /// use loopwork::EventLoop;
    ///
    /// let mut event_loop = EventLoop::builder().workers(2).build()?;
    /// let task = event_loop.handle().spawn_pinned(|| async { *Rc::new(42) });
    /// assert_eq!(event_loop.run_until_complete(task)??, 42);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// With `workers(1)`, whose worker belongs to whoever runs the loop and to no thread; or if the
    /// loop is closed.
    #[track_caller]
    pub fn spawn_pinned<M, F>(&self, make: M) -> Task<F::Output>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        self.core().spawn_pinned(make)
    }

    /// Makes tasks of many futures at once, in their order. From a thread that is no worker this
    /// costs one submission, however many they are.
    ///
    /// ```
    /// use loopwork::EventLoop;
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// let tasks = event_loop.handle().spawn_many((0..4).map(|n| async move { n * n }));
    /// let squares = event_loop.run_until_complete(loopwork::gather(tasks))??;
    /// assert_eq!(squares, [0, 1, 4, 9]);
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
        self.core().spawn_many(futures)
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
        self.core().try_spawn_many(futures)
    }

    /// As [`Handle::spawn`], but a closed loop is an error.
    ///
    /// # Errors
    ///
    /// Hands the future back if the loop is closed. A future that is accepted runs, or the loop
    /// closes first and its task says that it was cancelled.
    #[track_caller]
    pub fn try_spawn<F>(&self, future: F) -> Result<Task<F::Output>, SubmitError<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.core().try_spawn(future)
    }

    /// As [`Handle::try_spawn`], with a name.
    ///
    /// # Errors
    ///
    /// As [`Handle::try_spawn`].
    ///
    /// asyncio: `create_task(.., name=)`.
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
        self.core().try_spawn_named(name, future)
    }

    /// Makes a task with a name, or one that is polled at once.
    ///
    /// asyncio: the arguments of `loop.create_task`.
    ///
    /// ```
    /// let name = loopwork::run(async {
    ///     let handle = loopwork::Handle::current()?;
    ///     let task = handle.task().name("brewing").eager_start(true).spawn(async { "tea" });
    ///     assert!(task.done(), "it never waited");
    ///     Ok::<_, loopwork::LoopError>(task.name())
    /// })??;
    /// assert_eq!(name, "brewing");
    /// # Ok::<_, loopwork::LoopError>(())
    /// ```
    pub fn task(&self) -> TaskBuilder<'_> {
        self.core().task()
    }

    /// From now on `factory` is called for each task that is made, by whatever makes it: it may name the
    /// task, have it polled at once, count it. `None` restores the default, which does nothing.
    ///
    /// What was made by `create_task`, `gather`, a group, `run_until_complete` and the like is made by
    /// way of it; what a [`LocalSet`](crate::LocalSet) runs is not.
    ///
    /// asyncio: `loop.set_task_factory`; see [`TaskFactory`] for the difference.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use loopwork::{Handle, create_task, eager_task_factory};
    ///
    /// loopwork::run(async {
    ///     Handle::current().unwrap().set_task_factory(Some(Arc::new(eager_task_factory)));
    ///     assert!(create_task(async { 6 * 7 }).done());
    /// })?;
    /// # Ok::<_, loopwork::LoopError>(())
    /// ```
    pub fn set_task_factory(&self, factory: Option<TaskFactory>) {
        self.core().set_task_factory(factory);
    }

    /// The task factory, if one was set.
    ///
    /// asyncio: `loop.get_task_factory`.
    #[doc(alias = "get_task_factory")]
    #[must_use]
    pub fn task_factory(&self) -> Option<TaskFactory> {
        self.core().task_factory()
    }

    /// Makes a task of a future; a [`Task`] is given back as it is.
    ///
    /// # Errors
    ///
    /// Hands the future back if the loop is closed.
    ///
    /// asyncio: `ensure_future(.., loop=)`.
    #[track_caller]
    pub fn ensure_future<A: IntoTask>(
        &self,
        awaitable: A,
    ) -> Result<Task<A::Output>, SubmitError<A>> {
        awaitable.into_task(self.core(), Location::caller())
    }

    /// Makes a promise of this loop, which somebody sets and many await, from any thread.
    ///
    /// asyncio: `loop.create_future`.
    ///
    /// ```
    /// use loopwork::{EventLoop, Promise};
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// let answer: Promise<u32> = event_loop.handle().create_future();
    /// let set = answer.clone();
    /// event_loop.call_soon(move || set.set_result(42).unwrap());
    /// assert_eq!(event_loop.run_until_complete(answer)?.unwrap(), 42);
    /// # Ok::<_, loopwork::LoopError>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn create_future<T, E>(&self) -> Promise<T, E> {
        Promise::of(self.core().clone(), Location::caller())
    }

    /// Has the loop call `callback` soon: after all callbacks that became due before it, never two
    /// at a time. With `workers(1)`, also in one order with the steps of tasks.
    ///
    /// asyncio: `loop.call_soon`.
    ///
    /// # Panics
    ///
    /// If the loop is closed; [`Handle::call_soon_threadsafe`] hands the closure back instead.
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + Send + 'static) -> CallHandle {
        accepted(self.call_soon_threadsafe(callback), "`call_soon_threadsafe`")
    }

    /// [`Handle::call_soon`] for those who cannot know whether the loop is still open. Both may be
    /// called from any thread.
    ///
    /// # Errors
    ///
    /// Hands the closure back if the loop is closed. A callback that is accepted runs, or the loop
    /// closes first and its handle says that it was cancelled.
    ///
    /// asyncio: `loop.call_soon_threadsafe`.
    pub fn call_soon_threadsafe<F>(&self, callback: F) -> Result<CallHandle, SubmitError<F>>
    where
        F: FnOnce() + Send + 'static,
    {
        loopwork_threadsafe::call_soon_threadsafe(self.core(), callback)
    }

    /// Has the loop call `callback` after `delay`, in one order with all callbacks. Delays of any
    /// length are fine; those beyond five centuries never end.
    ///
    /// asyncio: `loop.call_later`.
    ///
    /// # Panics
    ///
    /// If the loop is closed; [`Handle::try_call_at`] hands the closure back instead.
    #[track_caller]
    pub fn call_later(
        &self,
        delay: Duration,
        callback: impl FnOnce() + Send + 'static,
    ) -> TimerHandle {
        accepted(self.try_call_at(self.time() + delay, callback), "`try_call_at`")
    }

    /// Has the loop call `callback` at `when`, or soon if that has passed. Equal deadlines are served
    /// in the order in which they were registered.
    ///
    /// asyncio: `loop.call_at`.
    ///
    /// # Panics
    ///
    /// If the loop is closed; [`Handle::try_call_at`] hands the closure back instead.
    #[track_caller]
    pub fn call_at(&self, when: Instant, callback: impl FnOnce() + Send + 'static) -> TimerHandle {
        accepted(self.try_call_at(when, callback), "`try_call_at`")
    }

    /// As [`Handle::call_at`], but a closed loop is an error.
    ///
    /// # Errors
    ///
    /// Hands the closure back if the loop is closed.
    pub fn try_call_at<F>(&self, when: Instant, callback: F) -> Result<TimerHandle, SubmitError<F>>
    where
        F: FnOnce() + Send + 'static,
    {
        call_at(self.core(), self.timers(), when, callback)
    }

    /// The loop's time. Never cached: it is fresh after blocking code.
    ///
    /// asyncio: `loop.time`.
    #[doc(alias = "loop.time")]
    #[must_use]
    pub fn time(&self) -> Instant {
        self.timers().now()
    }

    /// Ends the current run: polls under way and the callbacks that are due together with the
    /// current one are finished, the rest waits for the next run. Before a run it makes that run do
    /// only what is ready at its begin. From any thread.
    ///
    /// asyncio: `loop.stop`.
    #[doc(alias = "loop.stop")]
    pub fn stop(&self) {
        self.core().stop();
    }

    /// Whether a thread runs the loop.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.core().is_running()
    }

    /// Whether the loop was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.core().is_closed()
    }

    /// Whether this thread belongs to this loop.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.core().is_current()
    }

    /// How many workers the loop has.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.core().workers()
    }

    /// Every task that has not ended, in order of creation as far as there is one.
    ///
    /// asyncio: `all_tasks`.
    #[must_use]
    pub fn all_tasks(&self) -> Vec<AnyTask> {
        self.core().all_tasks()
    }

    /// What the workers have done so far.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.core().metrics()
    }

    /// Runs blocking `work` on an executor's thread, or on the loop's own executor: a
    /// [`ThreadPoolExecutor`](crate::executors::ThreadPoolExecutor) made on first use.
    ///
    /// What is returned can be awaited, or blocked on by a plain thread. Cancelling it prevents work
    /// that has not begun; work that has begun runs on, and its result is dropped. So it does when
    /// the loop closes.
    ///
    /// # Errors
    ///
    /// Hands the closure back if the executor, or the loop, does not accept work any more.
    ///
    /// asyncio: `loop.run_in_executor`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sum = loopwork::run(async {
    ///     let handle = loopwork::Handle::current()?;
    ///     let job = handle.run_in_executor(None, || (1..=10u32).sum::<u32>())?;
    ///     Ok::<_, Box<dyn std::error::Error>>(job.await?)
    /// })??;
    /// assert_eq!(sum, 55);
    /// # Ok(()) }
    /// ```
    pub fn run_in_executor<F, T>(
        &self,
        executor: Option<&dyn Executor>,
        work: F,
    ) -> Result<ConcurrentFuture<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let own;
        let executor = match executor {
            Some(executor) => executor,
            None => {
                own = self.executor().get();
                match &own {
                    Some(executor) => &**executor,
                    None => return Err(Rejected::new(work, RejectReason::ShutDown)),
                }
            }
        };
        let clock = self.timers().clock();
        let held = clock.is_virtual().then(|| clock.in_flight());
        let job = executor.submit(work)?;
        if held.is_some() {
            // Until the result is there, and those who wait for it are woken.
            job.add_done_callback(move |_| drop(held));
        }
        Ok(job)
    }

    /// Replaces the executor of `run_in_executor(None, ..)`. The one before is dropped, not shut
    /// down. After [`Handle::shutdown_default_executor`] it does nothing.
    ///
    /// asyncio: `loop.set_default_executor`.
    pub fn set_default_executor(&self, executor: Arc<dyn Executor>) {
        self.executor().set(executor);
    }

    /// Waits for the work of the loop's own executor, on a thread made for it, and accepts none
    /// from now on.
    ///
    /// Dropped half-way, the executor is shut down all the same.
    ///
    /// asyncio: `loop.shutdown_default_executor`.
    pub async fn shutdown_default_executor(&self) {
        let Some(executor) = self.executor().take() else { return };
        let (done, is_done) = loopwork_sync::oneshot::channel();
        let waiter = std::thread::Builder::new().name("loopwork-shutdown".to_owned());
        let waited = executor.clone();
        let spawned = waiter.spawn(move || {
            // This thread is none of the executor's, so that it can wait.
            let _done = waited.shutdown(true);
            let _nobody_listens = done.send(());
        });
        match spawned {
            Ok(_detached) => drop(is_done.await),
            Err(_no_thread) => _ = executor.shutdown(false),
        }
    }

    /// Replaces the exception handler; `None` restores the default, which prints.
    ///
    /// asyncio: `loop.set_exception_handler`.
    pub fn set_exception_handler(&self, handler: Option<ExceptionHandler>) {
        self.core().set_exception_handler(handler);
    }

    /// The exception handler, unless it is the default.
    ///
    /// asyncio: `loop.get_exception_handler`.
    #[doc(alias = "get_exception_handler")]
    #[must_use]
    pub fn exception_handler(&self) -> Option<ExceptionHandler> {
        self.core().exception_handler()
    }

    /// Calls the exception handler, here. One that panics is reported to the default one.
    ///
    /// asyncio: `loop.call_exception_handler`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use loopwork::{EventLoop, ExceptionContext};
    ///
    /// let event_loop = EventLoop::new()?;
    /// let (sender, reports) = std::sync::mpsc::channel();
    /// event_loop.set_exception_handler(Some(Arc::new(move |context| {
    ///     sender.send(context.to_string()).unwrap();
    /// })));
    /// let context = ExceptionContext::new("a page is lost").with_exception("no such page");
    /// event_loop.call_exception_handler(&context);
    /// assert_eq!(reports.recv().unwrap(), "a page is lost: no such page");
    /// # Ok::<_, loopwork::LoopError>(())
    /// ```
    pub fn call_exception_handler(&self, context: &ExceptionContext) {
        self.core().call_exception_handler(context);
    }

    /// Writes the report to standard error, as is done without a handler: for handlers that deal with
    /// some reports only.
    ///
    /// asyncio: `loop.default_exception_handler`.
    pub fn default_exception_handler(&self, context: &ExceptionContext) {
        default_exception_handler(context);
    }
}

#[track_caller]
fn accepted<T, F>(submitted: Result<T, SubmitError<F>>, instead: &str) -> T {
    match submitted {
        Ok(handle) => handle,
        Err(_refused) => panic!(
            "cannot schedule a callback: {}, or use {instead}, which hands the closure back",
            LoopError::Closed
        ),
    }
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
        self.core().fmt(f)
    }
}

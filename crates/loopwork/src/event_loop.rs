//! The loop itself.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use loopwork_core::{
    CallHandle, ExceptionContext, ExceptionHandler, LoopError, Runtime, Task, TaskFactory,
};
use loopwork_io::Reactor;
use loopwork_tasks::Promise;
use loopwork_time::{Clock, Instant, Timers};

use crate::background::BackgroundLoop;
use crate::call_later::TimerHandle;
use crate::drivers::Drivers;
use crate::handle::{Handle, Parts};

/// An event loop: tasks on all its workers, callbacks in one order, timers and I/O.
///
/// The thread that is inside [`run_until_complete`](EventLoop::run_until_complete) or
/// [`run_forever`](EventLoop::run_forever) is one of the workers; the others are threads that the
/// builder named. While no thread is inside, nothing runs. Several loops in one process are
/// independent. Dropping a loop closes it.
///
/// asyncio: `EventLoop`, which has one thread: there each core needs a loop of its own, and tasks stay where
/// they were made.
///
/// ```
/// use loopwork::EventLoop;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut event_loop = EventLoop::builder().workers(2).build()?;
/// let task = event_loop.create_task(async { 6 * 7 });
/// assert_eq!(event_loop.run_until_complete(task)??, 42);
/// event_loop.close();
/// # Ok(()) }
/// ```
#[doc(alias = "new_event_loop")]
pub struct EventLoop {
    runtime: Runtime<Drivers>,
    handle: Handle,
}

/// How an [`EventLoop`] is to be built.
#[derive(Clone)]
pub struct Builder {
    core: loopwork_core::Builder,
    thread_name: String,
    clock: Clock,
    exception_handler: Option<ExceptionHandler>,
}

impl Builder {
    /// How many workers run tasks: the calling thread of `run_*`, and `workers - 1` threads.
    ///
    /// With 1, the loop is asyncio's: one queue in which task steps and callbacks run in the order
    /// in which they were made ready. With more, there is no order among tasks, and callbacks keep
    /// theirs. The default is the machine's parallelism.
    ///
    /// # Panics
    ///
    /// If `workers` is 0.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.core = self.core.workers(workers);
        self
    }

    /// How the loop's threads are named, before a dash and their number. The default is `loopwork`.
    #[must_use]
    pub fn thread_name(mut self, prefix: &str) -> Self {
        self.core = self.core.thread_name(prefix);
        prefix.clone_into(&mut self.thread_name);
        self
    }

    /// With `workers(1)`: runs ready tasks in another legal order, the same one for the same seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.core = self.core.seed(seed);
        self
    }

    /// What clock the loop goes by. The default is [`Clock::real`]; under a
    /// [`Clock::virtual_time`] a program that only waits takes no time.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use loopwork::{Clock, EventLoop, sleep};
    ///
    /// let clock = Clock::virtual_time();
    /// let mut event_loop = EventLoop::builder().clock(clock.clone()).build()?;
    /// let start = clock.now();
    /// event_loop.run_until_complete(async {
    ///     sleep(Duration::from_secs(365 * 24 * 60 * 60)).await;
    /// })?;
    /// assert_eq!((clock.now() - start).as_secs(), 365 * 24 * 60 * 60);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the exception handler from the beginning: see [`Handle::set_exception_handler`].
    #[must_use]
    pub fn exception_handler(mut self, handler: ExceptionHandler) -> Self {
        self.exception_handler = Some(handler);
        self
    }

    /// Builds the loop. Its threads sleep until it runs.
    ///
    /// # Errors
    ///
    /// [`LoopError::Os`] if the operating system refuses a thread or a poller.
    ///
    /// # Panics
    ///
    /// If the [virtual clock](Builder::clock) has a loop already.
    pub fn build(self) -> Result<EventLoop, LoopError> {
        let timers = Timers::new(self.clock, self.core.worker_count());
        let drivers = Drivers::new(Reactor::new()?, timers.clone());
        let shared = drivers.shared();
        let mut handle = None;
        let runtime = self.core.build_with(drivers, |core| {
            let parts = Parts::new(core, timers);
            shared.set_parts(Arc::downgrade(&parts));
            handle = Some(Handle::new(parts));
        })?;
        let handle = handle.expect("`build_with` calls back once");
        handle.set_exception_handler(self.exception_handler);
        Ok(EventLoop { runtime, handle })
    }

    /// Builds the loop and runs it on threads of its own until the guard is dropped.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn start(self) -> Result<BackgroundLoop, LoopError> {
        let name = self.thread_name.clone();
        BackgroundLoop::start(self.build()?, &name)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

impl EventLoop {
    /// A loop with as many workers as the machine runs threads at once.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    ///
    /// asyncio: `new_event_loop`.
    pub fn new() -> Result<Self, LoopError> {
        Self::builder().build()
    }

    /// The way to a loop that is not the default one.
    #[must_use]
    pub fn builder() -> Builder {
        let workers = available_parallelism().map_or(1, NonZeroUsize::get);
        Builder {
            core: loopwork_core::Builder::new().workers(workers),
            thread_name: "loopwork".to_owned(),
            clock: Clock::real(),
            exception_handler: None,
        }
    }

    /// The loop, for other threads, tasks and callbacks.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs the loop until `future` is done, and gives its output.
    ///
    /// The future is polled on this thread only: it need be neither `Send` nor `'static`. When this
    /// returns, every worker rests. A [`Task`], a `&mut Task` and a `Pin<&mut F>` are futures too: by
    /// reference, what was stopped can go on in a later run.
    ///
    /// # Errors
    ///
    /// [`LoopError::Stopped`] if `stop()` came first, and [`LoopError::Cancelled`] if the future was
    /// cancelled as a task: then it was dropped. [`LoopError::Closed`] and [`LoopError::Nested`] if
    /// it could not begin.
    ///
    /// # Panics
    ///
    /// With the future's panic.
    ///
    /// asyncio: `loop.run_until_complete`.
    #[track_caller]
    pub fn run_until_complete<F: IntoFuture>(&mut self, future: F) -> Result<F::Output, LoopError> {
        self.runtime.block_on(future.into_future())
    }

    /// Runs the loop until [`stop`](Handle::stop).
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`] and [`LoopError::Nested`].
    ///
    /// asyncio: `loop.run_forever`.
    pub fn run_forever(&mut self) -> Result<(), LoopError> {
        self.runtime.run_forever()
    }

    /// As [`Handle::stop`]: the next run does only what is ready at its begin.
    pub fn stop(&self) {
        self.handle.stop();
    }

    /// Closes the loop: refuses new work, drops all tasks and callbacks that have not ended, and ends
    /// the threads. Closing twice does nothing.
    ///
    /// Work of the loop's own executor that has begun runs on; it is not waited for.
    ///
    /// asyncio: `loop.close`.
    pub fn close(&mut self) {
        self.runtime.close();
        self.handle.timers().close();
        if let Some(executor) = self.handle.executor().take() {
            let _cannot_fail_without_waiting = executor.shutdown(false);
        }
    }

    /// Whether a thread runs the loop: never seen from outside a run, since running borrows the loop.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.handle.is_running()
    }

    /// Whether the loop was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// As [`Handle::time`].
    #[must_use]
    pub fn time(&self) -> Instant {
        self.handle.time()
    }

    /// As [`Handle::set_exception_handler`].
    pub fn set_exception_handler(&self, handler: Option<ExceptionHandler>) {
        self.handle.set_exception_handler(handler);
    }

    /// As [`Handle::exception_handler`].
    #[doc(alias = "get_exception_handler")]
    #[must_use]
    pub fn exception_handler(&self) -> Option<ExceptionHandler> {
        self.handle.exception_handler()
    }

    /// As [`Handle::default_exception_handler`].
    pub fn default_exception_handler(&self, context: &ExceptionContext) {
        self.handle.default_exception_handler(context);
    }

    /// As [`Handle::call_exception_handler`].
    pub fn call_exception_handler(&self, context: &ExceptionContext) {
        self.handle.call_exception_handler(context);
    }

    /// As [`Handle::create_task`].
    ///
    /// # Panics
    ///
    /// If the loop is closed.
    #[track_caller]
    pub fn create_task<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.create_task(future)
    }

    /// As [`Handle::set_task_factory`].
    pub fn set_task_factory(&self, factory: Option<TaskFactory>) {
        self.handle.set_task_factory(factory);
    }

    /// As [`Handle::task_factory`].
    #[doc(alias = "get_task_factory")]
    #[must_use]
    pub fn task_factory(&self) -> Option<TaskFactory> {
        self.handle.task_factory()
    }

    /// As [`Handle::create_future`].
    #[must_use]
    #[track_caller]
    pub fn create_future<T, E>(&self) -> Promise<T, E> {
        self.handle.create_future()
    }

    /// As [`Handle::call_soon`].
    ///
    /// # Panics
    ///
    /// If the loop is closed.
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + Send + 'static) -> CallHandle {
        self.handle.call_soon(callback)
    }

    /// As [`Handle::call_later`].
    ///
    /// # Panics
    ///
    /// If the loop is closed.
    #[track_caller]
    pub fn call_later(
        &self,
        delay: Duration,
        callback: impl FnOnce() + Send + 'static,
    ) -> TimerHandle {
        self.handle.call_later(delay, callback)
    }

    /// As [`Handle::call_at`].
    ///
    /// # Panics
    ///
    /// If the loop is closed.
    #[track_caller]
    pub fn call_at(&self, when: Instant, callback: impl FnOnce() + Send + 'static) -> TimerHandle {
        self.handle.call_at(when, callback)
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.runtime.fmt(f)
    }
}

//! The owner of a loop's threads.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{Location, resume_unwind};
use std::sync::Arc;

use loopwork_shim::sync::Mutex;
use loopwork_shim::thread::{self, JoinHandle};

use crate::current::Entered;
use crate::driver::{Driver, DriverHandle};
use crate::error::LoopError;
use crate::handle::Handle;
use crate::scheduler::{self, Shared, Spawn, Worker};
use crate::task::{Kind, RawTask, Task};

/// How a [`Runtime`] is to be built.
#[derive(Debug, Clone)]
pub struct Builder {
    workers: usize,
    thread_name: String,
    seed: Option<u64>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// One worker, unshuffled; threads are named `loopwork-<index>`.
    #[must_use]
    pub fn new() -> Self {
        Self { workers: 1, thread_name: "loopwork".to_owned(), seed: None }
    }

    /// How many workers run tasks, the calling thread of `block_on` included.
    ///
    /// # Panics
    ///
    /// If `workers` is 0.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        assert!(workers > 0, "a loop needs at least one worker: give `workers(1)` or more");
        self.workers = workers;
        self
    }

    /// How many workers were asked for.
    #[doc(hidden)]
    #[must_use]
    pub fn worker_count(&self) -> usize {
        self.workers
    }

    /// How background threads are named, before a dash and their index.
    #[must_use]
    pub fn thread_name(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.thread_name);
        self
    }

    /// With one worker: run ready tasks in another legal order, the same for the same seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Creates the background threads, which sleep until the loop runs.
    ///
    /// # Errors
    ///
    /// If the operating system refuses a thread.
    pub fn build<D: Driver>(self, driver: D) -> io::Result<Runtime<D>> {
        self.build_with(driver, |_| ())
    }

    /// As [`Builder::build`]; `prepare` is called before any worker enters the driver.
    #[doc(hidden)]
    pub fn build_with<D: Driver>(
        self,
        driver: D,
        prepare: impl FnOnce(Handle),
    ) -> io::Result<Runtime<D>> {
        let handle = driver.handle();
        let driver = Some(Arc::new(Mutex::new(driver)));
        let (shared, queues) = scheduler::new(self.workers, handle.clone());
        prepare(Handle::new(shared.clone()));
        let mut workers = queues
            .into_iter()
            .enumerate()
            .map(|(index, queue)| Worker::new(index, shared.clone(), queue, self.seed));
        let root = workers.next().expect("at least one worker");
        let background: Vec<_> = workers.collect();
        let mut runtime = Runtime { shared, worker: root, driver, handle, threads: Vec::new() };
        for worker in background {
            // On failure the threads there are end with the runtime.
            let thread = runtime.spawn_background(worker, &self.thread_name)?;
            runtime.threads.push(thread);
        }
        Ok(runtime)
    }
}

/// A loop: its threads, its driver, and the worker that the calling thread becomes.
///
/// Dropping it closes it.
pub struct Runtime<D: Driver> {
    shared: Arc<Shared>,
    worker: Worker,
    /// None once the loop is closed.
    driver: Option<Arc<Mutex<D>>>,
    handle: Arc<dyn DriverHandle>,
    threads: Vec<JoinHandle<()>>,
}

impl<D: Driver> Runtime<D> {
    /// The end that any thread may hold.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(self.shared.clone())
    }

    /// Runs the loop until `future` is done, and gives its output. The future is a task like any
    /// other, but polled on this thread only: it need be neither `Send` nor `'static`.
    ///
    /// When this returns, nothing of the loop runs.
    ///
    /// # Errors
    ///
    /// [`LoopError::Stopped`] and [`LoopError::Cancelled`], when the future was dropped before it
    /// was done; [`LoopError::Closed`] and [`LoopError::Nested`], when it never began.
    ///
    /// # Panics
    ///
    /// With the future's panic.
    #[track_caller]
    pub fn block_on<F: Future>(&mut self, future: F) -> Result<F::Output, LoopError> {
        let location = Location::caller();
        self.run(|runtime, driver| {
            let spawn = runtime.shared.factory.consult(Spawn::new(Kind::Root, location));
            // The root's future and output may borrow: `Root` ends them before this returns.
            let raw = runtime.shared.spawn(future, spawn).map_err(|_| LoopError::Closed)?;
            let root = Root { task: Task::<F::Output>::new(raw) };
            runtime.worker.run(driver, Some(root.task.raw()));
            root.finish()
        })?
    }

    /// Runs the loop until [`Handle::stop`].
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`] and [`LoopError::Nested`].
    pub fn run_forever(&mut self) -> Result<(), LoopError> {
        self.run(|runtime, driver| runtime.worker.run(driver, None))
    }

    fn run<R>(&mut self, body: impl FnOnce(&Self, &Mutex<D>) -> R) -> Result<R, LoopError> {
        let driver = self.driver.as_ref().ok_or(LoopError::Closed)?;
        let entered = Entered::new(&self.worker).ok_or(LoopError::Nested)?;
        let blocking = loopwork_context::forbid_blocking();
        let guards = self.handle.enter(0);
        let running = Running::begin(&self.shared);
        let result = body(self, driver);
        drop((running, guards, blocking, entered));
        Ok(result)
    }

    /// Closes the loop: see the phases in `scheduler/README.md`. Tasks and callbacks that have not
    /// ended are dropped, and their handles say that they were cancelled. Closing twice does
    /// nothing.
    pub fn close(&mut self) {
        if self.shared.closed.get() {
            return;
        }
        self.shared.refuse();
        self.shared.exit();
        for thread in self.threads.drain(..) {
            // A background thread does not panic: tasks, callbacks and handlers are caught.
            let ended = thread.join();
            debug_assert!(ended.is_ok() || std::thread::panicking(), "a worker panicked");
        }
        self.shared.drop_tasks();
        self.driver = None;
    }

    fn spawn_background(&self, worker: Worker, name: &str) -> io::Result<JoinHandle<()>> {
        let (driver, handle) = (self.driver.clone().expect("open"), self.handle.clone());
        thread::Builder::new().name(format!("{name}-{}", worker.index())).spawn(move || {
            let _entered = Entered::new(&worker);
            let _blocking = loopwork_context::forbid_blocking();
            let _driver = handle.enter(worker.index());
            worker.background(&driver);
        })
    }
}

impl<D: Driver> Drop for Runtime<D> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<D: Driver> fmt::Debug for Runtime<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

/// The time between the begin and the end of a run.
struct Running<'a>(&'a Shared);

impl<'a> Running<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.running.set(true);
        Self(shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.set(false);
    }
}

/// The task of `block_on`. When it is dropped its future and output are gone, whatever they borrow.
struct Root<T> {
    task: Task<T>,
}

impl<T> Root<T> {
    fn finish(self) -> Result<T, LoopError> {
        if !self.task.done() {
            return Err(LoopError::Stopped);
        }
        match self.task.take_result() {
            Ok(output) => Ok(output),
            Err(error) => match error.into_panic() {
                Ok(payload) => {
                    drop(self);
                    resume_unwind(payload)
                }
                Err(_) => Err(LoopError::Cancelled),
            },
        }
    }
}

impl<T> Drop for Root<T> {
    fn drop(&mut self) {
        let raw: &RawTask = self.task.raw();
        // All workers rest, so nobody polls the root, and this is the thread that may drop it.
        raw.shut_down();
        // An output that `finish` did not take goes now; later it might outlive what it borrows.
        drop(self.task.take_result());
    }
}

//! The inside, for the models in `loom-tests`: the same code, driven step by step.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use loopwork_shim::sync::Mutex;

use crate::current::Entered;
use crate::driver::{Driver, DriverHandle, Quiet, SleepDriver};
use crate::exception::ExceptionHandler;
use crate::flag::Flag as Inner;
use crate::handle::Handle;
use crate::scheduler::{
    self, Idle as InnerIdle, Parker as InnerParker, Shared, Spawn, Worker as InnerWorker,
};
use crate::task::{Kind, RawTask, Task};

/// A loop without threads of its own.
#[derive(Debug, Clone)]
pub struct Loop {
    shared: Arc<Shared>,
    driver: Arc<Mutex<SleepDriver>>,
}

/// One worker of a [`Loop`], on whichever modelled thread.
#[derive(Debug)]
pub struct Worker {
    inner: InnerWorker,
    driver: Arc<Mutex<SleepDriver>>,
}

impl Loop {
    /// A loop and its workers. A report to its exception handler fails the model.
    pub fn new(workers: usize) -> (Self, Vec<Worker>) {
        Self::with_handle(workers, |handle| handle)
    }

    /// With another handle of its driver, which stands on the one that is given.
    pub fn with_handle(
        workers: usize,
        handle: impl FnOnce(Arc<dyn DriverHandle>) -> Arc<dyn DriverHandle>,
    ) -> (Self, Vec<Worker>) {
        let driver = SleepDriver::new();
        let (shared, queues) = scheduler::new(workers, handle(driver.handle()));
        let handler: ExceptionHandler = Arc::new(|context| {
            eprintln!("reported in a model: {context}");
            std::process::abort();
        });
        shared.exceptions.set(Some(handler));
        let driver = Arc::new(Mutex::new(driver));
        let workers = queues
            .into_iter()
            .enumerate()
            .map(|(index, queue)| Worker {
                inner: InnerWorker::new(index, shared.clone(), queue, None),
                driver: driver.clone(),
            })
            .collect();
        (Self { shared, driver }, workers)
    }

    pub fn handle(&self) -> Handle {
        Handle::new(self.shared.clone())
    }

    /// A task that only worker 0 may poll.
    pub fn spawn_root<F: Future>(&self, future: F) -> Task<F::Output> {
        let spawn = Spawn::new(Kind::Root, Location::caller());
        let raw: RawTask = self.shared.spawn(future, spawn).map_err(|_| ()).expect("open");
        Task::new(raw)
    }

    /// Runs the loop on worker 0, which `worker` is, until `root` has ended or `stop()`.
    pub fn run<T>(&self, worker: &Worker, root: Option<&Task<T>>) {
        let _entered = Entered::new(&worker.inner);
        worker.inner.run(&self.driver, root.map(Task::raw));
    }

    /// What `close()` does, with no background thread to join.
    pub fn close(&self) {
        self.shared.refuse();
        self.shared.drop_tasks();
    }

    /// Lets background workers leave their sleep.
    pub fn resume(&self) {
        self.shared.resume();
    }

    /// Returns when all workers but worker 0 rest.
    pub fn rest(&self) {
        self.shared.rest();
    }

    pub fn exit(&self) {
        self.shared.exit();
    }

    /// Puts a worker that has no thread on the stack of sleepers.
    pub fn announce(&self, worker: usize) {
        let _last = self.shared.idle.announce(worker, false);
    }

    /// Whether no `Runnable` is left anywhere.
    pub fn is_drained(&self) -> bool {
        self.shared.is_drained()
    }
}

impl Worker {
    /// The life of a background worker.
    pub fn background(&self) {
        let _entered = Entered::new(&self.inner);
        self.inner.background(&self.driver);
    }

    /// As after many short polls: it queues tasks together.
    pub fn finds_polls_cheap(&self) {
        self.inner.finds_polls_cheap();
    }

    /// Runs so many tasks, as far as they are ready, one right after the other.
    pub fn run_in_a_row(&self, tasks: usize) {
        let _entered = Entered::new(&self.inner);
        self.inner.run_in_a_row(tasks);
    }

    /// Runs what only worker 0 may run, which this is, until nothing of it is ready.
    pub fn run_pinned(&self) {
        let _entered = Entered::new(&self.inner);
        while self.inner.run_pinned() {}
    }

    /// Whether nothing is to be done, as the driver asks that this worker has.
    pub fn quiet(&self) -> Option<Quiet> {
        self.inner.quiet()
    }

    /// Runs one ready task. False if there is none.
    pub fn run_one(&self) -> bool {
        let _entered = Entered::new(&self.inner);
        self.inner.run_one()
    }
}

impl Worker {
    /// Makes a task ready on this worker, as if a task of its own had spawned it.
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let _entered = Entered::new(&self.inner);
        Handle::new(self.inner.shared().clone()).spawn(future)
    }

    /// Does what a task of this worker would do.
    pub fn does<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = Entered::new(&self.inner);
        f()
    }

    /// As `block_in_place` begins: what is ready here is for others.
    pub fn give_way(&self) {
        self.inner.give_way();
    }

    /// Runs what another worker, which counts as stuck, has in hand. False if it had nothing.
    pub fn rescue(&self, victim: usize) -> bool {
        let _entered = Entered::new(&self.inner);
        self.inner.rescue(victim)
    }
}

/// Who sleeps and who searches, alone.
#[derive(Debug)]
pub struct Idle(InnerIdle);

impl Idle {
    /// Of a loop that runs.
    pub fn new(workers: usize) -> Self {
        let idle = InnerIdle::new(workers);
        idle.resume();
        Self(idle)
    }

    pub fn announce(&self, worker: usize) {
        let _last = self.0.announce(worker, false);
    }

    /// As a worker that searched until now.
    pub fn announce_searcher(&self, worker: usize) {
        let _last = self.0.announce(worker, true);
    }

    pub fn begin_search(&self) -> bool {
        self.0.begin_search()
    }

    /// Whether somebody is to be woken.
    pub fn notify_after_push(&self) -> bool {
        self.0.notify_after_push().is_some()
    }

    pub fn end_search(&self) -> bool {
        self.0.end_search()
    }
}

/// A parker whose driver is never asked.
#[derive(Debug)]
pub struct Parker(InnerParker);

struct NoDriver;

impl DriverHandle for NoDriver {
    fn unpark(&self) {
        unreachable!("nobody parks in the driver");
    }
}

impl Default for Parker {
    fn default() -> Self {
        Self(InnerParker::new())
    }
}

impl Parker {
    pub fn park(&self) {
        self.0.park(None);
    }

    pub fn unpark(&self) {
        self.0.unpark(&NoDriver);
    }
}

/// The flag that `stop()` sets.
#[derive(Debug, Default)]
pub struct Flag(Inner);

impl Flag {
    pub fn set(&self, value: bool) {
        self.0.set(value);
    }

    pub fn get(&self) -> bool {
        self.0.get()
    }
}

//! The scheduler. `README.md` beside this file has the protocols and their proofs.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | `Shared`: what all threads of a loop share; where a `Runnable` goes |
//! | `worker.rs` | the loop of a worker |
//! | `queue.rs` | local queues and the injector |
//! | `idle.rs` | who sleeps, who searches, who watches |
//! | `parker.rs` | how one worker blocks |
//! | `lane.rs` | the callback lane |
//! | `close.rs` | the phases of `close()` |

mod close;
mod idle;
mod lane;
mod parker;
mod queue;
mod worker;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use loopwork_shim::sync::Mutex;
use loopwork_shim::weaken;

use self::idle::Idle;
use self::lane::{Lane, Once};
use self::parker::Parker;
pub(crate) use self::queue::LocalQueue;
use self::queue::{Injector, Stealer};
pub(crate) use self::worker::Worker;
use crate::callback::Callback;
use crate::current;
use crate::driver::DriverHandle;
use crate::exception::Exceptions;
use crate::metrics::Counters;
use crate::registry::Registry;
use crate::task::{Birth, Kind, RawTask, Runnable, TaskId};

/// What all threads of a loop share.
pub(crate) struct Shared {
    /// What others need of each worker.
    remotes: Box<[CachePadded<Remote>]>,
    injector: Injector,
    /// Steps of the root, which only worker 0 may run.
    pinned: Pinned,
    idle: Idle,
    lane: Lane,
    pub(crate) registry: Registry,
    pub(crate) exceptions: Exceptions,
    driver: Arc<dyn DriverHandle>,
    ids: AtomicU64,
    /// Somebody asked the loop to stop; workers read it between two polls.
    stop: AtomicBool,
    /// A thread is inside `run_*`.
    running: AtomicBool,
    closed: AtomicBool,
    /// Background threads end.
    exit: AtomicBool,
}

struct Remote {
    stealer: Stealer,
    parker: Parker,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Pinned {
    queue: Mutex<VecDeque<Runnable>>,
    len: AtomicUsize,
}

/// A new loop's shared part, and the queue of each worker.
pub(crate) fn new(workers: usize, driver: Arc<dyn DriverHandle>) -> (Arc<Shared>, Vec<LocalQueue>) {
    let (queues, remotes) = (0..workers)
        .map(|_| {
            let (queue, stealer) = LocalQueue::new();
            let counters = Counters::default();
            (queue, CachePadded::new(Remote { stealer, parker: Parker::new(), counters }))
        })
        .unzip::<_, _, Vec<_>, Vec<_>>();
    let shared = Arc::new(Shared {
        remotes: remotes.into_boxed_slice(),
        injector: Injector::new(),
        pinned: Pinned { queue: Mutex::default(), len: AtomicUsize::new(0) },
        idle: Idle::new(workers),
        lane: Lane::default(),
        // The last shard is for tasks that are spawned from outside.
        registry: Registry::new(workers + 1),
        exceptions: Exceptions::default(),
        driver,
        ids: AtomicU64::new(1),
        stop: AtomicBool::new(false),
        running: AtomicBool::new(false),
        closed: AtomicBool::new(false),
        exit: AtomicBool::new(false),
    });
    if workers > 1 {
        lane::start(&shared);
    }
    (shared, queues)
}

/// What a task may be given at birth.
#[derive(Debug)]
pub(crate) struct Spawn {
    pub(crate) kind: Kind,
    pub(crate) location: &'static Location<'static>,
    pub(crate) name: Option<Box<str>>,
}

impl Shared {
    /// Creates a task and makes it ready, or hands the future back if the loop is closed. The
    /// reference and the handle count that are returned are those of a `Task`.
    ///
    /// The caller answers for what `RawTask::allocate` asks.
    pub(crate) fn spawn<F: Future>(
        self: &Arc<Self>,
        future: F,
        spawn: Spawn,
    ) -> Result<RawTask, F> {
        let Spawn { kind, location, name } = spawn;
        let (shard, id) = current::with_worker_of(self, |worker| {
            let id = match worker {
                _ if kind == Kind::Internal => 0,
                Some(worker) => worker.next_id(),
                None => self.ids(1),
            };
            (worker.map_or(self.workers(), Worker::index), id)
        });
        let birth = Birth { shared: self.clone(), id: TaskId(id), kind, shard, location, name };
        let (task, entry, runnable) = RawTask::allocate(future, birth);
        match self.registry.insert(entry) {
            Ok(()) => {
                self.schedule(runnable);
                Ok(task)
            }
            Err(entry) => {
                // SAFETY: the three are all the references, and `F` is the future's type.
                Err(unsafe { RawTask::dismantle::<F>(task, entry, runnable) })
            }
        }
    }

    /// Makes a callback due: into the lane, or into the one queue of `workers(1)`.
    pub(crate) fn call_soon(self: &Arc<Self>, callback: Callback) -> Result<(), Callback> {
        if self.workers() > 1 {
            return self.lane.push(callback);
        }
        let once = Once::new(self.clone(), callback);
        let spawn = Spawn { kind: Kind::Internal, location: Location::caller(), name: None };
        match self.spawn(once, spawn) {
            Ok(task) => {
                // Detached, as if its `Task` had been dropped.
                task.drop_handle();
                Ok(())
            }
            Err(once) => Err(once.into_callback()),
        }
    }

    /// Puts a ready task where it belongs: see the table in the README.
    pub(crate) fn schedule(self: &Arc<Self>, runnable: Runnable) {
        current::with_worker_of(self, |worker| {
            if runnable.task().header().kind == Kind::Root && self.workers() > 1 {
                self.pinned.push(runnable);
                if worker.is_none_or(|worker| worker.index() != 0) {
                    self.unpark(0);
                }
                return;
            }
            match worker {
                Some(worker) => worker.push(runnable),
                None => self.inject(runnable),
            }
        });
    }

    fn inject(&self, runnable: Runnable) {
        self.injector.push(runnable);
        if self.workers() == 1 {
            self.unpark(0);
        } else if let Some(worker) = self.idle.notify_after_push() {
            self.unpark(worker);
        }
    }

    fn unpark(&self, worker: usize) {
        self.remotes[worker].parker.unpark(&*self.driver);
    }

    /// Ends the current run, or makes the next one run only what is ready.
    pub(crate) fn stop(&self) {
        // Ordering: Release: pairs with the Acquire in `stopping`: what came before `stop()` is
        // visible to what runs after the loop has stopped. The unpark below orders the sleepers.
        self.stop.store(true, Ordering::Release);
        self.unpark(0);
    }

    fn stopping(&self) -> bool {
        // Ordering: Acquire, see `stop`.
        self.stop.load(Ordering::Acquire)
    }

    pub(crate) fn workers(&self) -> usize {
        self.remotes.len()
    }

    pub(crate) fn is_running(&self) -> bool {
        // Ordering: Acquire, here and below: what the run did before it ended is visible to who
        // sees that it ended.
        self.running.load(Ordering::Acquire)
    }

    pub(crate) fn set_running(&self, running: bool) {
        // Ordering: Release, see `is_running`.
        self.running.store(running, Ordering::Release);
    }

    /// Drops a stale step of a root that has ended.
    pub(crate) fn collect_root(&self) {
        while let Some(runnable) = self.pinned.pop() {
            drop(runnable);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn counters(&self) -> impl Iterator<Item = &Counters> {
        self.remotes.iter().map(|remote| &remote.counters)
    }

    /// The first of `n` fresh task ids.
    fn ids(&self, n: u64) -> u64 {
        // Ordering: Relaxed: only that no two callers get the same matters.
        self.ids.fetch_add(n, Ordering::Relaxed)
    }

    /// Whether there is anything for worker `index` to take.
    fn has_work(&self, index: usize) -> bool {
        (index == 0 && self.pinned.len() > 0)
            || !self.injector.is_empty()
            || self.remotes.iter().any(|remote| !remote.stealer.is_empty())
    }
}

impl Pinned {
    fn push(&self, runnable: Runnable) {
        let mut queue = self.queue.lock();
        queue.push_back(runnable);
        // Ordering: Release: pairs with `len`; the unpark that follows orders a sleeper.
        self.len.store(queue.len(), weaken!("pinned-len", Ordering::Release => Ordering::Relaxed));
    }

    fn pop(&self) -> Option<Runnable> {
        if self.len() == 0 {
            return None;
        }
        let mut queue = self.queue.lock();
        let runnable = queue.pop_front();
        self.len.store(queue.len(), Ordering::Release);
        runnable
    }

    fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loop")
            .field("workers", &self.workers())
            .field("running", &self.is_running())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

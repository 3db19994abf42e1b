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
use loopwork_shim::atomic::{AtomicU64, AtomicUsize, Ordering};
use loopwork_shim::sync::Mutex;

pub(crate) use self::idle::Idle;
use self::idle::Notified;
use self::lane::{Lane, Once};
pub(crate) use self::parker::Parker;
pub(crate) use self::queue::LocalQueue;
use self::queue::{Injector, Stealer};
pub(crate) use self::worker::Worker;
use crate::callback::Callback;
use crate::current;
use crate::driver::DriverHandle;
use crate::exception::Exceptions;
use crate::flag::Flag;
use crate::metrics::Counters;
use crate::task::arena::{self, Arena};
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
    pub(crate) arena: Arena,
    pub(crate) exceptions: Exceptions,
    driver: Arc<dyn DriverHandle>,
    ids: AtomicU64,
    /// Somebody asked the loop to stop; workers read it between two polls.
    stop: Flag,
    /// A thread is inside `run_*`.
    pub(crate) running: Flag,
    pub(crate) closed: Flag,
    /// Background threads end.
    exit: Flag,
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
        arena: Arena::new(),
        exceptions: Exceptions::default(),
        driver,
        ids: AtomicU64::new(1),
        stop: Flag::default(),
        running: Flag::default(),
        closed: Flag::default(),
        exit: Flag::default(),
    });
    arena::keep(&shared);
    if workers > 1 {
        lane::start(&shared);
    }
    (shared, queues)
}

/// Why a task is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is new.
    Spawn,
    /// Its waker was called, or it was cancelled.
    Wake,
    /// What it awaited has ended: a task, or several.
    Join,
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
    /// reference that is returned is that of a `Task`.
    ///
    /// The caller answers for what `RawTask::spawn` asks.
    pub(crate) fn spawn<F: Future>(
        self: &Arc<Self>,
        future: F,
        spawn: Spawn,
    ) -> Result<RawTask, F> {
        let Spawn { kind, location, name } = spawn;
        let (task, runnable) = current::with_worker_of(self, |worker| {
            let id = match worker {
                _ if kind == Kind::Internal => 0,
                Some(worker) => worker.next_id(),
                None => self.ids(1),
            };
            RawTask::spawn(self, worker, future, Birth { id: TaskId(id), kind, location, name })
        })?;
        self.schedule(runnable, Origin::Spawn);
        Ok(task)
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
    pub(crate) fn schedule(self: &Arc<Self>, runnable: Runnable, _: Origin) {
        current::with_worker_of(self, |worker| {
            if self.is_pinned(&runnable) {
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

    /// Whether only worker 0 may run it, from a queue of its own. With one worker there is one queue.
    fn is_pinned(&self, runnable: &Runnable) -> bool {
        runnable.task().header().kind() == Kind::Root && self.workers() > 1
    }

    fn inject(&self, runnable: Runnable) {
        self.injector.push(runnable);
        if self.workers() == 1 {
            self.unpark(0);
        } else {
            self.unpark_notified(self.idle.notify_after_push());
        }
    }

    fn unpark_notified(&self, notified: Option<Notified>) {
        if let Some(Notified { worker, watcher }) = notified {
            self.unpark(worker);
            if let Some(watcher) = watcher {
                self.unpark(watcher);
            }
        }
    }

    fn unpark(&self, worker: usize) {
        self.remotes[worker].parker.unpark(&*self.driver);
    }

    /// Lets the other workers run, from worker 0.
    pub(crate) fn resume(&self) {
        if let Some(watcher) = self.idle.resume() {
            self.unpark(watcher);
        }
    }

    /// Waits until the other workers rest, on worker 0.
    pub(crate) fn rest(&self) {
        // Siblings read this between two polls; then nothing runs.
        self.stop.set(true);
        self.idle.rest();
        // Who still blocks in the driver gives it up.
        self.driver.unpark();
    }

    /// Ends the current run, or makes the next one run only what is ready.
    pub(crate) fn stop(&self) {
        self.stop.set(true);
        self.unpark(0);
    }

    pub(crate) fn workers(&self) -> usize {
        self.remotes.len()
    }

    /// Drops a stale step of a root that has ended.
    pub(crate) fn collect_root(&self) {
        while let Some(runnable) = self.pinned.pop() {
            drop(runnable);
        }
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
    pub(crate) fn has_work(&self, index: usize) -> bool {
        (index == 0 && self.pinned.len() > 0)
            || !self.injector.is_empty()
            || self.remotes.iter().any(|remote| !remote.stealer.is_empty())
    }
}

impl Pinned {
    fn push(&self, runnable: Runnable) {
        let mut queue = self.queue.lock();
        queue.push_back(runnable);
        // Ordering: Relaxed, here and below: a hint. The queue is behind its lock, and the unpark
        // that follows a push orders it for a worker that sleeps.
        self.len.store(queue.len(), Ordering::Relaxed);
    }

    fn pop(&self) -> Option<Runnable> {
        if self.len() == 0 {
            return None;
        }
        let mut queue = self.queue.lock();
        let runnable = queue.pop_front();
        self.len.store(queue.len(), Ordering::Relaxed);
        runnable
    }

    fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loop")
            .field("workers", &self.workers())
            .field("running", &self.running.get())
            .field("closed", &self.closed.get())
            .finish_non_exhaustive()
    }
}

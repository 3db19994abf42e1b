//! The scheduler. `README.md` beside this file has the protocols and their proofs.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | `Shared`: what all threads of a loop share; where a `Runnable` goes |
//! | `worker.rs` | the loop of a worker |
//! | `find.rs` | where a worker finds tasks of others |
//! | `publish.rs` | making tasks ready and stealable, and waking others for them |
//! | `iterations.rs` | the loop of an only worker |
//! | `sleep.rs` | a worker without work |
//! | `hand.rs` | the tasks that a worker has not made stealable yet |
//! | `queue.rs` | the deque of a worker, a queue of chains |
//! | `inbox.rs` | what comes from other threads |
//! | `pace.rs` | how long polls take |
//! | `watch.rs` | who is stuck, and who calls in vain |
//! | `idle.rs` | who sleeps, who searches, who watches |
//! | `parker.rs` | how one worker blocks |
//! | `lane.rs` | the callback lane |
//! | `close.rs` | the phases of `close()` |

mod close;
mod find;
mod hand;
mod idle;
mod inbox;
mod iterations;
mod lane;
mod pace;
mod parker;
mod publish;
mod queue;
mod sleep;
mod watch;
mod worker;

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicU64, AtomicUsize, Ordering};
use loopwork_shim::clock::Clock;
use loopwork_shim::spin::processors;

use self::hand::Hand;
pub(crate) use self::idle::Idle;
use self::idle::Notified;
use self::inbox::Inbox;
use self::lane::{Lane, Once};
pub(crate) use self::parker::Parker;
pub(crate) use self::queue::LocalQueue;
use self::queue::{LocalStealer, Queue, Stealer};
pub(crate) use self::worker::Worker;
use crate::callback::Callback;
use crate::current;
use crate::driver::DriverHandle;
use crate::exception::Exceptions;
use crate::factory::Factory;
use crate::flag::Flag;
use crate::metrics::{Counter, Counters};
use crate::task::arena::{self, Arena};
use crate::task::{Birth, Chain, Fifo, Kind, Ran, RawTask, Runnable, Stack, TaskId};

/// Polls that take less on average, in nanoseconds, are not worth stealing.
const CHEAP: u64 = 250;

/// What all threads of a loop share.
pub(crate) struct Shared {
    /// What others need of each worker.
    remotes: Box<[Arc<CachePadded<Remote>>]>,
    inbox: Inbox,
    /// The lane's task while it is ready, with more than one worker.
    lane_ready: Stack,
    pub(crate) idle: Idle,
    lane: Lane,
    pub(crate) arena: Arena,
    pub(crate) exceptions: Exceptions,
    pub(crate) factory: Factory,
    driver: Arc<dyn DriverHandle>,
    /// Alone on its line, which whoever spawns writes: all workers read what lies around.
    ids: CachePadded<AtomicU64>,
    /// How many tasks were pinned.
    homes: AtomicUsize,
    clock: Clock,
    /// There is a processor for each worker.
    may_spin: bool,
    /// Somebody asked the loop to stop; workers read it between two polls.
    stop: Flag,
    /// A thread is inside `run_*`.
    pub(crate) running: Flag,
    pub(crate) closed: Flag,
    /// Background threads end.
    exit: Flag,
}

/// What others see of a worker. Counters have one writer, the worker itself, unless they say
/// otherwise.
struct Remote {
    stealer: LocalStealer,
    hand: Hand,
    counters: Counters,
    /// Nanoseconds a poll, of late.
    average: Counter,
    /// What a thief found a poll of its tasks to take. Written by thieves; zero once it was read.
    told: Counter,
    /// When it last read its clock.
    sampled: Counter,
    notice: Notice,
    /// How long it waits after a call for help before it calls again, in nanoseconds. Written by who
    /// followed its calls.
    backoff: Counter,
    /// Until when nobody takes anything from it, since what was taken collided with what stayed. Written
    /// by thieves.
    alone: Counter,
    /// Who called it.
    woken_by: Caller,
    /// Tasks that only this worker may run.
    pinned: Stack,
    parker: Parker,
}

/// A worker's last call for help.
#[derive(Debug, Default)]
struct Notice {
    /// How many polls it had made.
    polls: Counter,
    at: Counter,
    /// How long after the call before.
    after: Counter,
}

/// The index of a worker, or none.
#[derive(Debug)]
struct Caller(AtomicUsize);

impl Notice {
    fn write(&self, polls: u64, at: u64) {
        self.after.set(at - self.at.get());
        self.polls.set(polls);
        self.at.set(at);
    }
}

impl Caller {
    const NOBODY: usize = usize::MAX;

    /// Before the unpark, which orders it for who is called.
    fn set(&self, worker: usize) {
        self.0.store(worker, Ordering::Relaxed);
    }

    fn take(&self) -> Option<usize> {
        let caller = self.0.load(Ordering::Relaxed);
        self.0.store(Self::NOBODY, Ordering::Relaxed);
        (caller != Self::NOBODY).then_some(caller)
    }
}

impl Remote {
    fn new(stealer: LocalStealer) -> Self {
        let average = Counter::default();
        average.set(pace::UNKNOWN);
        Self {
            stealer,
            hand: Hand::new(),
            counters: Counters::default(),
            average,
            told: Counter::default(),
            sampled: Counter::default(),
            notice: Notice::default(),
            backoff: Counter::default(),
            alone: Counter::default(),
            woken_by: Caller(AtomicUsize::new(Caller::NOBODY)),
            pinned: Stack::new(),
            parker: Parker::new(),
        }
    }

    /// Whether there is something to steal, and it pays to steal it.
    fn is_attractive(&self) -> bool {
        !self.stealer.is_empty() && self.average.get() >= CHEAP && !self.is_left_alone()
    }

    /// Whether what is here is to stay together. It is asked by its own clock.
    fn is_left_alone(&self) -> bool {
        self.sampled.get() < self.alone.get()
    }

    /// Whether there is anything that others could run.
    fn has_tasks(&self) -> bool {
        !self.stealer.is_empty() || self.hand.is_filled()
    }
}

/// A new loop's shared part, and the queue of each worker.
pub(crate) fn new(workers: usize, driver: Arc<dyn DriverHandle>) -> (Arc<Shared>, Vec<LocalQueue>) {
    let (queues, remotes) = (0..workers)
        .map(|_| {
            let (queue, stealer) = LocalQueue::new();
            (queue, Arc::new(CachePadded::new(Remote::new(stealer))))
        })
        .unzip::<_, _, Vec<_>, Vec<_>>();
    let shared = Arc::new(Shared {
        remotes: remotes.into_boxed_slice(),
        inbox: Inbox::new(workers),
        lane_ready: Stack::new(),
        idle: Idle::new(workers),
        lane: Lane::default(),
        arena: Arena::new(),
        exceptions: Exceptions::default(),
        factory: Factory::default(),
        driver,
        ids: CachePadded::new(AtomicU64::new(1)),
        homes: AtomicUsize::new(0),
        clock: Clock::new(),
        may_spin: workers <= processors(),
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

/// Where a ready task waits.
#[derive(Clone, Copy)]
enum Place {
    Anywhere,
    /// With the one worker that may run it.
    Home(usize),
    /// The callback lane, with several workers.
    Lane,
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
    /// Whether it is polled once before it is given to who made it. None: nobody has said so.
    pub(crate) eager_start: Option<bool>,
}

impl Spawn {
    #[inline]
    pub(crate) fn new(kind: Kind, location: &'static Location<'static>) -> Self {
        Self { kind, location, name: None, eager_start: None }
    }

    #[inline]
    fn is_eager(&self) -> bool {
        self.eager_start == Some(true) && self.kind == Kind::Task
    }
}

impl Shared {
    /// Creates a task and makes it ready, or hands the future back if the loop is closed. The
    /// reference that is returned is that of a `Task`.
    ///
    /// An eager one is polled once before this returns, on a worker of this loop, unless as many are
    /// being polled so as [`current::Nested`] allows.
    ///
    /// The caller answers for what `RawTask::spawn` asks.
    #[inline]
    pub(crate) fn spawn<F: Future>(
        self: &Arc<Self>,
        future: F,
        spawn: Spawn,
    ) -> Result<RawTask, F> {
        current::with_worker_of(self, |worker| self.spawn_on(worker, || future, spawn))
    }

    /// As [`Shared::spawn`]; `worker` is the one of this loop that this thread is, and `future` is called as
    /// `RawTask::spawn` says.
    ///
    /// Inlined down to the cell, so that a future of several parts is put together there. One that was put
    /// together before is copied whole, and that waits until its parts have left the store buffer.
    #[inline(always)]
    pub(crate) fn spawn_on<F: Future>(
        self: &Arc<Self>,
        worker: Option<&Worker>,
        future: impl FnOnce() -> F,
        spawn: Spawn,
    ) -> Result<RawTask, F> {
        let eager = spawn.is_eager();
        let (task, runnable) = self.create(worker, future, spawn)?;
        if eager {
            self.run_eagerly(worker, runnable);
        } else {
            self.schedule_on(worker, runnable, Origin::Spawn);
        }
        Ok(task)
    }

    #[cold]
    fn run_eagerly(&self, worker: Option<&Worker>, runnable: Runnable) {
        match (worker, worker.and_then(|_| current::Nested::enter())) {
            (Some(worker), Some(_nested)) => {
                if let Ran::Again(runnable) = runnable.run(worker) {
                    self.schedule_on(Some(worker), runnable, Origin::Wake);
                }
            }
            _ => self.schedule_on(worker, runnable, Origin::Spawn),
        }
    }

    /// As [`Shared::spawn`], all or none.
    pub(crate) fn spawn_many<F: Future>(
        self: &Arc<Self>,
        futures: Vec<F>,
        location: &'static Location<'static>,
    ) -> Result<Vec<RawTask>, Vec<F>> {
        let mut spawns = self.spawns(futures.len(), location);
        current::with_worker_of(self, |worker| match worker {
            Some(_) if self.closed.get() => Err(futures),
            Some(worker) => Ok(futures
                .into_iter()
                .map(|future| {
                    let spawn = spawns();
                    let eager = spawn.is_eager();
                    let created = self.create(Some(worker), || future, spawn);
                    let (task, runnable) = created.unwrap_or_else(|_| {
                        unreachable!("a loop is not closed while a worker runs")
                    });
                    if eager {
                        self.run_eagerly(Some(worker), runnable);
                    } else {
                        worker.push(runnable, Origin::Spawn);
                    }
                    task
                })
                .collect()),
            None => {
                let mut next = self.ids(futures.len() as u64);
                let births = || {
                    let (id, Spawn { kind, location, name, .. }) = (TaskId(next), spawns());
                    next += 1;
                    Birth { id, kind, location, name, home: None }
                };
                let (tasks, runnables) = RawTask::spawn_all(self, futures, births)?
                    .into_iter()
                    .unzip::<_, _, Vec<_>, Vec<_>>();
                let mut ready = Fifo::default();
                runnables.into_iter().for_each(|runnable| ready.push(runnable));
                if let Some(chain) = ready.take() {
                    self.inject_all(std::iter::once(chain));
                }
                Ok(tasks)
            }
        })
    }

    /// What so many tasks are given at birth, one after the other. A factory looks at them now, since
    /// they are born under a lock.
    fn spawns(&self, count: usize, location: &'static Location<'static>) -> impl FnMut() -> Spawn {
        let plain = move || Spawn::new(Kind::Task, location);
        let mut told = Vec::new();
        if self.factory.is_set() {
            told.extend((0..count).map(|_| self.factory.consult(plain())));
        }
        let mut told = told.into_iter();
        move || told.next().unwrap_or_else(plain)
    }

    #[inline(always)]
    fn create<F: Future>(
        self: &Arc<Self>,
        worker: Option<&Worker>,
        future: impl FnOnce() -> F,
        Spawn { kind, location, name, .. }: Spawn,
    ) -> Result<(RawTask, Runnable), F> {
        let id = match worker {
            _ if kind == Kind::Internal => 0,
            Some(worker) => worker.next_id(),
            None => self.ids(1),
        };
        let home = (kind == Kind::Pinned).then(|| self.next_home());
        RawTask::spawn(self, worker, future, Birth { id: TaskId(id), kind, location, name, home })
    }

    /// Makes a callback due: into the lane, or into the one queue of `workers(1)`.
    pub(crate) fn call_soon(self: &Arc<Self>, callback: Callback) -> Result<(), Callback> {
        if self.workers() > 1 {
            return self.lane.push(callback);
        }
        let once = Once::new(self.clone(), callback);
        let spawn = Spawn::new(Kind::Internal, Location::caller());
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
    #[inline]
    pub(crate) fn schedule(self: &Arc<Self>, runnable: Runnable, origin: Origin) {
        current::with_worker_of(self, |worker| self.schedule_on(worker, runnable, origin));
    }

    /// As `schedule`; `worker` is the one of this loop that this thread is.
    #[inline]
    fn schedule_on(&self, worker: Option<&Worker>, runnable: Runnable, origin: Origin) {
        match (self.place(&runnable), worker) {
            (Place::Anywhere, Some(worker)) => worker.push(runnable, origin),
            (Place::Anywhere, None) => self.inject(runnable),
            (Place::Home(home), _) => {
                self.remotes[home].pinned.push(runnable);
                if worker.is_none_or(|worker| worker.index() != home) {
                    self.unpark(home);
                }
            }
            (Place::Lane, _) => {
                self.lane_ready.push(runnable);
                // A background worker will look itself, after this poll.
                if worker.is_none_or(|worker| worker.index() == 0) {
                    self.unpark_notified(self.idle.notify_background_after_push());
                }
            }
        }
    }

    /// Where a ready task waits. With one worker there is one queue.
    #[inline]
    fn place(&self, runnable: &Runnable) -> Place {
        let header = runnable.task().header();
        match header.kind() {
            Kind::Task => Place::Anywhere,
            _ if self.workers() == 1 => Place::Anywhere,
            Kind::Internal => Place::Lane,
            Kind::Root | Kind::Pinned => header.home().map_or(Place::Anywhere, Place::Home),
        }
    }

    /// Where the next pinned task goes: to each background worker in turn. Worker 0 is a thread
    /// only while somebody runs the loop, and perhaps another one the next time.
    fn next_home(&self) -> usize {
        let background = self.workers() - 1;
        assert!(
            background > 0,
            "`spawn_pinned` needs a worker with a thread of its own: build the loop with \
             `workers(2)` or more, or use a `LocalSet` inside `run_until_complete`"
        );
        // Ordering: Relaxed: any distribution will do.
        1 + self.homes.fetch_add(1, Ordering::Relaxed) % background
    }

    fn inject(&self, runnable: Runnable) {
        // Who finds something there relies on those who made it so: whoever takes what they left,
        // takes this as well.
        if self.inbox.push(runnable) {
            self.told_of_push();
        }
    }

    /// Steps 2 to 4 of a push from outside.
    fn told_of_push(&self) {
        if self.workers() == 1 {
            self.unpark(0);
        } else {
            self.unpark_notified(self.idle.notify_after_push());
        }
    }

    /// Moves what a worker has to the inbox.
    fn inject_all(&self, chains: impl Iterator<Item = Chain>) {
        let mut pushed = false;
        for chain in chains {
            self.inbox.push_all(chain);
            pushed = true;
        }
        if pushed && !loopwork_shim::weaken!("inject-tell") {
            // Not only if the inbox was empty: whoever made it so may have woken nobody, since this
            // worker was not asleep.
            self.told_of_push();
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
        // What became ready for one worker alone while the loop was stopped woke it in vain.
        let lane = !self.lane_ready.is_empty();
        for (index, remote) in self.remotes.iter().enumerate().skip(1) {
            let has_pinned = !remote.pinned.is_empty() && !loopwork_shim::weaken!("resume-pinned");
            if has_pinned || (lane && index == 1) {
                self.unpark(index);
            }
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

    pub(crate) fn driver(&self) -> &dyn DriverHandle {
        &*self.driver
    }

    #[inline]
    pub(crate) fn workers(&self) -> usize {
        self.remotes.len()
    }

    /// The time now, in nanoseconds.
    fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(crate) fn counters(&self) -> impl Iterator<Item = &Counters> {
        self.remotes.iter().map(|remote| &remote.counters)
    }

    /// The first of `n` fresh task ids.
    fn ids(&self, n: u64) -> u64 {
        // Ordering: Relaxed: only that no two callers get the same matters.
        self.ids.fetch_add(n, Ordering::Relaxed)
    }

    /// Whether no `Runnable` is anywhere.
    pub(crate) fn is_drained(&self) -> bool {
        self.inbox.is_empty()
            && self.lane_ready.is_empty()
            && self.remotes.iter().all(|remote| !remote.has_tasks() && remote.pinned.is_empty())
    }

    /// Whether worker `index` could take anything from anybody.
    pub(crate) fn has_work(&self, index: usize) -> bool {
        !self.inbox.is_empty()
            || (index != 0 && !self.lane_ready.is_empty())
            || self.remotes.iter().enumerate().any(|(other, remote)| {
                if other == index { !remote.stealer.is_empty() } else { remote.is_attractive() }
            })
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("hand", &self.hand).finish_non_exhaustive()
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

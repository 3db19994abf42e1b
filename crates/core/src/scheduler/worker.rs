//! The loop of a worker.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use loopwork_shim::sync::Mutex;

use super::idle::Leave;
use super::{LocalQueue, Shared};
use crate::driver::{Driver, Turn};
use crate::random::Random;
use crate::task::arena::Cells;
use crate::task::{Kind, Ran, RawTask, Runnable};

/// Every so many steps a busy worker begins with the injector and has the driver deliver events.
/// A prime, so that it does not beat with the periods of programs; tokio and Go use it as well.
const DRIVER_INTERVAL: u32 = 61;
/// How often the watcher looks up: the bound on how long a worker in a long poll can strand I/O,
/// timers and what lies in its queue. Long enough to cost an otherwise busy machine nothing.
const LOOK: Duration = Duration::from_millis(5);
/// After so many looks at a loop in which everybody sleeps, nobody watches.
const LOOKS_MAX: u32 = 20;
/// How many task ids a worker takes at a time, so that spawning rarely touches the shared counter.
const ID_BLOCK: u64 = 64;

/// What belongs to one worker alone.
#[derive(Debug)]
pub(crate) struct Worker {
    index: usize,
    shared: Arc<Shared>,
    queue: LocalQueue,
    /// The memory of tasks.
    cells: Cells,
    step: Cell<u32>,
    /// It was woken to look for work and has not found any.
    searching: Cell<bool>,
    /// Task ids: the next one, and the end of the block.
    ids: Cell<(u64, u64)>,
    random: Random,
    /// Whether `workers(1)` shuffles what is ready.
    shuffle: bool,
}

impl Worker {
    pub(crate) fn new(
        index: usize,
        shared: Arc<Shared>,
        queue: LocalQueue,
        seed: Option<u64>,
    ) -> Self {
        Self {
            index,
            shared,
            queue,
            cells: Cells::new(),
            step: Cell::new(0),
            searching: Cell::new(false),
            ids: Cell::new((0, 0)),
            random: Random::new(seed.unwrap_or(index as u64)),
            shuffle: seed.is_some(),
        }
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn cells(&self) -> &Cells {
        &self.cells
    }

    pub(crate) fn next_id(&self) -> u64 {
        if self.shared.workers() == 1 {
            return self.shared.ids(1);
        }
        let (next, end) = self.ids.get();
        if next == end {
            let next = self.shared.ids(ID_BLOCK);
            self.ids.set((next + 1, next + ID_BLOCK));
            return next;
        }
        self.ids.set((next + 1, end));
        next
    }

    /// Makes a task ready on this worker.
    pub(crate) fn push(&self, runnable: Runnable) {
        if self.shared.workers() == 1 {
            // What other threads submitted before keeps its place before this.
            self.take_injected();
            self.queue.push(runnable);
            return;
        }
        self.queue.push(runnable);
        if self.queue.len() > 1 {
            self.wake_sibling();
        }
    }

    fn wake_sibling(&self) {
        self.shared.unpark_notified(self.shared.idle.notify());
    }

    /// The life of a background worker: it sleeps until the loop runs.
    pub(crate) fn background<D: Driver>(&self, driver: &Mutex<D>) {
        while self.sleep(driver) {
            while !self.shared.stop.get() {
                if !self.step(driver) {
                    return;
                }
            }
            self.end_search();
        }
    }

    /// One run of the loop on worker 0: until `root` has ended, or forever, or until `stop()`.
    pub(crate) fn run<D: Driver>(&self, driver: &Mutex<D>, root: Option<&RawTask>) {
        if self.shared.workers() == 1 {
            self.run_iterations(driver, root);
        } else if self.shared.stop.get() {
            self.run_ready_once(driver);
        } else {
            self.run_pool(driver, root);
        }
        // Whoever asked for this stop has been heard.
        self.shared.stop.set(false);
    }

    fn run_pool<D: Driver>(&self, driver: &Mutex<D>, root: Option<&RawTask>) {
        self.shared.resume();
        let goes_on = || !self.shared.stop.get() && !root.is_some_and(has_ended);
        while goes_on() && self.step(driver) {}
        self.end_search();
        self.shared.rest();
        if root.is_some_and(has_ended) {
            // Nobody polls the lane now, so that this is one of its snapshots, out of turn.
            self.shared.run_due_callbacks();
        }
    }

    /// Runs one task, or sleeps. False if the thread is to end.
    fn step<D: Driver>(&self, driver: &Mutex<D>) -> bool {
        let step = self.step.get().wrapping_add(1);
        self.step.set(step);
        let visit = step % DRIVER_INTERVAL == 0;
        if visit {
            self.poll_driver(driver);
        }
        match self.next(visit) {
            Some(runnable) => {
                if self.shared.stop.get() {
                    // What became ready by or after `stop()` waits for the next run. Looked at again
                    // here, since the task may have been taken from who called it.
                    self.requeue(runnable);
                    return true;
                }
                if self.end_search() && self.shared.has_work(self.index) {
                    self.wake_sibling();
                }
                self.run_task(runnable);
                true
            }
            None => self.sleep(driver),
        }
    }

    /// Runs one of the tasks that only worker 0 may run, if one is ready.
    #[cfg(loopwork_loom)]
    pub(crate) fn run_pinned(&self) -> bool {
        self.shared.pinned.pop().map(|runnable| self.run_task(runnable)).is_some()
    }

    /// Runs one task, if one is ready.
    #[cfg(loopwork_loom)]
    pub(crate) fn run_one(&self) -> bool {
        self.next(false).map(|runnable| self.run_task(runnable)).is_some()
    }

    fn next(&self, injected_first: bool) -> Option<Runnable> {
        let injected = injected_first.then(|| self.injected()).flatten();
        injected
            .or_else(|| self.pinned_or_own())
            .or_else(|| self.injected())
            .or_else(|| self.stolen())
    }

    /// The root's steps and the own queue take turns on worker 0.
    fn pinned_or_own(&self) -> Option<Runnable> {
        if self.index != 0 {
            return self.queue.pop();
        }
        if self.step.get() % 2 == 0 {
            self.shared.pinned.pop().or_else(|| self.queue.pop())
        } else {
            self.queue.pop().or_else(|| self.shared.pinned.pop())
        }
    }

    fn injected(&self) -> Option<Runnable> {
        if self.shared.injector.is_empty() {
            return None;
        }
        let runnable = self.shared.injector.steal_into(&self.queue)?;
        if self.queue.len() > 0 {
            self.wake_sibling();
        }
        Some(runnable)
    }

    fn stolen(&self) -> Option<Runnable> {
        let workers = self.shared.workers();
        let start = self.random.below(workers);
        for victim in (start..workers).chain(0..start).filter(|&victim| victim != self.index) {
            let stealer = &self.shared.remotes[victim].stealer;
            if stealer.is_empty() {
                continue;
            }
            if let Some(runnable) = stealer.steal_into(&self.queue) {
                // This queue was empty, so that all in it now was stolen too.
                self.counters().stolen.add(1 + self.queue.len() as u64);
                return Some(runnable);
            }
        }
        None
    }

    fn run_task(&self, runnable: Runnable) {
        self.counters().polls.add(1);
        if let Ran::Again(runnable) = runnable.run() {
            self.requeue(runnable);
        }
    }

    /// A task that was woken while it ran goes behind what is ready, and wakes nobody.
    fn requeue(&self, runnable: Runnable) {
        if self.shared.is_pinned(&runnable) {
            self.shared.pinned.push(runnable);
        } else if self.shared.workers() == 1 {
            self.push(runnable);
        } else {
            self.queue.push(runnable);
        }
    }

    fn poll_driver<D: Driver>(&self, driver: &Mutex<D>) {
        if let Some(mut driver) = driver.try_lock() {
            self.turn(&mut *driver, Turn::Poll);
        }
    }

    fn turn<D: Driver>(&self, driver: &mut D, turn: Turn) {
        self.counters().turns.add(1);
        // Unwind: the driver calls wakers, and a foreign one may panic. The worker goes on.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| driver.turn(turn))) {
            self.shared.exceptions.panicked("a waker panicked in the driver", payload);
        }
    }

    /// True if this was the last worker that searched.
    fn end_search(&self) -> bool {
        self.searching.replace(false) && self.shared.idle.end_search()
    }

    /// The protocol of a sleeper: see the README. False if the thread is to end.
    fn sleep<D: Driver>(&self, driver: &Mutex<D>) -> bool {
        let shared = &self.shared;
        shared.idle.announce(self.index, self.searching.replace(false));
        self.counters().parks.add(1);
        let mut looks = 0;
        loop {
            if self.index != 0 && shared.exit.get() {
                return false;
            }
            let stand = shared.idle.stand(self.index);
            if stand.notified {
                self.searching.set(true);
                return true;
            }
            let wanted = match self.index {
                0 => shared.stop.get() || shared.has_work(0),
                _ => stand.running && !shared.stop.get() && shared.has_work(self.index),
            };
            if wanted {
                match shared.idle.leave(self.index) {
                    Leave::Notified => self.searching.set(true),
                    Leave::Left { watcher } => {
                        if let Some(watcher) = watcher {
                            shared.unpark(watcher);
                        }
                    }
                    Leave::Resting => continue,
                }
                return true;
            }
            let mut cap = None;
            if stand.watcher {
                looks = if stand.all_asleep { looks + 1 } else { 0 };
                let retires = looks > LOOKS_MAX && shared.idle.retire_watcher(self.index);
                cap = (!retires).then_some(LOOK);
            }
            self.block(driver, stand.running, cap);
        }
    }

    fn block<D: Driver>(&self, driver: &Mutex<D>, running: bool, cap: Option<Duration>) {
        let parker = &self.shared.remotes[self.index].parker;
        // Events are delivered only while the loop runs.
        let held = if running { driver.try_lock() } else { None };
        match held {
            Some(mut driver) => {
                parker.park_in_driver(|| self.turn(&mut *driver, Turn::Block(cap)));
            }
            None => parker.park(cap),
        }
    }

    fn counters(&self) -> &crate::metrics::Counters {
        &self.shared.remotes[self.index].counters
    }
}

/// `workers(1)`: asyncio's iterations.
impl Worker {
    fn run_iterations<D: Driver>(&self, driver: &Mutex<D>, root: Option<&RawTask>) {
        let mut driver = driver.lock();
        let mut ended = false;
        loop {
            self.take_injected();
            if ended && self.queue.len() == 0 {
                return;
            }
            if self.queue.len() > 0 || self.shared.stop.get() {
                self.turn(&mut *driver, Turn::Poll);
            } else {
                self.counters().parks.add(1);
                let parker = &self.shared.remotes[0].parker;
                parker.park_in_driver(|| self.turn(&mut *driver, Turn::Block(None)));
            }
            self.take_injected();
            self.run_snapshot();
            if self.shared.stop.get() || ended {
                return;
            }
            // What the root's end made due runs in the next iteration, which is the last.
            ended = root.is_some_and(has_ended);
        }
    }

    fn take_injected(&self) {
        if self.shared.injector.is_empty() {
            return;
        }
        while let Some(runnable) = self.shared.injector.steal() {
            self.queue.push(runnable);
        }
    }

    /// Runs what is ready now, each once.
    fn run_snapshot(&self) {
        let ready = self.queue.len();
        if self.shuffle {
            let mut snapshot: Vec<_> =
                std::iter::from_fn(|| self.queue.pop()).take(ready).collect();
            self.shuffle(&mut snapshot);
            snapshot.into_iter().for_each(|runnable| self.run_task(runnable));
            return;
        }
        for _ in 0..ready {
            let Some(runnable) = self.queue.pop() else { return };
            self.run_task(runnable);
        }
    }

    /// Another legal order: tasks in any, callbacks in theirs.
    fn shuffle(&self, snapshot: &mut Vec<Runnable>) {
        let is_task = |runnable: &Runnable| runnable.task().header().kind() != Kind::Internal;
        let places: Vec<bool> = snapshot.iter().map(is_task).collect();
        let (mut tasks, callbacks): (Vec<_>, Vec<_>) = snapshot.drain(..).partition(is_task);
        self.random.shuffle(&mut tasks);
        let (mut tasks, mut callbacks) = (tasks.into_iter(), callbacks.into_iter());
        snapshot.extend(
            places.into_iter().filter_map(
                |task| {
                    if task { tasks.next() } else { callbacks.next() }
                },
            ),
        );
    }
}

/// `stop()` came before the run.
impl Worker {
    /// Runs what is ready at entry, each once, on worker 0 alone.
    fn run_ready_once<D: Driver>(&self, driver: &Mutex<D>) {
        // A sibling that still blocks in the driver gives it up.
        self.shared.driver.unpark();
        self.turn(&mut *driver.lock(), Turn::Poll);
        let shared = &self.shared;
        let mut ready: Vec<_> = std::iter::from_fn(|| shared.pinned.pop()).collect();
        let injected = shared.injector.len();
        ready.extend(std::iter::from_fn(|| shared.injector.steal()).take(injected));
        for remote in &shared.remotes {
            let queued = remote.stealer.len();
            ready.extend(std::iter::from_fn(|| remote.stealer.steal()).take(queued));
        }
        ready.into_iter().for_each(|runnable| self.run_task(runnable));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.cells.retire(&self.shared);
    }
}

fn has_ended(root: &RawTask) -> bool {
    root.header().state.is_complete()
}

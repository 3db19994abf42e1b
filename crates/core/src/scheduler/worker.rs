//! The loop of a worker.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loopwork_shim::spin::Spin;
use loopwork_shim::sync::Mutex;

use super::pace::Pace;
use super::queue::{LocalQueue, Queue, Stealer};
use super::watch::Watch;
use super::{Origin, Remote, Shared};
use crate::driver::{Driver, Turn};
use crate::metrics::Counters;
use crate::random::Random;
use crate::task::arena::Cells;
use crate::task::{Chain, Fifo, Ran, RawTask, Runnable};

/// While polls are cheap, so many tasks make a chain: the price of a queue is paid once for all.
const CHAIN_MAX: usize = 32;
/// How many chains a thief takes at a time at most.
const STEAL_MAX: usize = 16;
/// How long a busy worker lets the driver wait, in nanoseconds.
const DRIVER_INTERVAL: u64 = 50_000;
/// A backlog that takes longer than this to work off, in nanoseconds, is worth a wake-up.
const BACKLOG_MAX: u64 = 50_000;
/// How many task ids a worker takes at a time, so that spawning rarely touches the shared counter.
const ID_BLOCK: u64 = 64;

/// Why a worker does not run the next task at once.
enum Pause {
    /// The clock is to be looked at.
    Due,
    /// No task is ready.
    Nothing,
    /// A task ran that only this worker may run: perhaps it was the root.
    Pinned,
    Stopped,
}

/// Who may run a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// This worker only: it is pinned.
    This,
    Any,
}

/// What belongs to one worker alone.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(super) index: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) queue: LocalQueue,
    /// The memory of tasks.
    cells: Cells,
    /// Tasks that only this worker may run, taken from its remote.
    pinned: RefCell<Fifo>,
    /// It is the turn of a pinned task.
    pinned_due: Cell<bool>,
    /// Ready tasks in the hand and the queue. Thieves do not count theirs down here.
    depth: Cell<usize>,
    pub(super) pace: Pace,
    pub(super) spin: Spin,
    pub(super) watch: Watch,
    /// When this worker last had the driver deliver events.
    turned: Cell<u64>,
    /// When a push here last woke somebody.
    woke: Cell<u64>,
    /// Since when this worker has had work.
    pub(super) busy_since: Cell<u64>,
    /// The wait that just ended was ended by a push, not by an event.
    pub(super) pushed: Cell<bool>,
    /// It is counted as one who looks for work.
    pub(super) searching: Cell<bool>,
    /// Task ids: the next one, and the end of the block.
    ids: Cell<(u64, u64)>,
    pub(super) random: Random,
    /// Whether `workers(1)` shuffles what is ready.
    pub(super) shuffle: bool,
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
            watch: Watch::default(),
            spin: Spin::new(),
            shared,
            queue,
            cells: Cells::new(),
            pinned: RefCell::default(),
            pinned_due: Cell::new(false),
            depth: Cell::new(0),
            pace: Pace::new(),
            turned: Cell::new(0),
            woke: Cell::new(0),
            busy_since: Cell::new(0),
            pushed: Cell::new(false),
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

    pub(super) fn remote(&self) -> &Remote {
        &self.shared.remotes[self.index]
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.remote().counters
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

    /// The life of a background worker: it sleeps until the loop runs.
    pub(crate) fn background<D: Driver>(&self, driver: &Mutex<D>) {
        while self.sleep(driver) {
            self.restart_clocks();
            while !self.shared.stop.get() && self.go_on(driver) {}
            self.hand_everything_over();
            self.end_search();
            if self.shared.exit.get() {
                // It may be on the stack of sleepers already: the loop is not run any more.
                break;
            }
        }
        self.drop_pinned_tasks();
    }

    /// What may be dropped on this thread only goes before the thread does.
    fn drop_pinned_tasks(&self) {
        for task in self.shared.arena.tasks() {
            if task.header().home() == Some(self.index) {
                task.shut_down();
            }
        }
    }

    /// One run of the loop on worker 0: until `root` has ended, or forever, or until `stop()`.
    pub(crate) fn run<D: Driver>(&self, driver: &Mutex<D>, root: Option<&RawTask>) {
        self.restart_clocks();
        if self.shared.workers() == 1 {
            self.run_iterations(driver, root);
        } else if self.shared.stop.get() {
            self.run_ready_once(driver);
        } else {
            self.run_pool(driver, root);
        }
        self.give_pinned_back();
        // Whoever asked for this stop has been heard.
        self.shared.stop.set(false);
    }

    /// The time until now was not spent on polls.
    pub(super) fn restart_clocks(&self) {
        let now = self.shared.now();
        self.busy_since.set(now);
        self.remote().sampled.set(now);
        self.pace.restart(now);
    }

    fn run_pool<D: Driver>(&self, driver: &Mutex<D>, root: Option<&RawTask>) {
        self.shared.resume();
        let goes_on = || !self.shared.stop.get() && !root.is_some_and(has_ended);
        while goes_on() && self.go_on(driver) {}
        self.end_search();
        self.shared.rest();
        if root.is_some_and(has_ended) {
            // Nobody polls the lane now, so that this is one of its snapshots, out of turn.
            self.shared.run_due_callbacks();
        }
    }

    /// Runs tasks for a while, or waits for one. False if the thread is to end.
    fn go_on<D: Driver>(&self, driver: &Mutex<D>) -> bool {
        match self.run_tasks() {
            Pause::Due => self.look_around(driver),
            Pause::Nothing => return self.wait(driver),
            Pause::Pinned | Pause::Stopped => {}
        }
        true
    }

    /// Runs one task after the other until something else is to be done.
    fn run_tasks(&self) -> Pause {
        loop {
            let Some((runnable, whose)) = self.next() else { return Pause::Nothing };
            if self.shared.stop.get() {
                // What became ready by or after `stop()` waits for the next run. Looked at again
                // here, since the task may have been taken from who called it.
                self.requeue(runnable);
                return Pause::Stopped;
            }
            if self.searching.get() {
                self.found_work();
            }
            self.run_task(runnable);
            if self.pace.tick() {
                return Pause::Due;
            }
            if whose == Whose::This {
                return Pause::Pinned;
            }
        }
    }

    /// Once per look at the clock pinned tasks go first, so that the others cannot starve them.
    #[inline]
    fn next(&self) -> Option<(Runnable, Whose)> {
        if self.pinned_due.get() {
            self.pinned_due.set(false);
            if let Some(runnable) = self.pinned() {
                return Some((runnable, Whose::This));
            }
        }
        match self.own() {
            Some(runnable) => Some((runnable, Whose::Any)),
            None => self.elsewhere(),
        }
    }

    /// What is not in the own hand and queue.
    #[cold]
    fn elsewhere(&self) -> Option<(Runnable, Whose)> {
        let pinned = self.pinned().map(|runnable| (runnable, Whose::This));
        pinned.or_else(|| {
            let other = self.injected().or_else(|| self.stolen())?;
            Some((other, Whose::Any))
        })
    }

    #[inline]
    fn own(&self) -> Option<Runnable> {
        let runnable = self.remote().hand.pop(&self.queue);
        let depth = if runnable.is_some() { self.depth.get().saturating_sub(1) } else { 0 };
        self.depth.set(depth);
        runnable
    }

    fn pinned(&self) -> Option<Runnable> {
        let mut pinned = self.pinned.borrow_mut();
        pinned.pop().or_else(|| {
            self.remote().pinned.take()?.into_iter().for_each(|runnable| pinned.push(runnable));
            pinned.pop()
        })
    }

    fn has_pinned(&self) -> bool {
        self.pinned.borrow().len() > 0 || !self.remote().pinned.is_empty()
    }

    /// Takes what others left, makes it stealable, and gives the first of it.
    fn injected(&self) -> Option<Runnable> {
        let chain = self.shared.inbox.take(self.index)?;
        let (first, rest) = chain.pop();
        if let Some(rest) = rest {
            self.depth.set(self.depth.get() + rest.len());
            self.publish_all(rest);
        }
        Some(first)
    }

    fn stolen(&self) -> Option<Runnable> {
        let workers = self.shared.workers();
        let start = self.random.below(workers);
        for victim in (start..workers).chain(0..start).filter(|&victim| victim != self.index) {
            if let Some(runnable) = self.steal_from(victim) {
                return Some(runnable);
            }
        }
        None
    }

    fn steal_from(&self, victim: usize) -> Option<Runnable> {
        let remote = &self.shared.remotes[victim];
        let stuck = self.watch.is_stuck(victim, &self.shared);
        if !stuck && !remote.is_attractive() {
            return None;
        }
        let chain = match remote.stealer.steal_into(&self.queue, STEAL_MAX) {
            Some(chain) => chain,
            None if stuck => self.seize(victim)?,
            None => return None,
        };
        self.watch.took(victim, self.counters().polls.get(), &self.shared);
        self.counters().steals.add(1);
        self.counters().stolen.add(chain.len() as u64);
        let (first, rest) = chain.pop();
        if let Some(rest) = rest {
            self.depth.set(self.depth.get() + rest.len());
            self.publish(rest);
        }
        Some(first)
    }

    /// Takes what a worker that is stuck in a poll has in hand.
    fn seize(&self, victim: usize) -> Option<Chain> {
        let hand = &self.shared.remotes[victim].hand;
        if !hand.is_filled() {
            return None;
        }
        let mut chains = hand.seize()?.into_iter().flatten();
        let first = chains.next()?;
        chains.for_each(|chain| self.queue.push(chain));
        Some(first)
    }

    #[inline]
    pub(super) fn run_task(&self, runnable: Runnable) {
        self.counters().polls.add(1);
        if let Ran::Again(runnable) = runnable.run() {
            self.requeue(runnable);
        }
    }

    /// A task that was woken while it ran goes behind what is ready, and wakes nobody.
    fn requeue(&self, runnable: Runnable) {
        if self.shared.home(&runnable).is_some() {
            self.pinned.borrow_mut().push(runnable);
        } else if self.shared.workers() == 1 {
            self.push(runnable, Origin::Join);
        } else {
            self.depth.set(self.depth.get() + 1);
            if let Some(chain) = self.remote().hand.push_last(runnable, CHAIN_MAX) {
                self.queue.push(chain);
            }
        }
    }

    /// Makes a task ready on this worker.
    #[inline]
    pub(crate) fn push(&self, runnable: Runnable, origin: Origin) {
        if self.shared.workers() == 1 {
            // What other threads submitted before keeps its place before this.
            self.take_injected();
            self.remote().hand.push_last(runnable, usize::MAX);
            return;
        }
        self.hear_of_pace();
        let depth = self.depth.get();
        self.depth.set(depth + 1);
        let limit = if self.pace.is_dear() { 1 } else { CHAIN_MAX };
        let hand = &self.remote().hand;
        let full = match origin {
            // A child whose parent may compute on: nobody else would see it in the hand.
            Origin::Spawn if depth == 0 && self.is_help_wanted() => Some(Chain::of(runnable)),
            Origin::Spawn | Origin::Wake => hand.push_next(runnable, limit),
            // Each of many ends would wake a joiner that waits for them one after the other.
            Origin::Join => hand.push_last(runnable, limit),
        };
        if let Some(chain) = full {
            self.publish(chain);
        }
    }

    #[inline]
    fn hear_of_pace(&self) {
        let told = &self.remote().told;
        if told.get() != 0 {
            self.pace.hear(told.get());
            told.set(0);
        }
    }

    /// Lets others steal a chain, and wakes one if that seems worth it.
    fn publish(&self, chain: Chain) {
        let was_empty = self.queue.is_empty();
        self.queue.push(chain);
        if (was_empty && self.may_wake()) || self.has_backlog() {
            self.wake_sibling();
        }
    }

    /// As `publish`, cut into chains of the length that suits the pace.
    fn publish_all(&self, chain: Chain) {
        let limit = if self.pace.is_dear() { 1 } else { CHAIN_MAX };
        let mut part = Fifo::default();
        for runnable in chain {
            part.push(runnable);
            if part.len() >= limit {
                part.take().into_iter().for_each(|chain| self.queue.push(chain));
            }
        }
        if let Some(chain) = part.take() {
            self.queue.push(chain);
        }
        if self.may_wake() {
            self.wake_sibling();
        }
    }

    /// Whether there is someone to wake, and that seems worth it.
    fn may_wake(&self) -> bool {
        self.shared.idle.could_wake() && self.is_call_due()
    }

    /// The same, or whether somebody who looks for work would find it.
    fn is_help_wanted(&self) -> bool {
        self.shared.idle.could_help() && self.is_call_due()
    }

    /// Whether the last wake-ups were not in vain, or some time has passed: see `README.md`, "What
    /// a wake-up is worth".
    fn is_call_due(&self) -> bool {
        let backoff = self.remote().backoff.get();
        backoff == 0 || self.pace.last() >= self.woke.get() + backoff
    }

    fn has_backlog(&self) -> bool {
        self.pace.is_dear()
            && self.depth.get() as u64 * self.pace.average() >= BACKLOG_MAX
            && self.may_wake()
    }

    pub(super) fn wake_sibling(&self) {
        let Some(notified) = self.shared.idle.notify() else { return };
        self.woke.set(self.pace.last());
        self.counters().wakeups.add(1);
        let remote = self.remote();
        remote.notice.write(remote.counters.polls.get(), self.shared.now());
        self.shared.remotes[notified.worker].woken_by.set(self.index);
        self.shared.unpark_notified(Some(notified));
    }

    /// A searcher is one no more; the last one wakes the next, if there is more.
    #[cold]
    fn found_work(&self) {
        if self.end_search() {
            // What others submitted is nobody's yet: they rely on this, so there is no back-off.
            let submitted = !self.shared.inbox.is_empty();
            if submitted || (self.shared.has_work(self.index) && self.is_call_due()) {
                self.wake_sibling();
            }
        }
    }

    /// True if this was the last worker that searched.
    pub(super) fn end_search(&self) -> bool {
        self.searching.replace(false) && self.shared.idle.end_search()
    }

    /// Now and then between two polls: what a busy worker owes the others.
    #[cold]
    fn look_around<D: Driver>(&self, driver: &Mutex<D>) {
        let now = self.shared.now();
        self.pace.sample(now);
        let remote = self.remote();
        remote.average.set(self.pace.average());
        remote.sampled.set(now);
        remote.counters.depth.set(self.depth.get() as u64);
        if now - self.turned.get() >= DRIVER_INTERVAL {
            self.turned.set(now);
            self.poll_driver(driver);
        }
        if let Some(chain) = self.shared.inbox.take(self.index) {
            self.depth.set(self.depth.get() + chain.len());
            self.publish_all(chain);
        }
        self.pinned_due.set(self.has_pinned());
        if self.pace.is_dear() {
            self.publish_hand();
            if self.has_backlog() {
                self.wake_sibling();
            }
        }
    }

    /// Makes what is in hand stealable, piece by piece.
    pub(super) fn publish_hand(&self) {
        let hand = &self.remote().hand;
        if hand.is_filled() {
            for runnable in hand.take().into_iter().flatten().flatten() {
                self.queue.push(Chain::of(runnable));
            }
        }
    }

    /// Where `close()` finds them.
    fn give_pinned_back(&self) {
        if let Some(chain) = self.pinned.borrow_mut().take() {
            self.remote().pinned.push_all(chain);
        }
    }

    /// The task that runs here is about to block: all that others can do is theirs now.
    pub(crate) fn give_way(&self) {
        if self.shared.workers() > 1 {
            let hand = self.remote().hand.take();
            let queued = std::iter::from_fn(|| self.queue.pop());
            self.shared.inject_all(hand.into_iter().flatten().chain(queued));
            self.depth.set(0);
        }
    }

    /// A worker that sleeps has nothing: what it leaves behind when the loop stops is for whoever
    /// runs first.
    fn hand_everything_over(&self) {
        self.give_way();
        self.give_pinned_back();
    }

    pub(super) fn poll_driver<D: Driver>(&self, driver: &Mutex<D>) {
        if let Some(mut driver) = driver.try_lock() {
            self.turn(&mut *driver, Turn::Poll);
        }
    }

    pub(super) fn turn<D: Driver>(&self, driver: &mut D, turn: Turn) {
        self.counters().turns.add(1);
        // Unwind: the driver calls wakers, and a foreign one may panic. The worker goes on.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| driver.turn(turn))) {
            self.shared.exceptions.panicked("a waker panicked in the driver", payload);
        }
    }

    /// Whether there is anything to do for this worker.
    pub(super) fn has_work(&self) -> bool {
        self.has_own() || self.shared.has_work(self.index)
    }

    /// Whether something became ready here, or for this worker only.
    pub(super) fn has_own(&self) -> bool {
        self.depth.get() > 0 || self.has_pinned()
    }

    /// Runs one of the tasks that only this worker may run, if one is ready.
    #[cfg(loopwork_loom)]
    pub(crate) fn run_pinned(&self) -> bool {
        self.pinned().map(|runnable| self.run_task(runnable)).is_some()
    }

    /// Runs what is taken out of another worker's hand, if anything is.
    #[cfg(loopwork_loom)]
    pub(crate) fn rescue(&self, victim: usize) -> bool {
        let seized = self.seize(victim);
        let found = seized.is_some();
        seized.into_iter().flatten().for_each(|runnable| self.run_task(runnable));
        while self.run_one() {}
        found
    }

    /// Runs one task, if one is ready.
    #[cfg(loopwork_loom)]
    pub(crate) fn run_one(&self) -> bool {
        self.next().map(|(runnable, _)| self.run_task(runnable)).is_some()
    }
}

/// `stop()` came before the run.
impl Worker {
    /// Runs what is ready at entry, each once, on worker 0 alone.
    fn run_ready_once<D: Driver>(&self, driver: &Mutex<D>) {
        // A sibling that still blocks in the driver gives it up.
        self.shared.driver.unpark();
        self.turn(&mut *driver.lock(), Turn::Poll);
        let mut ready: Vec<_> = std::iter::from_fn(|| self.pinned()).collect();
        while let Some(chain) = self.shared.inbox.take(0) {
            ready.extend(chain);
        }
        ready.extend(std::iter::from_fn(|| self.own()));
        ready.into_iter().for_each(|runnable| self.run_task(runnable));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.cells.retire(&self.shared);
    }
}

pub(super) fn has_ended(root: &RawTask) -> bool {
    root.header().state.is_complete()
}

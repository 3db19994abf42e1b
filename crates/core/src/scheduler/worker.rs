//! The loop of a worker.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

use loopwork_shim::CachePadded;
use loopwork_shim::spin::Spin;
use loopwork_shim::sync::Mutex;
use loopwork_shim::weaken;

use super::pace::Pace;
use super::publish::CHAIN_MAX;
use super::queue::{LocalQueue, Queue};
use super::watch::Watch;
use super::{Origin, Place, Remote, Shared};
use crate::driver::{Driver, Quiet, Turn};
use crate::metrics::Counters;
use crate::random::Random;
use crate::task::arena::Cells;
use crate::task::{Chain, Fifo, Header, Ran, RawTask, Runnable, Shares, ToldEnd, Untold};

/// How long a busy worker lets the driver wait, in nanoseconds.
const DRIVER_INTERVAL: u64 = 50_000;
/// How long a busy worker lets its timers wait, in nanoseconds.
const TIMER_INTERVAL: u64 = 20_000;
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
pub(super) enum Whose {
    /// This worker only: it is pinned.
    This,
    Any,
}

/// What belongs to one worker alone.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(super) index: usize,
    pub(super) shared: Arc<Shared>,
    /// What the others see of this worker.
    remote: Arc<CachePadded<Remote>>,
    pub(super) queue: LocalQueue,
    /// The memory of tasks.
    cells: Cells,
    /// Which task is being polled. Invariant: null, or set by a `Polling` that lives, whose
    /// `Runnable` keeps the task alive.
    polled: Cell<*const Header>,
    /// Tasks that only this worker may run, taken from its remote.
    pub(super) pinned: RefCell<Fifo>,
    /// It is the turn of a pinned task, and of the lane.
    pinned_due: Cell<bool>,
    /// On worker 0: the run ends with a future.
    pub(super) has_root: Cell<bool>,
    /// Ready tasks in the hand and the queue. Thieves do not count theirs down here.
    pub(super) depth: Cell<usize>,
    pub(super) pace: Pace,
    pub(super) spin: Spin,
    pub(super) watch: Watch,
    /// When this worker last had the driver deliver events.
    turned: Cell<u64>,
    /// When it last looked at its own timers.
    advanced: Cell<u64>,
    /// Since when there has always been another ready task.
    pub(super) crowded_since: Cell<u64>,
    /// When a push here last woke somebody.
    pub(super) woke: Cell<u64>,
    /// Since when this worker has had work.
    pub(super) busy_since: Cell<u64>,
    /// It is counted as one who looks for work.
    pub(super) searching: Cell<bool>,
    /// Task ids: the next one, and the end of the block.
    ids: Cell<(u64, u64)>,
    /// The ends of tasks that are still to be counted.
    untold: Untold,
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
            remote: shared.remotes[index].clone(),
            shared,
            queue,
            cells: Cells::new(),
            polled: Cell::new(ptr::null()),
            pinned: RefCell::default(),
            pinned_due: Cell::new(false),
            has_root: Cell::new(false),
            depth: Cell::new(0),
            pace: Pace::new(),
            turned: Cell::new(0),
            advanced: Cell::new(0),
            crowded_since: Cell::new(0),
            woke: Cell::new(0),
            busy_since: Cell::new(0),
            searching: Cell::new(false),
            ids: Cell::new((0, 0)),
            untold: Untold::default(),
            random: Random::new(seed.unwrap_or(index as u64)),
            shuffle: seed.is_some(),
        }
    }

    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    #[inline]
    pub(crate) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Some number below `bound`, which is not zero.
    pub(crate) fn random_below(&self, bound: usize) -> usize {
        self.random.below(bound)
    }

    /// Null, or the header of a task that is alive, and whose poll is under way.
    pub(crate) fn polled(&self) -> *const Header {
        self.polled.get()
    }

    /// The caller keeps the task alive until what is returned is dropped, or lets no code of others
    /// run after it ceased to.
    #[inline]
    pub(crate) fn polling(&self, task: &RawTask) -> Polling<'_> {
        Polling { worker: self, outer: self.polled.replace(task.as_ptr()) }
    }

    /// Gives up the only `Task` of `task`, if that was made ready here just now and is still in hand.
    #[inline]
    pub(crate) fn disclaim(&self, task: &RawTask) -> bool {
        self.remote().hand.disclaim(task)
    }

    /// Keeps `end` until the task that is polled here has ended; gives back what is not to be kept.
    #[inline]
    pub(crate) fn after_end(&self, end: ToldEnd) -> Option<ToldEnd> {
        let is_polled = weaken!("told-early", !self.polled.get().is_null() => false);
        if is_polled { self.untold.replace(end) } else { Some(end) }
    }

    pub(crate) fn untold(&self) -> &Untold {
        &self.untold
    }

    /// A task is about to be polled.
    #[inline]
    pub(crate) fn before(&self, header: &Header) {
        if let Some(due) = self.untold.before(header.table()) {
            self.give_up(due);
        }
    }

    /// Counts the ends that are kept: there is something else to do than to poll. True if there were
    /// any; so something may be ready.
    #[inline]
    pub(super) fn count_ends(&self) -> bool {
        let kept = self.untold.take();
        kept.map(|kept| self.give_up(kept)).is_some()
    }

    pub(super) fn has_ends_to_count(&self) -> bool {
        self.untold.is_kept()
    }

    #[cold]
    #[inline(never)]
    fn give_up(&self, shares: Shares) {
        // Unwind: who waits is woken, and a foreign waker may panic. The worker goes on.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(shares))) {
            self.shared.exceptions.panicked("a waker panicked at the end of a task", payload);
        }
    }

    #[inline]
    pub(super) fn remote(&self) -> &Remote {
        &self.remote
    }

    #[inline]
    pub(super) fn counters(&self) -> &Counters {
        &self.remote().counters
    }

    #[inline]
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
        self.has_root.set(root.is_some());
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
        self.crowded_since.set(now);
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
        let pause = self.run_tasks();
        let counted = self.count_ends();
        match pause {
            Pause::Due => self.look_around(driver),
            Pause::Nothing if counted => {}
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
            if let Some(runnable) = self.pinned().or_else(|| self.lane()) {
                return Some((runnable, Whose::This));
            }
        }
        match self.own() {
            Some(runnable) => Some((runnable, Whose::Any)),
            None => self.elsewhere(),
        }
    }

    #[inline]
    fn own(&self) -> Option<Runnable> {
        let runnable = self.remote().hand.pop(&self.queue);
        let depth = if runnable.is_some() { self.depth.get().saturating_sub(1) } else { 0 };
        self.depth.set(depth);
        runnable
    }

    #[inline]
    pub(super) fn run_task(&self, runnable: Runnable) {
        self.counters().polls.add(1);
        if let Ran::Again(runnable) = runnable.run(self) {
            self.requeue(runnable);
        }
    }

    /// A task that was woken while it ran goes behind what is ready, and wakes nobody.
    #[inline]
    fn requeue(&self, runnable: Runnable) {
        match self.shared.place(&runnable) {
            Place::Anywhere if self.shared.workers() > 1 => {
                self.depth.set(self.depth.get() + 1);
                if let Some(chain) = self.remote().hand.push_last(runnable, CHAIN_MAX) {
                    self.queue_up(chain);
                }
            }
            place => self.requeue_at(place, runnable),
        }
    }

    #[cold]
    #[inline(never)]
    fn queue_up(&self, chain: Chain) {
        self.queue.push(chain);
    }

    #[inline(never)]
    fn requeue_at(&self, place: Place, runnable: Runnable) {
        match place {
            Place::Home(_) => self.pinned.borrow_mut().push(runnable),
            Place::Lane => _ = self.shared.lane_ready.push(runnable),
            Place::Anywhere => self.push(runnable, Origin::Join),
        }
    }

    /// Now and then between two polls: what a busy worker owes the others.
    #[cold]
    fn look_around<D: Driver>(&self, driver: &Mutex<D>) {
        let now = self.shared.now();
        self.pace.sample(now);
        self.watch.assess(self.counters().polls.get(), now, &self.shared);
        let remote = self.remote();
        remote.average.set(self.pace.average());
        remote.sampled.set(now);
        self.count_ready();
        remote.counters.depth.set(self.depth.get() as u64);
        // One may be the task that has just yielded.
        if self.depth.get() <= 1 {
            self.crowded_since.set(now);
        }
        if now - self.advanced.get() >= TIMER_INTERVAL {
            self.advanced.set(now);
            self.shared.driver.advance(self.index, now);
        }
        if now - self.turned.get() >= DRIVER_INTERVAL {
            self.turned.set(now);
            self.poll_driver(driver);
        }
        if let Some(chain) = self.shared.inbox.take(self.index) {
            self.depth.set(self.depth.get() + chain.len());
            self.publish_all(chain);
        }
        self.pinned_due.set(self.has_pinned() || !self.shared.lane_ready.is_empty());
        if self.pace.is_dear() {
            self.publish_hand();
            if self.has_backlog() {
                self.wake_sibling();
            }
        }
    }

    /// Forgets what thieves have taken: if the queue is empty all that is ready is in hand.
    fn count_ready(&self) {
        if self.depth.get() > 1 && self.queue.is_empty() {
            self.depth.set(self.remote().hand.len());
        }
    }

    /// Where `close()` finds them.
    fn give_pinned_back(&self) {
        if let Some(chain) = self.pinned.borrow_mut().take() {
            self.remote().pinned.push_all(chain);
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
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| driver.turn(turn, &|| self.quiet())))
        {
            self.shared.exceptions.panicked("a waker panicked in the driver", payload);
        }
    }

    /// Whether there is anything to do for this worker.
    pub(super) fn has_work(&self) -> bool {
        self.has_own() || self.shared.has_work(self.index)
    }

    /// Whether nothing in the loop is to be done, and everybody sleeps: asked by the worker that has
    /// the driver.
    pub(crate) fn quiet(&self) -> Option<Quiet> {
        // A worker without siblings wakes up after this turn.
        let alone = self.shared.workers() == 1;
        let quiet = if alone { Quiet { wake_ups: 0 } } else { self.shared.idle.quiet()? };
        let idle = !self.has_pinned() && !self.shared.stop.get() && self.shared.is_drained();
        idle.then_some(quiet)
    }

    /// Whether something became ready here, or for this worker only.
    pub(super) fn has_own(&self) -> bool {
        self.depth.get() > 0 || self.has_pinned()
    }

    /// As after many short polls.
    #[cfg(loopwork_loom)]
    pub(crate) fn finds_polls_cheap(&self) {
        for _ in 0..8 {
            self.pace.hear(1);
        }
    }

    /// Runs one of the tasks that only this worker may run, if one is ready.
    #[cfg(loopwork_loom)]
    pub(crate) fn run_pinned(&self) -> bool {
        let ran = self.pinned().map(|runnable| self.run_task(runnable)).is_some();
        self.count_ends() || ran
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

    /// Runs so many tasks, with nothing else in between.
    #[cfg(loopwork_loom)]
    pub(crate) fn run_in_a_row(&self, tasks: usize) {
        for _ in 0..tasks {
            if let Some((runnable, _)) = self.next() {
                self.run_task(runnable);
            }
        }
        self.count_ends();
    }

    /// Runs one task, if one is ready.
    #[cfg(loopwork_loom)]
    pub(crate) fn run_one(&self) -> bool {
        let ran = self.next().map(|(runnable, _)| self.run_task(runnable)).is_some();
        self.count_ends() || ran
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
        ready.extend(self.shared.lane_ready.take().into_iter().flatten());
        while let Some(chain) = self.shared.inbox.take(0) {
            ready.extend(chain);
        }
        // What an event made ready while a sibling still blocked in the driver, as the last run ended.
        for sibling in 1..self.shared.workers() {
            ready.extend(std::iter::from_fn(|| self.take_from(sibling)).flatten());
        }
        ready.extend(std::iter::from_fn(|| self.own()));
        ready.into_iter().for_each(|runnable| self.run_task(runnable));
        self.count_ends();
    }
}

/// While this lives, its worker polls the task it was made with.
#[must_use]
pub(crate) struct Polling<'a> {
    worker: &'a Worker,
    outer: *const Header,
}

impl Polling<'_> {
    /// The task that was polled, which had this table, has been marked as ended.
    #[inline]
    pub(crate) fn has_ended(self, table: *const ()) {
        // Inside another poll, what that does next may take long.
        let keep = self.outer.is_null();
        if let Some(due) = self.worker.untold.marked(table, keep) {
            self.worker.give_up(due);
        }
    }
}

impl Drop for Polling<'_> {
    #[inline]
    fn drop(&mut self) {
        self.worker.polled.set(self.outer);
    }
}

// SAFETY: the one pointer in it is null while the worker is not inside a run, which is on one
// thread; all else is `Send`.
unsafe impl Send for Worker {}

impl Drop for Worker {
    fn drop(&mut self) {
        self.cells.retire(&self.shared);
    }
}

pub(super) fn has_ended(root: &RawTask) -> bool {
    root.header().state.is_complete()
}

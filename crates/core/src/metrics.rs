//! What the workers did: counters with one writer each.

use std::time::Duration;

use loopwork_shim::atomic::{AtomicU64, Ordering};

/// A counter that one thread writes and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// By its one writer only.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        // Ordering: Relaxed: a statistic. No read-modify-write: there is one writer.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// By its one writer only, or where it does not matter whose value stays.
    #[inline]
    pub(crate) fn set(&self, value: u64) {
        // Ordering: Relaxed: a statistic.
        self.0.store(value, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) polls: Counter,
    pub(crate) steals: Counter,
    pub(crate) stolen: Counter,
    pub(crate) parks: Counter,
    pub(crate) turns: Counter,
    pub(crate) wakeups: Counter,
    /// Written by those it woke.
    pub(crate) useless_wakeups: Counter,
    /// Tasks that are ready here.
    pub(crate) depth: Counter,
    /// Nanoseconds between waking up and running out of work.
    pub(crate) busy: Counter,
}

/// What one worker has done since its loop was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Steps it ran: polls of tasks, and callbacks.
    pub polls: u64,
    /// How often it took ready tasks from another worker.
    pub steals: u64,
    /// How many it took: of each time, those it ran first; the rest it may have lost again.
    pub stolen: u64,
    /// How often it went to sleep.
    pub parks: u64,
    /// How often it had the driver deliver events.
    pub driver_turns: u64,
    /// How often it woke another worker because of what was ready here.
    pub wakeups: u64,
    /// How many of these were found to have been for nothing: the tasks were so cheap that help
    /// came too late. After them it calls less often for a while.
    pub useless_wakeups: u64,
    /// How many tasks were ready here when it last looked at the clock, which it does every few
    /// polls.
    pub queue_depth: u64,
    /// How long it was awake and had work, until it last went to sleep.
    pub busy: Duration,
}

/// What a loop has done since it was built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// One entry a worker.
    pub workers: Vec<WorkerMetrics>,
    /// Tasks that have not ended.
    pub alive_tasks: usize,
}

impl Metrics {
    /// The sum over all workers.
    #[must_use]
    pub fn total(&self) -> WorkerMetrics {
        self.workers.iter().fold(WorkerMetrics::default(), |sum, worker| WorkerMetrics {
            polls: sum.polls + worker.polls,
            steals: sum.steals + worker.steals,
            stolen: sum.stolen + worker.stolen,
            parks: sum.parks + worker.parks,
            driver_turns: sum.driver_turns + worker.driver_turns,
            wakeups: sum.wakeups + worker.wakeups,
            useless_wakeups: sum.useless_wakeups + worker.useless_wakeups,
            queue_depth: sum.queue_depth + worker.queue_depth,
            busy: sum.busy + worker.busy,
        })
    }
}

impl From<&Counters> for WorkerMetrics {
    fn from(counters: &Counters) -> Self {
        Self {
            polls: counters.polls.get(),
            steals: counters.steals.get(),
            stolen: counters.stolen.get(),
            parks: counters.parks.get(),
            driver_turns: counters.turns.get(),
            wakeups: counters.wakeups.get(),
            useless_wakeups: counters.useless_wakeups.get(),
            queue_depth: counters.depth.get(),
            busy: Duration::from_nanos(counters.busy.get()),
        }
    }
}

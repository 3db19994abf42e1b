//! What the workers did: counters with one writer each.

use loopwork_shim::atomic::{AtomicU64, Ordering};

/// A counter that one thread writes and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// By its one writer only.
    pub(crate) fn add(&self, n: u64) {
        // Ordering: Relaxed: a statistic. No read-modify-write: there is one writer.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// By its one writer only, or where it does not matter whose value stays.
    pub(crate) fn set(&self, value: u64) {
        // Ordering: Relaxed: a statistic.
        self.0.store(value, Ordering::Relaxed);
    }

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
    /// Nanoseconds between waking up and running out of work.
    pub(crate) busy: Counter,
}

/// What one worker has done since its loop was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Steps it ran: polls of tasks, and callbacks.
    pub polls: u64,
    /// Ready tasks it took from other workers.
    pub stolen: u64,
    /// How often it went to sleep.
    pub parks: u64,
    /// How often it had the driver deliver events.
    pub driver_turns: u64,
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
            stolen: sum.stolen + worker.stolen,
            parks: sum.parks + worker.parks,
            driver_turns: sum.driver_turns + worker.driver_turns,
        })
    }
}

impl From<&Counters> for WorkerMetrics {
    fn from(counters: &Counters) -> Self {
        Self {
            polls: counters.polls.get(),
            stolen: counters.stolen.get(),
            parks: counters.parks.get(),
            driver_turns: counters.turns.get(),
        }
    }
}

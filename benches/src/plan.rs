//! How much work a row is.

use std::time::Duration;

/// The sizes of all rows, and how often each is repeated in one process.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) workers: usize,
    /// Tasks of `spawn_join`, `spawn_remote` and `chained_spawn`.
    pub(crate) tasks: usize,
    /// Which number `fork_join` computes.
    pub(crate) fibonacci: u32,
    pub(crate) unequal: UnequalPlan,
    pub(crate) late: LatePlan,
    pub(crate) burst: BurstPlan,
    /// How long nothing is submitted, so that the workers sleep, in `spawn_late` and `burst`.
    pub(crate) pause: Duration,
    /// Tasks of `yield_many`, and how often each yields.
    pub(crate) yielders: usize,
    pub(crate) yields: usize,
    /// Pairs of `ping_pong`.
    pub(crate) pairs: usize,
    /// Submissions of `remote_wake` that make one sample.
    pub(crate) wakes: usize,
    /// How often the one task of `mutex_free` and `lock_free` locks for one sample.
    pub(crate) locks: usize,
    pub(crate) contended: ContendedPlan,
    /// Permits of `semaphore`, and the tasks that share them.
    pub(crate) permits: usize,
    pub(crate) shared: ContendedPlan,
    /// How often the two tasks of `notify`, and of `oneshot`, wake each other for one sample.
    pub(crate) round_trips: usize,
    pub(crate) queue: QueuePlan,
    pub(crate) channel_4_1: QueuePlan,
    pub(crate) watch: AudiencePlan,
    pub(crate) broadcast: AudiencePlan,
    /// Time limits of `timeout_ready` and `timeout_pending` for one sample.
    pub(crate) timeouts: usize,
    /// Children of `by_hand`, `group` and `gather_ready`.
    pub(crate) children: usize,
    /// In a process whose heap is new: a second time, the tasks would find memory that is there.
    pub(crate) memory: CrowdPlan,
    pub(crate) live_1k: CrowdPlan,
    pub(crate) live_100k: CrowdPlan,
    pub(crate) live_1m: CrowdPlan,
    pub(crate) idle: IdlePlan,
    pub(crate) cancel: CancelPlan,
    pub(crate) fire: FirePlan,
    /// How often `timer_reset` and `timer_reset_now` move the deadline for one sample.
    pub(crate) resets: usize,
    pub(crate) timers_1k: TimersPlan,
    pub(crate) timers_100k: TimersPlan,
    pub(crate) timers_1m: TimersPlan,
    pub(crate) lateness: LatenessPlan,
    /// In a process whose heap is new, as `memory`.
    pub(crate) sleep_memory: CrowdPlan,
    pub(crate) echo: EchoPlan,
    pub(crate) sampling: Sampling,
}

/// The tasks of `unequal`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnequalPlan {
    pub(crate) tasks: usize,
    /// How long most tasks compute.
    pub(crate) short: Duration,
    /// One task in so many computes for `long`.
    pub(crate) every: usize,
    pub(crate) long: Duration,
}

/// The children of `spawn_late`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LatePlan {
    /// How long the parent computes.
    pub(crate) computes: Duration,
    /// How many tasks have been spawned and awaited before, where that is done.
    pub(crate) rounds: usize,
    /// Children that make one sample.
    pub(crate) children: usize,
}

/// The tasks of `burst`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BurstPlan {
    pub(crate) tasks: usize,
    /// How long each computes.
    pub(crate) computes: Duration,
    /// Bursts that make one sample.
    pub(crate) bursts: usize,
}

/// Tasks that all want the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContendedPlan {
    pub(crate) tasks: usize,
    /// How often each gets it, for one sample.
    pub(crate) times: usize,
    pub(crate) sampling: Sampling,
}

/// What goes through a queue or a channel for one sample, and for how many items it has room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueuePlan {
    pub(crate) producers: usize,
    /// Of all producers together.
    pub(crate) items: usize,
    pub(crate) maxsize: usize,
}

/// The tasks that all get what one sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AudiencePlan {
    pub(crate) tasks: usize,
    /// How much is sent before all have to have it.
    pub(crate) batch: usize,
    /// For one sample.
    pub(crate) batches: usize,
}

/// Tasks that are alive at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CrowdPlan {
    pub(crate) tasks: usize,
    pub(crate) sampling: Sampling,
}

/// How long an idle loop is watched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdlePlan {
    /// For one sample; whole milliseconds.
    pub(crate) window: Duration,
    /// How long the one busy task computes between two yields.
    pub(crate) computes: Duration,
    pub(crate) sampling: Sampling,
}

/// The sleeps of `timer_cancel`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CancelPlan {
    pub(crate) tasks: usize,
    /// Of each task.
    pub(crate) sleeps: usize,
}

/// The tasks of `timer_fire`, each of which sleeps once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirePlan {
    pub(crate) tasks: usize,
    pub(crate) shortest: Duration,
    pub(crate) longest: Duration,
    pub(crate) sampling: Sampling,
}

/// The sleeps that are pending, and those that come and go among them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimersPlan {
    pub(crate) pending: usize,
    /// For one sample.
    pub(crate) sleeps: usize,
    pub(crate) sampling: Sampling,
}

/// The tasks of `lateness` and `lateness_busy`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LatenessPlan {
    pub(crate) tasks: usize,
    /// Of each task, for one sample.
    pub(crate) sleeps: usize,
    /// How long each of them is.
    pub(crate) duration: Duration,
    /// How many tasks a worker has to do meanwhile, where it is busy, and how long each computes
    /// between two yields.
    pub(crate) busy: usize,
    pub(crate) computes: Duration,
    pub(crate) sampling: Sampling,
}

/// The load of `echo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EchoPlan {
    pub(crate) connections: usize,
    /// Bytes of a message: 8 or more, since each carries its number.
    pub(crate) bytes: usize,
    pub(crate) warm_up: Duration,
    /// How long messages are counted for one sample, and how many samples there are.
    pub(crate) window: Duration,
    pub(crate) windows: usize,
}

/// When there has been enough of something: at least so often, and for so long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Enough {
    pub(crate) times: usize,
    pub(crate) duration: Duration,
}

/// How a process repeats its work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampling {
    pub(crate) warm_up: Enough,
    pub(crate) samples: Enough,
}

impl Plan {
    /// What is compared.
    pub(crate) fn full(workers: usize) -> Self {
        let sampling = Sampling {
            warm_up: Enough { times: 3, duration: Duration::from_millis(100) },
            samples: Enough { times: 7, duration: Duration::from_millis(400) },
        };
        Self {
            workers,
            tasks: 20_000,
            fibonacci: 20,
            unequal: UnequalPlan { tasks: 4_000, ..UnequalPlan::OF_ANY_SIZE },
            late: LatePlan { computes: Duration::from_micros(300), rounds: 500, children: 20 },
            burst: BurstPlan { tasks: 8, computes: Duration::from_micros(100), bursts: 20 },
            pause: Duration::from_millis(1),
            yielders: 200,
            yields: 1_000,
            pairs: 2_000,
            wakes: 500,
            locks: 100_000,
            contended: ContendedPlan { tasks: 100, times: 2_000, sampling },
            permits: 10,
            shared: ContendedPlan { tasks: 100, times: 200, sampling },
            round_trips: 5_000,
            queue: QueuePlan { producers: 1, items: 100_000, maxsize: 128 },
            channel_4_1: QueuePlan { producers: 4, items: 100_000, maxsize: 128 },
            watch: AudiencePlan { tasks: 10, batch: 1, batches: 2_000 },
            broadcast: AudiencePlan { tasks: 4, batch: 64, batches: 200 },
            timeouts: 50_000,
            children: 10_000,
            memory: CrowdPlan { tasks: 1_000_000, sampling: Sampling::times(0, 1) },
            live_1k: CrowdPlan { tasks: 1_000, sampling },
            live_100k: CrowdPlan { tasks: 100_000, sampling: Sampling::times(2, 5) },
            live_1m: CrowdPlan { tasks: 1_000_000, sampling: Sampling::times(1, 2) },
            idle: IdlePlan {
                window: Duration::from_millis(200),
                computes: Duration::from_micros(10),
                sampling: Sampling::times(1, 2),
            },
            cancel: CancelPlan { tasks: 8, sleeps: 12_500 },
            fire: FirePlan {
                tasks: 200_000,
                shortest: Duration::from_millis(10),
                longest: Duration::from_millis(500),
                sampling: Sampling::times(1, 2),
            },
            resets: 100_000,
            timers_1k: TimersPlan { pending: 1_000, sleeps: 20_000, sampling },
            timers_100k: TimersPlan { pending: 100_000, sleeps: 20_000, sampling },
            timers_1m: TimersPlan { pending: 1_000_000, sleeps: 20_000, sampling },
            lateness: LatenessPlan {
                tasks: 100,
                sleeps: 50,
                sampling: Sampling::times(1, 3),
                ..LatenessPlan::OF_ANY_SIZE
            },
            sleep_memory: CrowdPlan { tasks: 1_000_000, sampling: Sampling::times(0, 1) },
            echo: EchoPlan {
                connections: 64,
                bytes: 64,
                warm_up: Duration::from_millis(300),
                window: Duration::from_millis(300),
                windows: 3,
            },
            sampling,
        }
    }

    /// Enough to see that everything works.
    pub(crate) fn smoke(workers: usize) -> Self {
        let sampling = Sampling::times(2, 2);
        Self {
            workers,
            tasks: 200,
            fibonacci: 10,
            unequal: UnequalPlan { tasks: 160, ..UnequalPlan::OF_ANY_SIZE },
            late: LatePlan { computes: Duration::from_micros(300), rounds: 20, children: 5 },
            burst: BurstPlan { tasks: 8, computes: Duration::from_micros(100), bursts: 5 },
            pause: Duration::from_millis(1),
            yielders: 20,
            yields: 50,
            pairs: 50,
            wakes: 20,
            locks: 500,
            contended: ContendedPlan { tasks: 10, times: 50, sampling },
            permits: 2,
            shared: ContendedPlan { tasks: 10, times: 20, sampling },
            round_trips: 50,
            queue: QueuePlan { producers: 1, items: 500, maxsize: 128 },
            channel_4_1: QueuePlan { producers: 4, items: 2_000, maxsize: 128 },
            watch: AudiencePlan { tasks: 10, batch: 1, batches: 20 },
            broadcast: AudiencePlan { tasks: 4, batch: 64, batches: 5 },
            timeouts: 500,
            children: 200,
            memory: CrowdPlan { tasks: 2_000, sampling: Sampling::times(0, 1) },
            live_1k: CrowdPlan { tasks: 50, sampling },
            live_100k: CrowdPlan { tasks: 500, sampling },
            live_1m: CrowdPlan { tasks: 2_000, sampling },
            idle: IdlePlan {
                window: Duration::from_millis(10),
                computes: Duration::from_micros(10),
                sampling,
            },
            cancel: CancelPlan { tasks: 8, sleeps: 100 },
            fire: FirePlan {
                tasks: 500,
                shortest: Duration::from_millis(1),
                longest: Duration::from_millis(5),
                sampling,
            },
            resets: 500,
            timers_1k: TimersPlan { pending: 100, sleeps: 200, sampling },
            timers_100k: TimersPlan { pending: 500, sleeps: 200, sampling },
            timers_1m: TimersPlan { pending: 2_000, sleeps: 200, sampling },
            lateness: LatenessPlan { tasks: 10, sleeps: 2, sampling, ..LatenessPlan::OF_ANY_SIZE },
            sleep_memory: CrowdPlan { tasks: 2_000, sampling: Sampling::times(0, 1) },
            echo: EchoPlan {
                connections: 8,
                bytes: 64,
                warm_up: Duration::from_millis(20),
                window: Duration::from_millis(30),
                windows: 2,
            },
            sampling,
        }
    }
}

impl UnequalPlan {
    const OF_ANY_SIZE: Self = Self {
        tasks: 0,
        short: Duration::from_micros(5),
        every: 16,
        long: Duration::from_micros(400),
    };

    /// How long a task computes, counted from zero.
    pub(crate) fn duration(&self, number: usize) -> Duration {
        if number % self.every == self.every - 1 { self.long } else { self.short }
    }

    /// How long all tasks compute, together.
    pub(crate) fn work(&self) -> Duration {
        (0..self.tasks).map(|number| self.duration(number)).sum()
    }
}

impl LatenessPlan {
    const OF_ANY_SIZE: Self = Self {
        tasks: 0,
        sleeps: 0,
        duration: Duration::from_millis(5),
        busy: 2,
        computes: Duration::from_micros(20),
        sampling: Sampling::times(0, 0),
    };
}

impl Sampling {
    /// So often for the warm-up, and so often after it.
    const fn times(warm_up: usize, samples: usize) -> Self {
        Self { warm_up: Enough::times(warm_up), samples: Enough::times(samples) }
    }
}

impl Enough {
    const fn times(times: usize) -> Self {
        Self { times, duration: Duration::ZERO }
    }

    pub(crate) fn reached(self, times: usize, duration: Duration) -> bool {
        times >= self.times && duration >= self.duration
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sixteenth_task_is_eighty_times_as_long() {
        let unequal = Plan::full(2).unequal;
        let long = (0..unequal.tasks).filter(|&number| unequal.duration(number) == unequal.long);
        assert_eq!((long.count(), unequal.long), (250, unequal.short * 80));
        assert_eq!(unequal.work(), Duration::from_micros(250 * 400 + 3_750 * 5));
    }
}

//! How much work a row is.

use std::time::Duration;

/// The sizes of all rows, and how often each is repeated in one process.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) workers: usize,
    /// Tasks of `spawn_join` and `spawn_remote`.
    pub(crate) tasks: usize,
    /// Tasks of `yield_many`, and how often each yields.
    pub(crate) yielders: usize,
    pub(crate) yields: usize,
    /// Pairs of `ping_pong`.
    pub(crate) pairs: usize,
    /// Submissions of `remote_wake` that make one sample.
    pub(crate) wakes: usize,
    pub(crate) echo: EchoPlan,
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
        Self {
            workers,
            tasks: 20_000,
            yielders: 200,
            yields: 1_000,
            pairs: 2_000,
            wakes: 500,
            echo: EchoPlan {
                connections: 64,
                bytes: 64,
                warm_up: Duration::from_millis(300),
                window: Duration::from_millis(300),
                windows: 3,
            },
            sampling: Sampling {
                warm_up: Enough { times: 3, duration: Duration::from_millis(100) },
                samples: Enough { times: 7, duration: Duration::from_millis(400) },
            },
        }
    }

    /// Enough to see that everything works.
    pub(crate) fn smoke(workers: usize) -> Self {
        let twice = Enough { times: 2, duration: Duration::ZERO };
        Self {
            workers,
            tasks: 200,
            yielders: 20,
            yields: 50,
            pairs: 50,
            wakes: 20,
            echo: EchoPlan {
                connections: 8,
                bytes: 64,
                warm_up: Duration::from_millis(20),
                window: Duration::from_millis(30),
                windows: 2,
            },
            sampling: Sampling { warm_up: twice, samples: twice },
        }
    }
}

impl Enough {
    pub(crate) fn reached(self, times: usize, duration: Duration) -> bool {
        times >= self.times && duration >= self.duration
    }
}

//! What `#[loopwork::test]` expands to.

use std::env;
use std::future::Future;
use std::ops::Range;
use std::process::ExitCode;
use std::thread;

use loopwork_time::Clock;

use crate::event_loop::EventLoop;
use crate::run::block_on;

/// Names the seed that a test is to run under.
const SEED: &str = "LOOPWORK_SEED";

/// A test, as its attribute describes it.
#[derive(Debug, Default)]
pub struct Test {
    workers: Option<usize>,
    virtual_time: bool,
    seeds: Option<Range<u64>>,
}

impl Test {
    /// On a loop as the builder makes it by default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With so many workers.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Under a virtual clock of its own.
    #[must_use]
    pub fn virtual_time(mut self) -> Self {
        self.virtual_time = true;
        self
    }

    /// In the order of this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seeds = Some(seed..seed + 1);
        self
    }

    /// So many times, in the orders of the seeds from 0 on.
    #[must_use]
    pub fn seeds(mut self, count: u64) -> Self {
        self.seeds = Some(0..count);
        self
    }

    /// Runs the test, once for each seed, and gives what the last run gave, or the first that failed.
    #[track_caller]
    pub fn run<F: Future<Output: Outcome>>(self, test: impl Fn() -> F) -> F::Output {
        let Some(seeds) = self.seeds.clone() else { return block_on(self.builder(None), test()) };
        let mut seeds = set_seed().map_or(seeds, |seed| seed..seed + 1);
        loop {
            let seed = seeds.next().expect("there is one at least");
            let report = Report(seed);
            let outcome = block_on(self.builder(Some(seed)), test());
            if outcome.is_failure() {
                return outcome;
            }
            // It tells of failures only.
            std::mem::forget(report);
            if seeds.is_empty() {
                return outcome;
            }
        }
    }

    fn builder(&self, seed: Option<u64>) -> crate::Builder {
        let mut builder = EventLoop::builder();
        if let Some(workers) = self.workers {
            builder = builder.workers(workers);
        }
        if self.virtual_time {
            builder = builder.clock(Clock::virtual_time());
        }
        if let Some(seed) = seed {
            builder = builder.seed(seed);
        }
        builder
    }
}

fn set_seed() -> Option<u64> {
    let text = env::var(SEED).ok()?;
    let seed = text.parse();
    Some(seed.unwrap_or_else(|_| panic!("`{SEED}` takes a number, such as 7, and not `{text}`")))
}

/// Says under which seed the test failed, when it goes.
struct Report(u64);

impl Drop for Report {
    fn drop(&mut self) {
        let test = thread::current();
        let name = test.name().unwrap_or("the test");
        let seed = self.0;
        eprintln!("`{name}` failed under seed {seed}: run it again with {SEED}={seed}");
    }
}

/// What a test may return.
pub trait Outcome {
    /// Whether the test is to be stopped.
    fn is_failure(&self) -> bool;
}

impl Outcome for () {
    fn is_failure(&self) -> bool {
        false
    }
}

impl<T, E> Outcome for Result<T, E> {
    fn is_failure(&self) -> bool {
        self.is_err()
    }
}

impl Outcome for ExitCode {
    /// It does not say. Its runs go on.
    fn is_failure(&self) -> bool {
        false
    }
}

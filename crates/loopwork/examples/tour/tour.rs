//! What a program of the tour gets: loops, and how long a second is.

use std::cell::RefCell;
use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loopwork::{Clock, EventLoop, Handle, Hold, Instant, LoopError, WorkerMetrics};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What a program of the tour comes to.
pub(crate) type Outcome = Result<(), Failure>;

/// How long a second of the Python programs is here.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    second: Duration,
}

impl Scale {
    pub(crate) fn new(second: Duration) -> Self {
        Self { second }
    }

    /// So many seconds of the Python program.
    pub(crate) fn seconds(self, seconds: impl Into<f64>) -> Duration {
        self.second.mul_f64(seconds.into())
    }
}

/// One part of the tour: so many workers, and the loops that its programs make.
pub(crate) struct Tour {
    pub(crate) workers: usize,
    pub(crate) scale: Scale,
    clock: Clock,
    loops: RefCell<Vec<Handle>>,
}

impl Tour {
    pub(crate) fn new(workers: usize, scale: Scale, clock: Clock) -> Self {
        Self { workers, scale, clock, loops: RefCell::default() }
    }

    /// A new loop: `asyncio.new_event_loop()`.
    pub(crate) fn event_loop(&self) -> Result<EventLoop, LoopError> {
        let event_loop =
            EventLoop::builder().workers(self.workers).clock(self.clock.clone()).build()?;
        self.loops.borrow_mut().push(event_loop.handle());
        Ok(event_loop)
    }

    /// The time by the clock of the loops.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The time since `start`, in seconds of the Python program.
    pub(crate) fn since(&self, start: Instant) -> f64 {
        (self.now() - start).as_secs_f64() / self.scale.second.as_secs_f64()
    }

    /// While this lives, virtual time does not go on by itself.
    pub(crate) fn hold(&self) -> Hold {
        self.clock.hold()
    }

    /// What the workers of all loops have done so far, worker by worker.
    pub(crate) fn metrics(&self) -> Vec<WorkerMetrics> {
        let mut sums = vec![WorkerMetrics::default(); self.workers];
        for handle in &*self.loops.borrow() {
            for (sum, worker) in sums.iter_mut().zip(handle.metrics().workers) {
                sum.polls += worker.polls;
                sum.stolen += worker.stolen;
                sum.parks += worker.parks;
            }
        }
        sums
    }
}

/// The time of day in UTC, to the microsecond: what is left of `datetime.now()`.
pub(crate) fn now() -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since_epoch.as_secs();
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:06}", seconds % 60, since_epoch.subsec_micros())
}

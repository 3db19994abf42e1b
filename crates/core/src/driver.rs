//! The contract with whatever waits for events: I/O, timers, or nothing but an unpark.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use loopwork_shim::sync::{Condvar, Mutex};

/// How long a [`Driver::turn`] may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Deliver what has happened, without waiting.
    Poll,
    /// Wait for an event, a deadline or an unpark; or no longer than this, if it is given.
    Block(Option<Duration>),
}

/// What a worker does when it has nothing to run, and now and then when it has.
///
/// One worker at a time has the driver. It knows nothing of queues; waking a task inside `turn`
/// makes that task ready on the worker that called.
pub trait Driver: Send + 'static {
    /// The end of the driver that any thread may use.
    fn handle(&self) -> Arc<dyn DriverHandle>;

    /// Delivers events and due timers, in this order, waiting for them as `turn` says.
    ///
    /// It must return soon after an [`unpark`](DriverHandle::unpark), also one that came before.
    /// A panic is reported to the exception handler, and the loop goes on with the next turn.
    ///
    /// `quiet` says whether the loop runs and nothing else in it is to be done now: every worker
    /// sleeps and has left its timers to the driver, and no task and no callback is ready. A driver
    /// of virtual time asks before it lets time go on. The answer is of the moment: what comes from
    /// outside may come right after it.
    fn turn(&mut self, turn: Turn, quiet: &dyn Fn() -> Option<Quiet>);
}

/// A moment at which nothing in a loop was to be done. If two are equal, nothing was done between
/// them either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    /// How often a worker had woken up by then.
    pub(crate) wake_ups: u64,
}

/// The end of a [`Driver`] that is shared by all threads.
pub trait DriverHandle: Send + Sync {
    /// Ends a blocking [`Driver::turn`], or the next one if none is under way.
    fn unpark(&self);

    /// Called on each worker's thread before it polls its first task. What is returned is dropped
    /// on that thread when it stops polling: a place for guards of thread-locals.
    fn enter(&self, worker: usize) -> Box<dyn Any> {
        let _ = worker;
        Box::new(())
    }

    /// Called by a busy worker between two polls, every few microseconds if its polls allow: wakes
    /// what is due of the timers that are its own. `now` is what its clock shows, in nanoseconds.
    fn advance(&self, worker: usize, now: u64) {
        let _ = (worker, now);
    }

    /// Called now and then by a sleeper while others are awake, as the driver may be with another sleeper:
    /// wakes what is due of the timers of workers that ought to have done so long ago.
    fn rescue(&self) {}

    /// Called by a worker that goes to sleep, before it counts as asleep and blocks in
    /// [`Driver::turn`] or elsewhere. From now on the driver takes care of its timers.
    fn rest(&self, worker: usize) {
        let _ = worker;
    }

    /// Called by the worker that fell asleep last.
    fn all_sleep(&self) {}

    /// Called by a worker that goes on after [`rest`](DriverHandle::rest).
    fn resume(&self, worker: usize) {
        let _ = worker;
    }
}

/// A driver without events: it only sleeps. The executor alone, and its models, run on it.
#[derive(Debug, Default)]
pub struct SleepDriver(Arc<SleepHandle>);

#[derive(Default)]
struct SleepHandle {
    unparked: Mutex<bool>,
    condvar: Condvar,
}

impl fmt::Debug for SleepHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SleepHandle")
    }
}

impl SleepDriver {
    /// A driver without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Driver for SleepDriver {
    fn handle(&self) -> Arc<dyn DriverHandle> {
        self.0.clone()
    }

    fn turn(&mut self, turn: Turn, _: &dyn Fn() -> Option<Quiet>) {
        let mut unparked = self.0.unparked.lock();
        if let Turn::Block(cap) = turn {
            while !*unparked {
                match cap {
                    None => self.0.condvar.wait(&mut unparked),
                    Some(cap) => {
                        if self.0.condvar.wait_for(&mut unparked, cap).timed_out() {
                            break;
                        }
                    }
                }
            }
        }
        *unparked = false;
    }
}

impl DriverHandle for SleepHandle {
    fn unpark(&self) {
        *self.unparked.lock() = true;
        self.condvar.notify_one();
    }
}

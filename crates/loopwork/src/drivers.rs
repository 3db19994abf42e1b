//! Joins the reactor and the timers, flat: the earliest deadline, one wait, one advance.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;
use std::vec::Drain;

use loopwork_core::{Callback, Driver, DriverHandle, ExceptionContext, Quiet, Turn, is_task_waker};
use loopwork_io::{Reactor, ReactorHandle, Unparker};
use loopwork_shim::prefetch;
use loopwork_time::{Due, Instant, Timers};

use crate::current::Entered;
use crate::handle::{Handle, Parts};

/// How far ahead of a wake-up its task is loaded.
const AHEAD: usize = 8;

/// What a worker of an [`EventLoop`](crate::EventLoop) does when it has nothing to run.
pub(crate) struct Drivers {
    reactor: Reactor,
    timers: Timers,
    shared: Arc<SharedDrivers>,
    /// What is due in this turn; kept for its memory.
    due: Vec<Due>,
    pace: Pace,
    /// A failed wait was reported; the next ones are not, until one succeeds.
    failed: bool,
}

pub(crate) struct SharedDrivers {
    unparker: Unparker,
    timers: Timers,
    reactor: ReactorHandle,
    /// There is one worker.
    single: bool,
    /// The loop these drive. Set once it is there; weak, since it owns them.
    parts: loopwork_shim::sync::Mutex<Weak<Parts>>,
}

impl Drivers {
    pub(crate) fn new(reactor: Reactor, timers: Timers) -> Self {
        let unparker = reactor.unparker();
        timers.on_earlier(Box::new(move || unparker.unpark()));
        let wake = reactor.unparker();
        let free = timers.clock().attach(Arc::new(move || wake.unpark()));
        assert!(
            free,
            "a virtual clock is for one loop at a time: close the one before, or make another clock"
        );
        let shared = Arc::new(SharedDrivers {
            unparker: reactor.unparker(),
            timers: timers.clone(),
            reactor: reactor.handle(),
            single: timers.workers() == 1,
            parts: loopwork_shim::sync::Mutex::new(Weak::new()),
        });
        Self { reactor, timers, shared, due: Vec::new(), pace: Pace::default(), failed: false }
    }

    pub(crate) fn shared(&self) -> Arc<SharedDrivers> {
        self.shared.clone()
    }

    fn wait(&mut self, turn: Turn, quiet: &dyn Fn() -> Option<Quiet>) {
        let waited = match turn {
            Turn::Poll => self.reactor.turn(Some(Duration::ZERO)),
            Turn::Block(cap) if self.timers.clock().is_virtual() => self.wait_virtually(cap, quiet),
            Turn::Block(cap) => self.wait_really(cap),
        };
        match waited {
            Ok(_) => self.failed = false,
            Err(_) if self.failed => {}
            Err(error) => {
                self.failed = true;
                if let Some(handle) = self.shared.handle() {
                    let message = format!("waiting for events failed: {error}");
                    handle.call_exception_handler(&ExceptionContext::new(message));
                }
            }
        }
    }

    /// Waits for an event, an unpark, the earliest deadline, or the cap.
    fn wait_really(&mut self, cap: Option<Duration>) -> io::Result<usize> {
        let until = self.timers.next_deadline().map(|deadline| {
            let now = self.timers.now();
            if deadline <= now { Duration::ZERO } else { self.pace.not_before(deadline) - now }
        });
        let waited = self.reactor.turn([cap, until].into_iter().flatten().min());
        self.timers.waiter_awake();
        waited
    }

    /// Waits for an event, an unpark or the cap; or, if nothing else can happen in the loop, goes to
    /// the earliest deadline at once.
    ///
    /// The look for I/O may use up an unpark. So whatever that can have been about is looked at
    /// afterwards, before the wait that it no longer ends.
    ///
    /// Deadlines and holds are read while everything sleeps: whoever woke up in between may have made
    /// an earlier deadline, or taken a hold, and sleep again.
    fn wait_virtually(
        &mut self,
        cap: Option<Duration>,
        quiet: &dyn Fn() -> Option<Quiet>,
    ) -> io::Result<usize> {
        let before = quiet();
        if before.is_some() {
            let found = self.reactor.turn(Some(Duration::ZERO))?;
            let next = self.timers.settled_deadline();
            let allowed = next.filter(|&next| self.timers.clock().may_jump_to(next));
            if found > 0 || quiet() != before {
                return Ok(found);
            }
            if let Some(next) = allowed {
                self.timers.clock().set(next);
                return Ok(0);
            }
        }
        self.reactor.turn(cap)
    }

    fn fire(&mut self) {
        let now = self.timers.now();
        self.timers.advance(now, &mut self.due);
        if !self.due.is_empty() {
            self.pace.woken(now);
            self.shared.wake(self.due.drain(..));
        }
    }
}

/// Lets the timers of a loop that has little to do end its sleep only so often: where deadlines lie
/// closer together than a wake-up takes, several are better served at once.
///
/// A few may come as close as they like: this is a leaky bucket, in the form of the generic cell rate
/// algorithm (ITU-T I.371).
#[derive(Default)]
struct Pace {
    /// When the bucket will be empty.
    empty: Option<Instant>,
}

impl Pace {
    /// The time between two wake-ups in the long run: as often does a busy worker poll the driver.
    const GAP: Duration = Duration::from_micros(50);
    /// So many may come at once.
    const BURST: u32 = 16;

    /// When to wake up for what is due at `deadline`.
    fn not_before(&self, deadline: Instant) -> Instant {
        self.empty.map_or(deadline, |empty| deadline.max(empty - Self::GAP * Self::BURST))
    }

    /// A turn that began before `now` found something due.
    fn woken(&mut self, now: Instant) {
        self.empty = Some(self.empty.map_or(now, |empty| empty.max(now)) + Self::GAP);
    }
}

/// Unwind: a foreign waker may panic; what is due after it must be woken all the same.
fn wake(waker: Waker, handle: impl FnOnce() -> Option<Handle>) {
    if catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err() {
        if let Some(handle) = handle() {
            let report = ExceptionContext::new("the waker of a sleep panicked");
            handle.call_exception_handler(&report);
        }
    }
}

impl Driver for Drivers {
    fn handle(&self) -> Arc<dyn DriverHandle> {
        self.shared.clone()
    }

    fn turn(&mut self, turn: Turn, quiet: &dyn Fn() -> Option<Quiet>) {
        self.wait(turn, quiet);
        self.fire();
    }
}

impl Drop for Drivers {
    fn drop(&mut self) {
        self.timers.clock().detach();
    }
}

impl SharedDrivers {
    pub(crate) fn set_parts(&self, parts: Weak<Parts>) {
        *self.parts.lock() = parts;
    }

    fn handle(&self) -> Option<Handle> {
        self.parts.lock().upgrade().map(Handle::new)
    }

    /// Wakes what `advance` finds due.
    fn fire(&self, advance: impl FnOnce(&mut Vec<Due>)) {
        let mut due = Vec::new();
        advance(&mut due);
        if !due.is_empty() {
            self.wake(due.drain(..));
        }
    }

    /// Wakes what is due, in its order.
    fn wake(&self, mut due: Drain<'_, Due>) {
        if self.single {
            return self.wake_in_order(due);
        }
        // Who waits has mostly left the cache: some are asked for ahead.
        due.as_slice().iter().take(AHEAD).for_each(|due| prefetch(due.waker.data()));
        while let Some(Due { waker, .. }) = due.next() {
            if let Some(ahead) = due.as_slice().get(AHEAD) {
                prefetch(ahead.waker.data());
            }
            wake(waker, || self.handle());
        }
    }

    /// asyncio's order: a sleep that is due is an entry of its own in the one queue, among the timer
    /// callbacks, and its task is ready only when that entry runs.
    fn wake_in_order(&self, due: impl Iterator<Item = Due>) {
        let Some(handle) = self.handle() else { return };
        for Due { waker, .. } in due {
            if is_task_waker(&waker) {
                let (callback, _) = Callback::new(move || waker.wake());
                drop(handle.core().enqueue(callback));
            } else {
                wake(waker, || Some(handle.clone()));
            }
        }
    }
}

impl DriverHandle for SharedDrivers {
    fn unpark(&self) {
        self.unparker.unpark();
    }

    fn enter(&self, worker: usize) -> Box<dyn Any> {
        let loops = self.handle().map(Entered::new);
        Box::new((loops, self.timers.enter_worker(worker), self.reactor.enter()))
    }

    fn advance(&self, worker: usize, now: u64) {
        let now = self.timers.clock().now_at(now);
        self.fire(|due| self.timers.advance_here(worker, now, due));
    }

    fn rescue(&self) {
        self.fire(|due| self.timers.advance_stuck(self.timers.now(), due));
    }

    fn rest(&self, worker: usize) {
        self.timers.rest(worker);
    }

    fn all_sleep(&self) {
        if self.timers.clock().is_virtual() {
            // Whoever has the driver lets time go on.
            self.unparker.unpark();
        }
    }

    fn resume(&self, worker: usize) {
        self.timers.resume(worker);
    }
}

//! Joins the reactor and the timers, flat: the earliest deadline, one wait, one advance.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use loopwork_core::{Callback, Driver, DriverHandle, ExceptionContext, Turn, is_task_waker};
use loopwork_io::{Reactor, ReactorHandle, Unparker};
use loopwork_time::{Due, Timers};

use crate::current::Entered;
use crate::handle::{Handle, Parts};

/// What a worker of an [`EventLoop`](crate::EventLoop) does when it has nothing to run.
pub(crate) struct Drivers {
    reactor: Reactor,
    timers: Timers,
    shared: Arc<SharedDrivers>,
    /// What is due in this turn; kept for its memory.
    due: Vec<Due>,
    /// A failed wait was reported; the next ones are not, until one succeeds.
    failed: bool,
}

pub(crate) struct SharedDrivers {
    unparker: Unparker,
    timers: Timers,
    reactor: ReactorHandle,
    /// The loop these drive. Set once it is there; weak, since it owns them.
    parts: loopwork_shim::sync::Mutex<Weak<Parts>>,
}

impl Drivers {
    pub(crate) fn new(reactor: Reactor, timers: Timers) -> Self {
        let unparker = reactor.unparker();
        timers.on_earlier(Box::new(move || unparker.unpark()));
        let shared = Arc::new(SharedDrivers {
            unparker: reactor.unparker(),
            timers: timers.clone(),
            reactor: reactor.handle(),
            parts: loopwork_shim::sync::Mutex::new(Weak::new()),
        });
        Self { reactor, timers, shared, due: Vec::new(), failed: false }
    }

    pub(crate) fn shared(&self) -> Arc<SharedDrivers> {
        self.shared.clone()
    }

    fn wait(&mut self, turn: Turn) {
        let limit = match turn {
            Turn::Poll => Some(Duration::ZERO),
            Turn::Block(cap) => {
                let deadline = self.timers.next_deadline();
                let until = deadline.map(|deadline| deadline - self.timers.now());
                [cap, until].into_iter().flatten().min()
            }
        };
        let waited = self.reactor.turn(limit);
        if turn != Turn::Poll {
            self.timers.waiter_awake();
        }
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

    fn fire(&mut self) {
        self.timers.advance(self.timers.now(), &mut self.due);
        if self.due.is_empty() {
            return;
        }
        let handle = self.shared.handle();
        let single = handle.as_ref().filter(|handle| handle.core().workers() == 1);
        for Due { waker, .. } in self.due.drain(..) {
            match single {
                // asyncio's order: a sleep that is due is an entry of its own in the one queue,
                // among the timer callbacks, and its task is ready only when that entry runs.
                Some(handle) if is_task_waker(&waker) => {
                    let (callback, _) = Callback::new(move || waker.wake());
                    drop(handle.core().enqueue(callback));
                }
                _ => wake(waker, handle.as_ref()),
            }
        }
    }
}

/// Unwind: a foreign waker may panic; what is due after it must be woken all the same.
fn wake(waker: Waker, handle: Option<&Handle>) {
    if catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err() {
        if let Some(handle) = handle {
            let report = ExceptionContext::new("the waker of a sleep panicked");
            handle.call_exception_handler(&report);
        }
    }
}

impl Driver for Drivers {
    fn handle(&self) -> Arc<dyn DriverHandle> {
        self.shared.clone()
    }

    fn turn(&mut self, turn: Turn) {
        self.wait(turn);
        self.fire();
    }
}

impl SharedDrivers {
    pub(crate) fn set_parts(&self, parts: Weak<Parts>) {
        *self.parts.lock() = parts;
    }

    fn handle(&self) -> Option<Handle> {
        self.parts.lock().upgrade().map(Handle::new)
    }
}

impl DriverHandle for SharedDrivers {
    fn unpark(&self) {
        self.unparker.unpark();
    }

    fn enter(&self) -> Box<dyn Any> {
        let loops = self.handle().map(Entered::new);
        Box::new((loops, self.timers.enter(), self.reactor.enter()))
    }
}

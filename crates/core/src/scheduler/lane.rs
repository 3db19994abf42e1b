//! The callback lane: callbacks run in the order they became due, each once, never two at a time.
//!
//! With `workers(n)` the lane is a task of its own that nobody sees: that it is polled by one
//! worker at a time, and again if something arrived meanwhile, is what tasks are. A poll runs a
//! snapshot. With `workers(1)` each callback is such a task ([`Once`]), so that callbacks and
//! tasks share one order.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use loopwork_shim::sync::Mutex;

use super::{Shared, Spawn};
use crate::callback::Callback;
use crate::task::{Kind, RawTask};

#[derive(Debug, Default)]
pub(super) struct Lane(Mutex<Due>);

#[derive(Debug, Default)]
struct Due {
    callbacks: VecDeque<Callback>,
    /// The lane's task, to be woken. None before it starts and after `close`.
    task: Option<RawTask>,
    /// The task was woken, and has not taken its snapshot yet.
    woken: bool,
    closed: bool,
}

/// Creates the lane's task.
pub(super) fn start(shared: &Arc<Shared>) {
    let spawn = Spawn::new(Kind::Internal, Location::caller());
    let task = shared.spawn(Serial { shared: shared.clone() }, spawn);
    let task = task.unwrap_or_else(|_| unreachable!("a new loop is open"));
    let woken = task.clone();
    task.drop_handle();
    shared.lane.0.lock().task = Some(woken);
}

impl Lane {
    /// Makes a callback due, or hands it back if the lane is closed.
    pub(super) fn push(&self, callback: Callback) -> Result<(), Callback> {
        let task = {
            let mut due = self.0.lock();
            if due.closed && !loopwork_shim::weaken!("lane-close") {
                return Err(callback);
            }
            due.callbacks.push_back(callback);
            if std::mem::replace(&mut due.woken, true) { None } else { due.task.clone() }
        };
        if let Some(task) = task {
            task.wake();
        }
        Ok(())
    }

    /// Everything that is due now. What arrives later wakes the task again.
    fn snapshot(&self) -> VecDeque<Callback> {
        let mut due = self.0.lock();
        due.woken = false;
        std::mem::take(&mut due.callbacks)
    }

    /// Refuses new callbacks, and cancels those that are due.
    pub(super) fn close(&self, shared: &Shared) {
        let (callbacks, task) = {
            let mut due = self.0.lock();
            due.closed = true;
            (std::mem::take(&mut due.callbacks), due.task.take())
        };
        drop(task);
        for callback in callbacks {
            cancel(&callback, shared);
        }
    }
}

/// Cancels a callback of a loop that closes. A panic of its destructor is reported.
fn cancel(callback: &Callback, shared: &Shared) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| callback.cancel())) {
        let message = "the destructor of a callback panicked while its loop closed";
        shared.exceptions.panicked(message, payload);
    }
}

impl Shared {
    /// One snapshot: by the lane's task, or by worker 0 while all others rest.
    pub(super) fn run_due_callbacks(&self) {
        for callback in self.lane.snapshot() {
            callback.call(self);
        }
    }
}

/// The future of the lane's task.
struct Serial {
    shared: Arc<Shared>,
}

impl Future for Serial {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.shared.run_due_callbacks();
        Poll::Pending
    }
}

/// One callback of `workers(1)`, as a task that runs it and ends.
pub(super) struct Once {
    shared: Arc<Shared>,
    callback: Option<Callback>,
}

impl Once {
    pub(super) fn new(shared: Arc<Shared>, callback: Callback) -> Self {
        Self { shared, callback: Some(callback) }
    }

    pub(super) fn into_callback(mut self) -> Callback {
        self.callback.take().expect("a refused callback was not polled")
    }
}

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if let Some(callback) = self.callback.take() {
            callback.call(&self.shared);
        }
        Poll::Ready(())
    }
}

impl Drop for Once {
    /// The loop closed first: the callback's handle is to say so.
    fn drop(&mut self) {
        if let Some(callback) = self.callback.take() {
            cancel(&callback, &self.shared);
        }
    }
}

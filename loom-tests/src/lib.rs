//! What the models share. `MODELS.md` beside this crate says what each checks, and which weakening
//! makes it fail.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loopwork_shim::cell::UnsafeCell;
use loopwork_shim::sync::{Condvar, Mutex};

/// Explores `model` with at most `preemptions` involuntary switches in each execution.
pub fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loopwork_shim::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(model);
}

pub use loopwork_shim::model::spawn;

/// Plain memory that two threads use: loom fails the model if nothing orders their accesses.
#[derive(Debug)]
pub struct Data(UnsafeCell<u32>);

// SAFETY: that accesses are ordered is what loom checks.
unsafe impl Sync for Data {}
// SAFETY: as above.
unsafe impl Send for Data {}

impl Data {
    #[expect(clippy::new_without_default, reason = "a model says what it starts with")]
    pub fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    pub fn write(&self, value: u32) {
        // SAFETY: loom checks that nobody else is here.
        self.0.with_mut(|data| unsafe { *data = value });
    }

    pub fn read(&self) -> u32 {
        // SAFETY: loom checks that nobody writes.
        self.0.with(|data| unsafe { *data })
    }
}

/// Wakes one thread that waits: a flag under a lock. As a waker, it rings.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<bool>,
    condvar: Condvar,
}

impl Bell {
    pub fn ring(&self) {
        *self.rung.lock() = true;
        self.condvar.notify_one();
    }

    /// Whether it was rung since the last wait.
    pub fn has_rung(&self) -> bool {
        *self.rung.lock()
    }

    /// Waits until it was rung since the last wait.
    pub fn wait(&self) {
        let mut rung = self.rung.lock();
        while !*rung {
            self.condvar.wait(&mut rung);
        }
        *rung = false;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

/// Waits for `future` on this thread. If it is never woken, loom reports the deadlock.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        bell.wait();
    }
}

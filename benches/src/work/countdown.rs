//! What a thread outside waits for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};

/// What one thread waits for, and the tasks of all workers bring about.
pub(super) struct Countdown {
    left: AtomicUsize,
    waiter: Thread,
}

impl Countdown {
    /// One for the process, so that a task holds a plain reference.
    pub(super) fn of_this_thread() -> &'static Self {
        Box::leak(Box::new(Self { left: AtomicUsize::new(0), waiter: thread::current() }))
    }

    pub(super) fn begin(&self, left: usize) {
        // Ordering: Relaxed: spawning hands the tasks over, and this with them.
        self.left.store(left, Ordering::Relaxed);
    }

    pub(super) fn one(&self) {
        // Ordering: Release: what a task did is before what follows `wait`.
        if self.left.fetch_sub(1, Ordering::Release) == 1 {
            self.waiter.unpark();
        }
    }

    /// Only by the thread that it was made on.
    pub(super) fn wait(&self) {
        // Ordering: Acquire: pairs with `one`.
        while self.left.load(Ordering::Acquire) != 0 {
            thread::park();
        }
    }
}

//! What a task waits for that waits for many.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::task::AtomicWaker;

/// How many tasks have not come to some point yet, and the task that waits until all have.
#[derive(Debug)]
pub(super) struct Absent {
    count: AtomicUsize,
    waiter: AtomicWaker,
}

impl Absent {
    /// One for the process, so that a task holds a plain reference.
    pub(super) fn new() -> &'static Self {
        Box::leak(Box::new(Self { count: AtomicUsize::new(0), waiter: AtomicWaker::new() }))
    }

    pub(super) fn begin(&self, count: usize) {
        // Ordering: Relaxed: spawning hands the tasks over, and this with them.
        self.count.store(count, Ordering::Relaxed);
    }

    pub(super) fn one_less(&self) {
        // Ordering: Release: what a task did is before what follows `none`.
        if self.count.fetch_sub(1, Ordering::Release) == 1 {
            self.waiter.wake();
        }
    }

    pub(super) async fn none(&self) {
        poll_fn(|context| {
            self.waiter.register(context.waker());
            // Ordering: Acquire: pairs with `one_less`.
            match self.count.load(Ordering::Acquire) {
                0 => Poll::Ready(()),
                _ => Poll::Pending,
            }
        })
        .await;
    }
}

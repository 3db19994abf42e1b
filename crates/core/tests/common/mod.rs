//! What the tests of this crate share.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test crates, each of which uses some of it"
)]

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};

use loopwork_core::{Builder, Runtime, SleepDriver};

/// Every test that more than one thread can matter to runs at these numbers of workers.
pub const WORKERS: [usize; 3] = [1, 2, 8];

pub fn runtime(workers: usize) -> Runtime<SleepDriver> {
    Builder::new().workers(workers).build(SleepDriver::new()).expect("threads can be created")
}

/// Calls `test` with a fresh runtime of 1, 2 and 8 workers.
pub fn at_each_size(test: impl Fn(&mut Runtime<SleepDriver>)) {
    for workers in WORKERS {
        test(&mut runtime(workers));
    }
}

/// Gives way once: pending on the first poll, woken at once.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Counts, from anywhere.
#[derive(Debug, Clone, Default)]
pub struct Count(Arc<AtomicUsize>);

impl Count {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Counts when it is dropped.
    pub fn on_drop(&self) -> OnDrop {
        OnDrop(self.clone())
    }
}

#[derive(Debug)]
pub struct OnDrop(Count);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add();
    }
}

/// Never done; counts its polls.
#[derive(Debug)]
pub struct Forever(pub Count);

impl Future for Forever {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0.add();
        Poll::Pending
    }
}

/// A log that any thread may write to.
#[derive(Debug, Clone)]
pub struct Log<T>(mpsc::Sender<T>);

impl<T> Log<T> {
    pub fn new() -> (Self, mpsc::Receiver<T>) {
        let (sender, receiver) = mpsc::channel();
        (Self(sender), receiver)
    }

    pub fn push(&self, entry: T) {
        self.0.send(entry).unwrap_or_else(|_| panic!("the test reads its log at the end"));
    }
}

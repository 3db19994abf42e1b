//! What the tests of the facade share.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test crates, each of which uses some of it"
)]

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use loopwork::{Clock, EventLoop};

/// Every test that more than one thread can matter to runs at these numbers of workers.
pub const WORKERS: [usize; 3] = [1, 2, 8];

pub fn event_loop(workers: usize) -> EventLoop {
    EventLoop::builder().workers(workers).build().expect("a loop can be built")
}

/// Calls `test` with a fresh loop of 1, 2 and 8 workers.
pub fn at_each_size(test: impl Fn(&mut EventLoop)) {
    for workers in WORKERS {
        test(&mut event_loop(workers));
    }
}

/// Runs what `test` gives in virtual time, with one worker, two and eight.
pub fn in_virtual_time<F: Future>(test: impl Fn() -> F) {
    for workers in WORKERS {
        let builder = EventLoop::builder().workers(workers).clock(Clock::virtual_time());
        let mut event_loop = builder.build().unwrap();
        event_loop.run_until_complete(test()).unwrap();
        event_loop.close();
    }
}

/// Runs `event_loop` until everything that is due now has run, by a callback that comes last.
pub fn run_what_is_due(event_loop: &mut EventLoop) {
    let handle = event_loop.handle();
    event_loop.call_soon(move || handle.stop());
    event_loop.run_forever().unwrap();
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

/// A log that any thread may write to.
#[derive(Debug)]
pub struct Log<T>(mpsc::Sender<T>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Log<T> {
    pub fn new() -> (Self, mpsc::Receiver<T>) {
        let (sender, receiver) = mpsc::channel();
        (Self(sender), receiver)
    }

    pub fn push(&self, entry: T) {
        self.0.send(entry).unwrap_or_else(|_| panic!("the test reads its log at the end"));
    }
}

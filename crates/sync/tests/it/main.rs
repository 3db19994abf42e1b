//! The primitives, by region of their state, with exact counts and no sleeps.
//!
//! Names that begin with a letter and a number carry a statement of asyncio's semantics.

#![cfg(not(loopwork_loom))]

mod barrier;
mod broadcast;
mod budget;
mod capacity_limiter;
mod concurrent;
mod concurrent_threads;
mod condition;
mod event;
mod lock;
mod mpsc;
mod mpsc_model;
mod mutex;
mod notify;
mod once_cell;
mod oneshot;
mod queue;
mod queue_model;
mod rwlock;
mod rwlock_model;
mod semaphore;
mod semaphore_model;
mod watch;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loopwork_context::{Ask, CancelReason};

/// A waker that counts how often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), Waker::from(count))
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once with a waker of its own, which nobody counts.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Polls where a cancel request is visible that came before whatever has woken the task. Nobody takes it.
fn poll_overtaken<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    let came_first = Ask::new(CancelReason::unspoken(), true);
    let asked = loopwork_context::Poll::enter_nested(Some(came_first));
    let polled = poll_with(future, waker);
    assert!(asked.leave(), "nobody took the request");
    polled
}

/// How often a thread does in a test what others do at the same time.
const ROUNDS: usize = if cfg!(debug_assertions) { 500 } else { 2_000 };

/// Runs `test` with 1, 2 and 8 threads.
fn for_threads(test: impl Fn(usize)) {
    [1, 2, 8].into_iter().for_each(test);
}

/// Runs `body` in each of `threads` threads, with its number, all at once.
fn in_threads(threads: usize, body: impl Fn(usize) + Sync) {
    let (body, together) = (&body, &std::sync::Barrier::new(threads));
    std::thread::scope(|scope| {
        let spawn = |thread| {
            scope.spawn(move || {
                together.wait();
                body(thread);
            })
        };
        // Joined one by one, which the thread sanitizer sees; the end of a scope it does not.
        for thread in (0..threads).map(spawn).collect::<Vec<_>>() {
            thread.join().expect("no thread of the test panics");
        }
    });
}

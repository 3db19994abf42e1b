//! Timers with a clock that is moved by hand.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loopwork_time::{Clock, Due, Entered, Instant, Timers};

/// Where the clock of a [`Fixture`] starts, in nanoseconds.
pub(crate) const START: u64 = 86_400_000_000_000;

/// Timers that are current on this thread, and their clock.
pub(crate) struct Fixture {
    pub(crate) timers: Timers,
    pub(crate) clock: Clock,
    _entered: Entered,
}

impl Fixture {
    /// On a thread that is no worker.
    pub(crate) fn outside() -> Self {
        Self::enter(Timers::enter)
    }

    /// On the thread of a worker, which is awake.
    pub(crate) fn worker() -> Self {
        Self::enter(|timers| timers.enter_worker(0))
    }

    fn enter(enter: impl FnOnce(&Timers) -> Entered) -> Self {
        let clock = Clock::virtual_time();
        let timers = Timers::new(clock.clone(), 1);
        let _entered = enter(&timers);
        Self { timers, clock, _entered }
    }

    /// Runs a test on either.
    pub(crate) fn each(test: impl Fn(Self)) {
        test(Self::worker());
        test(Self::outside());
    }

    /// Moves the clock to `START + nanos`, wakes what is due then, and says what that was.
    pub(crate) fn advance(&self, nanos: u64) -> Vec<Due> {
        self.clock.set(at(nanos));
        let mut due = Vec::new();
        self.timers.advance(self.timers.now(), &mut due);
        due.iter().for_each(|due| due.waker.wake_by_ref());
        due
    }
}

/// The instant `START + nanos`.
pub(crate) fn at(nanos: u64) -> Instant {
    Instant::from_nanos(START + nanos)
}

/// Counts its wake-ups.
#[derive(Default)]
pub(crate) struct Counter(AtomicUsize);

impl Counter {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let counter = Arc::new(Self::default());
        (counter.clone(), Waker::from(counter))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

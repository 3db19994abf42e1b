//! A place where a number of tasks wait for each other.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use loopwork_context::WaitReason;
use loopwork_shim::sync::{Mutex, MutexGuard};

use crate::blocking;
use crate::wait::{Source, Wait};
use crate::waiters::{Left, List, Waiter, grant_crowd};

/// Lets a number of tasks, or threads, through together, again and again.
///
/// asyncio's `Barrier`, usable from any thread. All who are let through have that in hand before
/// anybody of the next round can come, so that there is no time of draining in which newcomers would
/// have to wait.
///
/// ```
/// use loopwork_sync::Barrier;
///
/// let barrier = Barrier::new(2);
/// std::thread::scope(|threads| {
///     let other = threads.spawn(|| barrier.blocking_wait().unwrap());
///     let index = futures::executor::block_on(barrier.wait()).unwrap();
///     assert_eq!(index + other.join().unwrap(), 1); // 0 and 1
/// });
/// ```
#[doc(alias = "asyncio.Barrier")]
pub struct Barrier {
    parties: usize,
    state: Mutex<State>,
}

struct State {
    /// The request of a waiter is its round.
    waiters: List,
    /// How many rounds are over.
    round: usize,
    /// How many wait in this one.
    filling: usize,
    broken: bool,
}

/// The barrier was reset or aborted while this waited, or is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(alias = "asyncio.BrokenBarrierError")]
pub struct BrokenBarrier(());

/// Granted to those who are let through: one more than the index.
const BROKEN: usize = 0;

impl Barrier {
    /// A barrier that lets `parties` through at a time.
    ///
    /// # Panics
    ///
    /// If there are none: at least one is needed.
    #[must_use]
    pub fn new(parties: usize) -> Self {
        assert!(parties > 0, "a `Barrier` has at least one party");
        let state = State { waiters: List::new(), round: 0, filling: 0, broken: false };
        Self { parties, state: Mutex::new(state) }
    }

    /// Waits until there are as many as it takes, and goes through with them.
    ///
    /// Each gets another index from zero up, in the order they came: the one with index 0, say, does
    /// what is to be done once.
    ///
    /// Dropping the future before it is ready leaves: one more has to come. It does not break the
    /// barrier for the others. Dropped after the barrier has opened, it has been through.
    ///
    /// # Errors
    ///
    /// [`BrokenBarrier`] if the barrier is broken, or is [reset](Barrier::reset) or
    /// [aborted](Barrier::abort) during the wait.
    #[inline]
    pub fn wait(&self) -> Wait<&Self> {
        Wait::new(self)
    }

    /// [`wait`](Barrier::wait) for a plain thread, which it blocks.
    ///
    /// # Errors
    ///
    /// As [`wait`](Barrier::wait).
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_wait(&self) -> Result<usize, BrokenBarrier> {
        blocking::wait_for("`Barrier::blocking_wait`", self.wait())
    }

    /// Sends all who wait away with an error, and begins anew: it is not broken any more.
    pub fn reset(&self) {
        self.send_away(false);
    }

    /// Breaks the barrier: who waits, and who comes, gets an error until it is [reset](Barrier::reset).
    pub fn abort(&self) {
        self.send_away(true);
    }

    /// How many it takes.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many wait.
    ///
    /// From several threads this is history by the time it returns.
    pub fn n_waiting(&self) -> usize {
        self.state.lock().filling
    }

    /// Whether it is broken.
    pub fn broken(&self) -> bool {
        self.state.lock().broken
    }

    fn send_away(&self, broken: bool) {
        let mut state = self.state.lock();
        state.broken = broken;
        self.end_round(state, || BROKEN);
    }

    /// Grants to all who wait in this round, which is over.
    fn end_round(&self, mut state: MutexGuard<'_, State>, grant: impl FnMut() -> usize) {
        let round = state.round;
        state.round = round.wrapping_add(1);
        state.filling = 0;
        grant_crowd(&self.state, state, |state| &mut state.waiters, round, grant, || ());
    }

    fn arrive(&self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Result<usize, BrokenBarrier>> {
        // Without the mutex, and in vain for who comes last.
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        if state.broken {
            drop(state);
            drop(waker);
            return Poll::Ready(Err(BrokenBarrier(())));
        }
        if state.filling + 1 < self.parties {
            state.filling += 1;
            let round = state.round;
            state.waiters.push_back(waiter, round, waker);
            return Poll::Pending;
        }
        let mut grant = BROKEN;
        self.end_round(state, || {
            grant += 1;
            grant
        });
        drop(waker);
        Poll::Ready(Ok(self.parties - 1))
    }
}

impl Source for &Barrier {
    type Output = Result<usize, BrokenBarrier>;

    const REASON: WaitReason = WaitReason::Event;

    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        if waiter.is_idle() {
            return self.arrive(waiter, cx);
        }
        let polled = waiter.poll(cx, &self.state, |state| &mut state.waiters);
        polled.map(|grant| grant.checked_sub(1).ok_or(BrokenBarrier(())))
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        if waiter.take_grant().is_some() {
            return;
        }
        let mut state = self.state.lock();
        let round = waiter.request();
        let left = state.waiters.leave(waiter);
        let is_filling = matches!(left, Left::Waiting(_)) && state.is_this(round);
        if is_filling && !loopwork_shim::weaken!("barrier-leave") {
            state.filling -= 1;
        }
        drop(state);
        drop(left);
    }
}

impl State {
    /// Whether `round`, the request of somebody who waits, is this one. The list may still hold some
    /// of rounds that are over, which are about to be let through.
    fn is_this(&self, round: usize) -> bool {
        // A request has fewer bits than a word.
        (self.round ^ round) << 2 == 0
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Barrier")
            .field("parties", &self.parties)
            .field("n_waiting", &state.filling)
            .field("broken", &state.broken)
            .finish()
    }
}

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier is broken")
    }
}

impl Error for BrokenBarrier {}

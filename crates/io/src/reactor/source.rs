//! One registered descriptor: what is known of its readiness, and who waits for it.

use std::fmt;
use std::io;
use std::mem;
use std::task::{Context, Poll, Waker};

use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::sync::Mutex;
use loopwork_shim::weaken;

/// In a state word: an attempt may succeed. Set until an attempt has shown otherwise.
const READY: usize = 1;
/// In a state word: the reactor is gone. Never cleared.
const CLOSED: usize = 1 << 1;
/// In a state word: the stream has ended or failed, or withholds a part. A short transfer does not
/// clear what is known then; only an attempt that would block does.
const STEADY: usize = 1 << 2;
/// What each event adds to a state word: the bits above the flags count events.
const TICK: usize = 1 << 3;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To read, to accept, or for an end to be noticed.
    #[doc(alias = "EVENT_READ")]
    Read = 0,
    /// To write, or for a connection to be made.
    #[doc(alias = "EVENT_WRITE")]
    Write = 1,
}

/// Who waits, as seen by its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiter {
    /// Whoever called a `poll_*` method last.
    Poll,
    /// A future, by a number from [`Source::next_waiter`].
    Future(usize),
}

/// What an attempt has to show to say that it would have blocked.
#[derive(Debug, Clone, Copy)]
#[must_use = "an attempt that would block clears the readiness it was made on"]
pub(crate) struct Attempt(usize);

pub(crate) struct Source {
    key: usize,
    states: [AtomicUsize; 2],
    waiters: AtomicUsize,
    waiting: Mutex<Waiting>,
}

/// No waker is cloned, woken or dropped under the lock of this: that may run any code.
struct Waiting {
    /// A handful at most: usually one, several where tasks share a listener.
    wakers: [Vec<(Waiter, Waker)>; 2],
    /// What the poller was last asked to report. Used only where there are no edges.
    armed: [bool; 2],
}

impl Source {
    pub(crate) fn new(key: usize) -> Self {
        Self {
            key,
            states: [AtomicUsize::new(READY), AtomicUsize::new(READY)],
            waiters: AtomicUsize::new(0),
            waiting: Mutex::new(Waiting { wakers: [const { Vec::new() }; 2], armed: [false; 2] }),
        }
    }

    pub(super) fn key(&self) -> usize {
        self.key
    }

    /// A number for a future that waits.
    pub(crate) fn next_waiter(&self) -> Waiter {
        // Ordering: Relaxed; the numbers only have to differ.
        Waiter::Future(self.waiters.fetch_add(1, Ordering::Relaxed))
    }

    /// Begins an attempt. `None` if it is known that it would block.
    pub(crate) fn begin(&self, direction: Direction) -> Option<Attempt> {
        let attempt = self.begin_anyway(direction);
        (attempt.0 & READY != 0).then_some(attempt)
    }

    /// Begins an attempt, whatever is known.
    pub(crate) fn begin_anyway(&self, direction: Direction) -> Attempt {
        // Ordering: Acquire pairs with the Release in `mark` [edge: io-ready]: what is tried after
        // this sees all that the event told of. The system call orders that anyway.
        let acquire = weaken!("io-acquire", Ordering::Acquire => Ordering::Relaxed);
        Attempt(self.states[direction as usize].load(acquire))
    }

    /// Says that the attempt would have blocked. Without effect if an event has come since it
    /// began: then another attempt may succeed.
    pub(crate) fn would_block(&self, direction: Direction, attempt: Attempt) {
        self.clear(direction, attempt, READY | STEADY);
    }

    /// Says that the attempt transferred less than it could have, where that shows that the next
    /// one would block unless an event comes. Without effect if one has come since it began, or if
    /// the stream has ended.
    pub(crate) fn fell_short(&self, direction: Direction, attempt: Attempt) {
        if attempt.0 & STEADY == 0 || weaken!("io-steady", false => true) {
            self.clear(direction, attempt, READY);
        }
    }

    fn clear(&self, direction: Direction, Attempt(seen): Attempt, flags: usize) {
        // Ordering: Relaxed; the word guards no other memory, and its own order decides whether
        // the event or this came first.
        let _ = self.states[direction as usize].compare_exchange(
            seen,
            seen & !flags,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// Ready if an attempt may succeed, an error if none can be waited for any more; otherwise
    /// `waiter` will be woken. `arm` is called with the directions that must be reported if one of
    /// them was not.
    pub(crate) fn poll_ready(
        &self,
        direction: Direction,
        waiter: Waiter,
        cx: &mut Context<'_>,
        arm: impl FnOnce([bool; 2]) -> io::Result<()>,
    ) -> Poll<io::Result<()>> {
        if let Some(decided) = self.decided(direction) {
            return Poll::Ready(decided);
        }
        let waker = cx.waker().clone();
        let mut waiting = self.waiting.lock();
        // Once more, under the lock that an event takes after it has marked the state.
        let decided = weaken!("io-look", self.decided(direction) => None);
        if let Some(decided) = decided {
            drop(waiting);
            return Poll::Ready(decided);
        }
        let before = waiting.set(direction, waiter, waker);
        let mut armed = Ok(());
        if !mem::replace(&mut waiting.armed[direction as usize], true) {
            armed = arm(waiting.armed);
            waiting.armed[direction as usize] = armed.is_ok();
        }
        drop(waiting);
        drop(before);
        match armed {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// A snapshot, for people and tests.
    pub(crate) fn is_known_ready(&self, direction: Direction) -> bool {
        // Ordering: Relaxed; nothing follows from it.
        self.states[direction as usize].load(Ordering::Relaxed) & READY != 0
    }

    /// Takes a waiter out.
    pub(crate) fn forget(&self, direction: Direction, waiter: Waiter) {
        let gone = self.waiting.lock().take(direction, waiter);
        drop(gone);
    }

    /// Notes an event and takes those out who wait for it. The caller wakes them. `edges` says that
    /// the event has disarmed nothing.
    pub(crate) fn announce(
        &self,
        edges: bool,
        ready: [bool; 2],
        steady: [bool; 2],
        wakers: &mut Vec<Waker>,
    ) {
        for (state, (ready, steady)) in self.states.iter().zip(ready.into_iter().zip(steady)) {
            if ready {
                mark(state, if steady { READY | STEADY } else { READY });
            }
        }
        let mut waiting = self.waiting.lock();
        for (direction, ready) in ready.into_iter().enumerate() {
            if ready {
                waiting.armed[direction] = edges;
                wakers.extend(waiting.wakers[direction].drain(..).map(|(_, waker)| waker));
            }
        }
    }

    /// Notes that the reactor is gone and takes out everyone who waits. The caller wakes them.
    pub(super) fn close(&self, wakers: &mut Vec<Waker>) {
        self.states.iter().for_each(|state| mark(state, READY | CLOSED));
        let mut waiting = self.waiting.lock();
        let all = waiting.wakers.iter_mut().flat_map(|list| list.drain(..));
        wakers.extend(all.map(|(_, waker)| waker));
    }

    fn decided(&self, direction: Direction) -> Option<io::Result<()>> {
        // Ordering: Acquire, as in `begin_anyway` [edge: io-ready].
        let state = self.states[direction as usize].load(Ordering::Acquire);
        if state & CLOSED != 0 {
            Some(Err(closed_error()))
        } else {
            (state & READY != 0).then_some(Ok(()))
        }
    }
}

/// Counts an event and sets `flags`.
fn mark(state: &AtomicUsize, flags: usize) {
    // Ordering: Release pairs with the Acquire of who begins an attempt [edge: io-ready]. Relaxed
    // on failure: the value is only tried again.
    let release = weaken!("io-release", Ordering::Release => Ordering::Relaxed);
    let tick = weaken!("io-tick", TICK => 0);
    let _ = state
        .fetch_update(release, Ordering::Relaxed, |state| Some(state.wrapping_add(tick) | flags));
}

impl Waiting {
    /// Sets a waiter's waker and gives the one before.
    fn set(&mut self, direction: Direction, waiter: Waiter, waker: Waker) -> Option<Waker> {
        let list = &mut self.wakers[direction as usize];
        match list.iter_mut().find(|(other, _)| *other == waiter) {
            Some((_, current)) => Some(mem::replace(current, waker)),
            None => {
                list.push((waiter, waker));
                None
            }
        }
    }

    fn take(&mut self, direction: Direction, waiter: Waiter) -> Option<Waker> {
        let list = &mut self.wakers[direction as usize];
        let index = list.iter().position(|(other, _)| *other == waiter)?;
        Some(list.remove(index).1)
    }
}

pub(super) fn closed_error() -> io::Error {
    io::Error::other(
        "the event loop of this descriptor is closed: drop it before `EventLoop::close`, or make \
         it inside the loop that uses it",
    )
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("key", &self.key)
            .field("read_ready", &self.is_known_ready(Direction::Read))
            .field("write_ready", &self.is_known_ready(Direction::Write))
            .finish_non_exhaustive()
    }
}

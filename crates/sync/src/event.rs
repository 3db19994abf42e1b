//! A flag that many wait for.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loopwork_context::WaitReason;
use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::sync::Mutex;
use loopwork_shim::weaken;

use crate::blocking;
use crate::wait::{Source, Wait};
use crate::waiters::{Left, List, Waiter, grant_crowd};

/// A flag that is set and cleared, and that many may wait for.
///
/// asyncio's `Event`, usable from any thread. To look at it is a load; to set and to clear it are one
/// atomic operation each, where nobody waits.
///
/// ```
/// use loopwork_sync::Event;
///
/// let ready = Event::new();
/// std::thread::scope(|threads| {
///     threads.spawn(|| ready.set());
///     futures::executor::block_on(ready.wait());
/// });
/// assert!(ready.is_set());
/// ```
#[doc(alias = "asyncio.Event")]
pub struct Event {
    /// `SET`, `WAITERS`, and the epoch: how often there was somebody to wake.
    word: AtomicUsize,
    /// Not empty if and only if the word says `WAITERS`. The request of a waiter is its epoch.
    waiters: Mutex<List>,
}

const SET: usize = 1;
/// Set and cleared under the mutex.
const WAITERS: usize = 2;
const EPOCH: usize = 4;

impl Event {
    loopwork_shim::const_fn! {
        /// An event that is not set.
        #[must_use]
        pub fn new() -> Self {
            Self { word: AtomicUsize::new(0), waiters: Mutex::new(List::new()) }
        }
    }

    /// Sets the flag and wakes all who wait, in the order they came.
    ///
    /// Everyone who waits now gets through, also if [`clear`](Event::clear) follows before they
    /// run. Setting a set event has no effect.
    pub fn set(&self) {
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WAITERS == 0 {
            match self.publish(word, word | SET) {
                Ok(()) => return,
                Err(now) => word = now,
            }
        }
        self.set_and_wake();
    }

    #[cold]
    fn set_and_wake(&self) {
        let list = self.waiters.lock();
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            // The flag and the epoch change at once: who comes after a `clear` is of a later one.
            match self.publish(word, (word | SET).wrapping_add(EPOCH)) {
                Ok(()) => break,
                Err(now) => word = now,
            }
        }
        let emptied = || self.no_waiters();
        grant_crowd(&self.waiters, list, |list| list, word / EPOCH, || 0, emptied);
    }

    /// Clears the flag: who comes now waits for the next [`set`](Event::set).
    pub fn clear(&self) {
        // Ordering: Relaxed: it gives nobody anything.
        self.word.fetch_and(!SET, Ordering::Relaxed);
    }

    /// Whether the flag is set.
    #[inline]
    pub fn is_set(&self) -> bool {
        // Ordering: Acquire: what was done before the flag was set comes with it. [edge: event]
        let order = weaken!("event-seen", Ordering::Acquire => Ordering::Relaxed);
        self.word.load(order) & SET != 0
    }

    /// Waits until the flag is set; returns at once if it is.
    ///
    /// The future waits from its first poll on. Dropping it leaves, with no effect on others.
    #[inline]
    pub fn wait(&self) -> Wait<&Self> {
        Wait::new(self)
    }

    /// Waits as [`wait`](Event::wait) does, by blocking this thread.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_wait(&self) {
        blocking::wait_for("`Event::blocking_wait`", self.wait());
    }

    #[cold]
    fn begin_to_wait(&self, waiter: Pin<&Waiter>, waker: Waker) -> Poll<()> {
        let mut list = self.waiters.lock();
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & SET != 0 && !weaken!("event-look") && self.is_set() {
                drop(list);
                drop(waker);
                return Poll::Ready(());
            }
            // Ordering: Relaxed: it says what the list says, under its mutex.
            let (order, next) = (Ordering::Relaxed, word | WAITERS);
            match self.word.compare_exchange(word, next, order, order) {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        list.push_back(waiter, word / EPOCH, waker);
        Poll::Pending
    }

    /// With the mutex held.
    fn no_waiters(&self) {
        // Ordering: Relaxed: it says what the list says, under its mutex.
        self.word.fetch_and(!WAITERS, Ordering::Relaxed);
    }

    /// Ordering: Release: see `is_set`. [edge: event]
    fn publish(&self, word: usize, next: usize) -> Result<(), usize> {
        let order = weaken!("event-set", Ordering::Release => Ordering::Relaxed);
        self.word.compare_exchange(word, next, order, Ordering::Relaxed).map(drop)
    }
}

impl Source for &Event {
    type Output = ();

    const REASON: WaitReason = WaitReason::Event;

    #[inline]
    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<()> {
        if !waiter.is_idle() {
            return waiter.poll(cx, &self.waiters, |list| list).map(drop);
        }
        if self.is_set() {
            return Poll::Ready(());
        }
        self.begin_to_wait(waiter, cx.waker().clone())
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        if waiter.take_grant().is_some() {
            return;
        }
        let mut list = self.waiters.lock();
        let left = list.leave(waiter);
        if matches!(left, Left::Waiting(_)) && list.is_empty() {
            self.no_waiters();
        }
        drop(list);
        drop(left);
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("set", &self.is_set())
            .field("waiters", &self.waiters.lock().len())
            .finish()
    }
}

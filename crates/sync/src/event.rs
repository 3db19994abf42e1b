//! A flag that many wait for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loopwork_context::WaitReason;
use loopwork_shim::sync::Mutex;

use crate::blocking;
use crate::tickets::{Ticket, Waiters, poll_attempts};

/// A flag that is set and cleared, and that many may wait for.
///
/// asyncio's `Event`, usable from any thread.
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
    state: Mutex<State>,
}

/// Nobody waits while the flag is set.
struct State {
    set: bool,
    waiters: Waiters<()>,
}

impl Event {
    /// An event that is not set.
    pub fn new() -> Self {
        Self { state: Mutex::new(State { set: false, waiters: Waiters::new() }) }
    }

    /// Sets the flag and wakes all who wait, in the order they came.
    ///
    /// Everyone who waits now gets through, also if [`clear`](Event::clear) follows before they
    /// run. Setting a set event has no effect.
    pub fn set(&self) {
        let mut state = self.state.lock();
        state.set = true;
        let wakers = state.waiters.grant_all();
        drop(state);
        wakers.wake();
    }

    /// Clears the flag: who comes now waits for the next [`set`](Event::set).
    pub fn clear(&self) {
        self.state.lock().set = false;
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        self.state.lock().set
    }

    /// Waits until the flag is set; returns at once if it is.
    ///
    /// The future waits from its first poll on. Dropping it leaves, with no effect on others.
    pub fn wait(&self) -> Wait<'_> {
        Wait { event: self, ticket: None }
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
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Event")
            .field("set", &state.set)
            .field("waiters", &state.waiters.waiting())
            .finish()
    }
}

/// The future of [`Event::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<'a> {
    event: &'a Event,
    ticket: Option<Ticket>,
}

impl Wait<'_> {
    fn attempt(&mut self, waker: Option<Waker>) -> Poll<()> {
        let mut state = self.event.state.lock();
        if state.waiters.collect(&self.ticket).is_some() || state.set {
            let left = state.waiters.leave(&mut self.ticket);
            drop(state);
            drop(left);
            return Poll::Ready(());
        }
        let replaced = waker.map(|waker| state.waiters.wait(&mut self.ticket, waker));
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        poll_attempts(cx, WaitReason::Event, |waker| this.attempt(waker))
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let left = self.event.state.lock().waiters.leave(&mut self.ticket);
            drop(left);
        }
    }
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("waiting", &self.ticket.is_some()).finish()
    }
}

//! A fair lock around a value.

use std::fmt;
use std::future::Future;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loopwork_context::WaitReason;
use loopwork_shim::sync::Mutex;

use crate::blocking;
use crate::waiters::{Ticket, Waiters, poll_attempts};

/// A lock around a value, held across awaits and handed over first come, first served.
///
/// asyncio's `Lock`, with two differences. It guards a value, as Rust's locks do; a `Lock<()>` is
/// the bare one. And an unlock hands the lock straight to the waiter who came first:
/// [`locked`](Lock::locked) stays true in between, and nobody can push in front.
///
/// It is not re-entrant: a task that locks twice waits for itself. It is not poisoned: when a
/// holder panics, its guard unlocks while unwinding, and the next holder sees the value as it is.
///
/// The value is boxed, and the box travels with the ownership of the lock.
///
/// ```
/// use loopwork_sync::Lock;
///
/// # futures::executor::block_on(async {
/// let account = Lock::new(100);
/// {
///     let mut balance = account.lock().await;
///     *balance -= 30;
///     assert!(account.locked());
/// }
/// assert_eq!(account.into_inner(), 70);
/// # });
/// ```
#[doc(alias = "asyncio.Lock")]
pub struct Lock<T> {
    state: Mutex<State<T>>,
}

/// The value is here only while nobody holds the lock, waits for it or was granted it.
struct State<T> {
    value: Option<Box<T>>,
    waiters: Waiters<Box<T>>,
}

impl<T> Lock<T> {
    /// A lock around `value` that nobody holds.
    pub fn new(value: T) -> Self {
        let state = State { value: Some(Box::new(value)), waiters: Waiters::new() };
        Self { state: Mutex::new(state) }
    }

    /// Waits for the lock.
    ///
    /// Those who wait are served in the order in which their futures were first polled. Dropping
    /// the future before it is ready leaves the queue; if the lock had just been handed to it, the
    /// next waiter gets it.
    #[doc(alias = "acquire")]
    pub fn lock(&self) -> Acquire<'_, T> {
        Acquire { lock: self, ticket: None }
    }

    /// Waits for the lock by blocking this thread, in the same queue as [`lock`](Lock::lock).
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_lock(&self) -> LockGuard<'_, T> {
        blocking::wait_for("`Lock::blocking_lock`", self.lock())
    }

    /// The lock, if nobody holds it; else `None`, at once.
    pub fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        self.state.lock().value.take().map(|value| LockGuard { lock: self, value: Some(value) })
    }

    /// Whether somebody holds the lock, or is being handed it.
    ///
    /// From several threads this is history by the time it returns.
    pub fn locked(&self) -> bool {
        self.state.lock().value.is_none()
    }

    /// The value, reached through unique access.
    ///
    /// # Panics
    ///
    /// If a guard was leaked (`mem::forget`): the value went with it.
    pub fn get_mut(&mut self) -> &mut T {
        let State { value, waiters } = self.state.get_mut();
        // A leaked `Acquire` may still be granted the value.
        value.as_mut().or_else(|| waiters.grants().next()).expect("a guard of this lock was leaked")
    }

    /// The value, out of the lock.
    ///
    /// # Panics
    ///
    /// If a guard or a future of this lock was leaked (`mem::forget`) with the value.
    pub fn into_inner(self) -> T {
        *self.state.into_inner().value.expect("a guard of this lock was leaked")
    }

    /// Hands the value to the first waiter, or leaves it for the next who comes.
    fn unlock(&self, value: Box<T>) {
        let mut state = self.state.lock();
        let woken = match state.waiters.grant_first(value) {
            Ok(waker) => Some(waker),
            Err(value) => {
                state.value = Some(value);
                None
            }
        };
        drop(state);
        if let Some(waker) = woken {
            waker.wake();
        }
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Lock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (locked, waiters) = {
            let state = self.state.lock();
            (state.value.is_none(), state.waiters.waiting())
        };
        f.debug_struct("Lock").field("locked", &locked).field("waiters", &waiters).finish()
    }
}

/// The future of [`Lock::lock`].
#[must_use = "futures do nothing unless awaited"]
pub struct Acquire<'a, T> {
    lock: &'a Lock<T>,
    ticket: Option<Ticket>,
}

impl<'a, T> Acquire<'a, T> {
    fn attempt(&mut self, waker: Option<Waker>) -> Poll<LockGuard<'a, T>> {
        let mut state = self.lock.state.lock();
        let granted = state.waiters.collect(&self.ticket).or_else(|| state.value.take());
        if let Some(value) = granted {
            let left = state.waiters.leave(&mut self.ticket);
            drop(state);
            drop(left);
            return Poll::Ready(LockGuard { lock: self.lock, value: Some(value) });
        }
        let replaced = waker.map(|waker| state.waiters.wait(&mut self.ticket, waker));
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<'a, T> Future for Acquire<'a, T> {
    type Output = LockGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        poll_attempts(cx, WaitReason::Lock, |waker| this.attempt(waker))
    }
}

impl<T> Drop for Acquire<'_, T> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let left = self.lock.state.lock().waiters.leave(&mut self.ticket);
            let hands_on = !cfg!(loopwork_weaken = "lock-hand-on");
            if let Some(value) = left.grant.filter(|_| hands_on) {
                self.lock.unlock(value);
            }
        }
    }
}

impl<T> fmt::Debug for Acquire<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("waiting", &self.ticket.is_some()).finish()
    }
}

/// The holder's access to the value of a [`Lock`]; dropping it unlocks.
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard<'a, T> {
    lock: &'a Lock<T>,
    /// `None` only while the guard is being dropped.
    value: Option<Box<T>>,
}

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_deref().expect("a guard holds the value")
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_deref_mut().expect("a guard holds the value")
    }
}

impl<T> Drop for LockGuard<'_, T> {
    fn drop(&mut self) {
        if let Some(value) = mem::take(&mut self.value) {
            self.lock.unlock(value);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: fmt::Display> fmt::Display for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

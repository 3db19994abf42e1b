//! A limit on how many do something at a time, which can be changed.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_context::WaitReason;
use loopwork_shim::sync::{Mutex, MutexGuard};

use crate::blocking;
use crate::wait::{Source, Wait};
use crate::waiters::{Left, List, Waiter, WakeList};

/// Lends a number of tokens, which can be changed while they are out.
///
/// That of trio and anyio, which limits how many threads are used, or connections. Different from a
/// [`Semaphore`](crate::Semaphore), a token comes back to the limiter it is of and nothing else does;
/// the [total](CapacityLimiter::set_total_tokens) may go up and down, also below what is borrowed; and
/// a token may be borrowed in the name of somebody, who has one at a time. It is fair: first come, first
/// served.
///
/// ```
/// use loopwork_sync::CapacityLimiter;
///
/// # futures::executor::block_on(async {
/// let limiter = CapacityLimiter::new(2);
/// let (one, two) = (limiter.acquire().await, limiter.acquire().await);
/// limiter.set_total_tokens(1);
/// drop(one);
/// assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (1, 0));
/// drop(two);
/// assert_eq!(limiter.available_tokens(), 1);
/// # });
/// ```
pub struct CapacityLimiter {
    state: Mutex<State>,
}

struct State {
    total: usize,
    borrowed: usize,
    /// Those who have a token in their name, or wait for one.
    names: Vec<u64>,
    waiters: List,
}

/// [`CapacityLimiter::acquire_on_behalf_of`]: the borrower has a token already, or waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyBorrows(());

impl CapacityLimiter {
    loopwork_shim::const_fn! {
        /// A limiter of `total_tokens`; of zero nothing can be borrowed until that is changed.
        #[must_use]
        pub fn new(total_tokens: usize) -> Self {
            Self {
                state: Mutex::new(State {
                    total: total_tokens,
                    borrowed: 0,
                    names: Vec::new(),
                    waiters: List::new(),
                }),
            }
        }
    }

    /// Waits for a token.
    ///
    /// Dropping the future before it is ready leaves the queue; a token that was granted already goes to
    /// the next, or is free.
    pub fn acquire(&self) -> Wait<Borrow<&Self>> {
        Wait::new(Borrow { limiter: self })
    }

    /// [`acquire`](CapacityLimiter::acquire) for a token that may go anywhere: it keeps the limiter alive.
    pub fn acquire_owned(self: Arc<Self>) -> Wait<Borrow<Arc<Self>>> {
        Wait::new(Borrow { limiter: self })
    }

    /// Waits for a token in the name of `borrower`, a number such as that of a task.
    ///
    /// Dropping the future: as [`acquire`](CapacityLimiter::acquire), and the name is free again.
    ///
    /// # Errors
    ///
    /// If the borrower has a token already, or waits for one: it would wait for itself.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// # use loopwork_sync::CapacityLimiter;
    /// let limiter = CapacityLimiter::new(2);
    /// let token = limiter.acquire_on_behalf_of(7).await.unwrap();
    /// assert_eq!(limiter.borrowers(), [7]);
    /// assert!(limiter.acquire_on_behalf_of(7).await.is_err());
    /// # drop(token);
    /// # });
    /// ```
    pub async fn acquire_on_behalf_of(
        &self,
        borrower: u64,
    ) -> Result<Token<&Self>, AlreadyBorrows> {
        let name = Name::register(self, borrower)?;
        let mut token = self.acquire().await;
        // From here on the token gives the name back.
        token.name = Some(borrower);
        std::mem::forget(name);
        Ok(token)
    }

    /// A token, if one is free and nobody waits; else `None`, at once.
    pub fn try_acquire(&self) -> Option<Token<&Self>> {
        self.state.lock().borrow().then(|| Token { limiter: self, name: None })
    }

    /// Waits for a token by blocking this thread.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_acquire(&self) -> Token<&Self> {
        blocking::wait_for("`CapacityLimiter::blocking_acquire`", self.acquire())
    }

    /// How many tokens there are.
    pub fn total_tokens(&self) -> usize {
        self.state.lock().total
    }

    /// Changes how many tokens there are. If they are more, those who wait get them; if they are fewer
    /// than are borrowed, nobody gets one until enough came back.
    pub fn set_total_tokens(&self, total_tokens: usize) {
        let mut state = self.state.lock();
        state.total = total_tokens;
        self.lend(state);
    }

    /// How many tokens are borrowed.
    pub fn borrowed_tokens(&self) -> usize {
        self.state.lock().borrowed
    }

    /// How many tokens are free.
    pub fn available_tokens(&self) -> usize {
        let state = self.state.lock();
        state.total.saturating_sub(state.borrowed)
    }

    /// Those who have a token in their name, or wait for one, in the order they asked.
    pub fn borrowers(&self) -> Vec<u64> {
        self.state.lock().names.clone()
    }

    /// Gives what is free to those who wait.
    fn lend<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        /// Unwind: if a waker panics, those of later batches are served all the same.
        struct Rest<'a>(&'a CapacityLimiter);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                self.0.lend(self.0.state.lock());
            }
        }

        loop {
            let mut wakers = WakeList::new();
            while state.borrowed < state.total && !wakers.is_full() && !state.waiters.is_empty() {
                state.borrowed += 1;
                wakers.push(state.waiters.grant_first(0));
            }
            drop(state);
            if !wakers.is_full() {
                wakers.wake();
                return;
            }
            let rest = Rest(self);
            wakers.wake();
            std::mem::forget(rest);
            state = self.state.lock();
        }
    }

    fn give_back(&self) {
        let mut state = self.state.lock();
        state.borrowed -= 1;
        self.lend(state);
    }

    fn poll_borrow(&self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<()> {
        if !waiter.is_idle() {
            return waiter.poll(cx, &self.state, |state| &mut state.waiters).map(drop);
        }
        if self.state.lock().borrow() {
            return Poll::Ready(());
        }
        self.begin_to_wait(waiter, cx.waker().clone())
    }

    #[cold]
    fn begin_to_wait(&self, waiter: Pin<&Waiter>, waker: Waker) -> Poll<()> {
        let mut state = self.state.lock();
        if state.borrow() {
            drop(state);
            drop(waker);
            return Poll::Ready(());
        }
        state.waiters.push_back(waiter, 0, waker);
        Poll::Pending
    }

    fn leave(&self, waiter: Pin<&Waiter>) {
        let mut state = self.state.lock();
        let left = state.waiters.leave(waiter);
        if matches!(left, Left::Granted(_)) && !loopwork_shim::weaken!("limiter-hand-on") {
            state.borrowed -= 1;
            self.lend(state);
        } else {
            drop(state);
        }
        drop(left);
    }
}

impl State {
    fn borrow(&mut self) -> bool {
        let borrows = self.borrowed < self.total && self.waiters.is_empty();
        self.borrowed += usize::from(borrows);
        borrows
    }
}

/// A name that is in use. Dropping it makes it free.
struct Name<'a>(&'a CapacityLimiter, u64);

impl<'a> Name<'a> {
    fn register(limiter: &'a CapacityLimiter, name: u64) -> Result<Self, AlreadyBorrows> {
        let mut state = limiter.state.lock();
        if state.names.contains(&name) {
            return Err(AlreadyBorrows(()));
        }
        state.names.push(name);
        Ok(Self(limiter, name))
    }
}

impl Drop for Name<'_> {
    fn drop(&mut self) {
        self.0.state.lock().names.retain(|name| *name != self.1);
    }
}

/// A token of a [`CapacityLimiter`]; dropping it gives it back. `H` is `&CapacityLimiter` or
/// `Arc<CapacityLimiter>`.
#[derive(Debug)]
#[must_use = "the token is given back when this is dropped"]
pub struct Token<H: Deref<Target = CapacityLimiter>> {
    limiter: H,
    name: Option<u64>,
}

impl<H: Deref<Target = CapacityLimiter>> Drop for Token<H> {
    fn drop(&mut self) {
        if let Some(name) = self.name {
            drop(Name(&self.limiter, name));
        }
        self.limiter.give_back();
    }
}

/// What [`CapacityLimiter::acquire`] waits for. `H` is `&CapacityLimiter` or `Arc<CapacityLimiter>`.
#[derive(Debug)]
pub struct Borrow<H> {
    limiter: H,
}

impl<H: Deref<Target = CapacityLimiter> + Clone> Source for Borrow<H> {
    type Output = Token<H>;

    const REASON: WaitReason = WaitReason::Lock;

    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Token<H>> {
        let polled = self.limiter.poll_borrow(waiter, cx);
        polled.map(|()| Token { limiter: self.limiter.clone(), name: None })
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        self.limiter.leave(waiter);
    }
}

impl fmt::Debug for CapacityLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("CapacityLimiter")
            .field("total_tokens", &state.total)
            .field("borrowed_tokens", &state.borrowed)
            .field("borrowers", &state.names)
            .field("waiters", &state.waiters.len())
            .finish()
    }
}

impl fmt::Display for AlreadyBorrows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this borrower has a token of the limiter already, or waits for one")
    }
}

impl Error for AlreadyBorrows {}

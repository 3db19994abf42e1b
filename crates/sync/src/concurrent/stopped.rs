//! Waiting until the work behind a future has let go.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::ConcurrentFuture;
use crate::tickets::{Ticket, poll_attempts};

/// The future of [`ConcurrentFuture::stopped`].
#[must_use = "futures do nothing unless awaited"]
pub struct Stopped<'a, T> {
    future: &'a ConcurrentFuture<T>,
    ticket: Option<Ticket>,
}

impl<'a, T> Stopped<'a, T> {
    pub(super) fn new(future: &'a ConcurrentFuture<T>) -> Self {
        Self { future, ticket: None }
    }

    fn attempt(&mut self, waker: Option<Waker>) -> Poll<()> {
        let shared = &self.future.shared;
        let mut state = shared.state.lock();
        if state.is_stopped(shared.policy) {
            let left = state.waiters.leave(&mut self.ticket);
            drop(state);
            drop(left);
            return Poll::Ready(());
        }
        let replaced = waker.map(|waker| {
            state.waiters.collect(&self.ticket);
            state.waiters.wait(&mut self.ticket, waker)
        });
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<T> Future for Stopped<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let reason = this.future.shared.policy.reason();
        poll_attempts(cx, reason, |waker| this.attempt(waker))
    }
}

impl<T> Drop for Stopped<'_, T> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let left = self.future.shared.state.lock().waiters.leave(&mut self.ticket);
            drop(left);
        }
    }
}

impl<T> fmt::Debug for Stopped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopped").field("waiting", &self.ticket.is_some()).finish()
    }
}

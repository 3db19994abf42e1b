//! The futures of a queue: get, put, join.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loopwork_context::WaitReason;

use super::{Queue, QueueShutDown};
use crate::tickets::{Ticket, WakeList, poll_attempts};

/// The future of [`Queue::get`].
#[must_use = "futures do nothing unless awaited"]
pub struct Get<'a, T> {
    queue: &'a Queue<T>,
    ticket: Option<Ticket>,
}

impl<'a, T> Get<'a, T> {
    pub(super) fn new(queue: &'a Queue<T>) -> Self {
        Self { queue, ticket: None }
    }

    fn attempt(&mut self, waker: Option<Waker>) -> Poll<Result<T, QueueShutDown>> {
        let mut wakers = WakeList::default();
        let mut state = self.queue.state.lock();
        let item = state.take(&mut wakers);
        if item.is_some() || state.shut_down {
            let left = state.getters.leave(&mut self.ticket);
            drop(state);
            drop(left);
            wakers.wake();
            return Poll::Ready(item.ok_or(QueueShutDown(())));
        }
        let replaced = waker.map(|waker| {
            state.getters.collect(&self.ticket);
            state.getters.wait(&mut self.ticket, waker)
        });
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<T> Future for Get<'_, T> {
    type Output = Result<T, QueueShutDown>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        poll_attempts(cx, WaitReason::Queue, |waker| this.attempt(waker))
    }
}

impl<T> Drop for Get<'_, T> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let mut wakers = WakeList::default();
            let mut state = self.queue.state.lock();
            let left = state.getters.leave(&mut self.ticket);
            if left.grant.is_some() && !cfg!(loopwork_weaken = "queue-pass-on") {
                state.pass_on_get(&mut wakers);
            }
            drop(state);
            drop(left);
            wakers.wake();
        }
    }
}

impl<T> fmt::Debug for Get<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get").field("waiting", &self.ticket.is_some()).finish()
    }
}

/// The future of [`Queue::put`].
#[must_use = "futures do nothing unless awaited"]
pub struct Put<'a, T> {
    queue: &'a Queue<T>,
    /// `None` once it was put or given back.
    item: Option<T>,
    ticket: Option<Ticket>,
}

/// The item is moved, never pinned.
impl<T> Unpin for Put<'_, T> {}

impl<'a, T> Put<'a, T> {
    pub(super) fn new(queue: &'a Queue<T>, item: T) -> Self {
        Self { queue, item: Some(item), ticket: None }
    }

    fn attempt(&mut self, waker: Option<Waker>) -> Poll<Result<(), QueueShutDown<T>>> {
        let mut wakers = WakeList::default();
        let mut state = self.queue.state.lock();
        if state.shut_down || !state.full() {
            let item = self.item.take().expect("`Queue::put` is not polled after it was ready");
            let outcome = if state.shut_down {
                Err(QueueShutDown(item))
            } else {
                state.append(item, &mut wakers);
                Ok(())
            };
            let left = state.putters.leave(&mut self.ticket);
            drop(state);
            drop(left);
            wakers.wake();
            return Poll::Ready(outcome);
        }
        let replaced = waker.map(|waker| {
            state.putters.collect(&self.ticket);
            state.putters.wait(&mut self.ticket, waker)
        });
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<T> Future for Put<'_, T> {
    type Output = Result<(), QueueShutDown<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        poll_attempts(cx, WaitReason::Queue, |waker| this.attempt(waker))
    }
}

impl<T> Drop for Put<'_, T> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let mut wakers = WakeList::default();
            let mut state = self.queue.state.lock();
            let left = state.putters.leave(&mut self.ticket);
            if left.grant.is_some() {
                state.pass_on_put(&mut wakers);
            }
            drop(state);
            drop(left);
            wakers.wake();
        }
    }
}

impl<T> fmt::Debug for Put<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put").field("waiting", &self.ticket.is_some()).finish_non_exhaustive()
    }
}

/// The future of [`Queue::join`].
#[must_use = "futures do nothing unless awaited"]
pub struct Join<'a, T> {
    queue: &'a Queue<T>,
    ticket: Option<Ticket>,
}

impl<'a, T> Join<'a, T> {
    pub(super) fn new(queue: &'a Queue<T>) -> Self {
        Self { queue, ticket: None }
    }

    fn attempt(&mut self, waker: Option<Waker>) -> Poll<()> {
        let mut state = self.queue.state.lock();
        if state.joiners.collect(&self.ticket).is_some() || state.unfinished == 0 {
            let left = state.joiners.leave(&mut self.ticket);
            drop(state);
            drop(left);
            return Poll::Ready(());
        }
        let replaced = waker.map(|waker| state.joiners.wait(&mut self.ticket, waker));
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<T> Future for Join<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        poll_attempts(cx, WaitReason::Queue, |waker| this.attempt(waker))
    }
}

impl<T> Drop for Join<'_, T> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let left = self.queue.state.lock().joiners.leave(&mut self.ticket);
            drop(left);
        }
    }
}

impl<T> fmt::Debug for Join<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("waiting", &self.ticket.is_some()).finish()
    }
}

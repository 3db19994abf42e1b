//! The waiters of one `ConcurrentFuture`, whose handles move and so cannot hold them.
//!
//! A waiter is *waiting* (its waker is stored) or *granted* (it was woken, and has not looked since).
//! The list lives inside its primitive's mutex, and obeys one rule: no code of others runs under that
//! mutex. So wakers are cloned before it is taken, and every function that removes a waker gives it
//! back, to be woken or dropped after it is released.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::task::{Context, Poll, Waker};

use loopwork_context::{WaitReason, spending, waits_for};

/// A waiter's place in the list. It survives being granted, so that a waiter that finds nothing
/// after all waits again where it stood.
#[derive(Debug)]
pub(crate) struct Ticket(u64);

/// The waiters of one future.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    next: u64,
    waiting: BTreeMap<u64, Waker>,
    granted: BTreeSet<u64>,
}

/// What a waiter that left the list had there.
#[derive(Debug)]
#[must_use = "the waker is dropped after the mutex is released"]
pub(crate) struct Left {
    /// Held for its destructor.
    _waker: Option<Waker>,
}

impl Waiters {
    /// Waits, in the place the ticket names or at the end. Gives back the waker it replaces.
    #[must_use = "a waker is dropped after the mutex is released"]
    pub(crate) fn wait(&mut self, ticket: &mut Option<Ticket>, waker: Waker) -> Option<Waker> {
        let place = ticket.get_or_insert_with(|| {
            self.next += 1;
            Ticket(self.next)
        });
        debug_assert!(!self.granted.contains(&place.0), "a grant is collected before waiting");
        self.waiting.insert(place.0, waker)
    }

    /// Takes what was granted to the ticket's waiter. Whether anything was.
    pub(crate) fn collect(&mut self, ticket: &Option<Ticket>) -> bool {
        ticket.as_ref().is_some_and(|ticket| self.granted.remove(&ticket.0))
    }

    /// Leaves the list, if the ticket's waiter is in it.
    pub(crate) fn leave(&mut self, ticket: &mut Option<Ticket>) -> Left {
        let waker = ticket.take().and_then(|Ticket(place)| {
            self.granted.remove(&place);
            self.waiting.remove(&place)
        });
        Left { _waker: waker }
    }

    /// Grants to everybody who waits now.
    pub(crate) fn grant_all(&mut self) -> WakeList {
        let waiting = mem::take(&mut self.waiting);
        self.granted.extend(waiting.keys());
        WakeList(waiting.into_values().collect())
    }
}

/// Wakers to be woken, in order, once the mutex is released. Dropping the list wakes them too.
#[derive(Debug, Default)]
#[must_use = "these wakers are woken after the mutex is released"]
pub(crate) struct WakeList(VecDeque<Waker>);

impl WakeList {
    pub(crate) fn wake(mut self) {
        self.wake_each();
    }

    fn wake_each(&mut self) {
        while let Some(waker) = self.0.pop_front() {
            waker.wake();
        }
    }
}

impl Drop for WakeList {
    fn drop(&mut self) {
        // Unwind: if a waker panics, the others are woken from here all the same.
        self.wake_each();
    }
}

/// Attempts without a waker and, if that leaves the caller pending, again with one to store.
///
/// An attempt that succeeds at once so clones nothing, and a clone never runs under the mutex. What
/// succeeds spends a unit of the task's budget; when that is used up there is no attempt, and what
/// was granted stays granted.
pub(crate) fn poll_attempts<T>(
    cx: &mut Context<'_>,
    reason: WaitReason,
    mut attempt: impl FnMut(Option<Waker>) -> Poll<T>,
) -> Poll<T> {
    spending(cx, |cx| {
        if let Poll::Ready(out) = attempt(None) {
            return Poll::Ready(out);
        }
        let polled = attempt(Some(cx.waker().clone()));
        if polled.is_pending() {
            waits_for(reason);
        }
        polled
    })
}

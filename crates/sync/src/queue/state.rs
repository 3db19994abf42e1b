//! What a queue's mutex guards.

use super::order::Order;
use crate::waiters::{List, WakeList};

/// The items, and who waits for what.
///
/// An item stays in the queue until somebody takes it, so that a getter that is dropped loses
/// none and order is kept. `README.md` states what the counts of waiters promise.
pub(super) struct State<O: Order> {
    pub(super) items: O,
    /// How many items there may be; zero is no limit.
    pub(super) maxsize: usize,
    /// Items put and not yet reported by `task_done`.
    pub(super) unfinished: usize,
    pub(super) shut_down: bool,
    /// The last ticket that was given out.
    pub(super) tickets: usize,
    /// The request of a waiter is its ticket, which it keeps until it is done.
    pub(super) getters: List,
    pub(super) putters: List,
    pub(super) joiners: List,
}

impl<O: Order> State<O> {
    pub(super) fn new(maxsize: usize) -> Self {
        Self {
            items: O::default(),
            maxsize,
            unfinished: 0,
            shut_down: false,
            tickets: 0,
            getters: List::new(),
            putters: List::new(),
            joiners: List::new(),
        }
    }

    pub(super) fn full(&self) -> bool {
        self.maxsize != 0 && self.items.size() >= self.maxsize
    }

    /// Puts an item, for which there is room, and names the getter to wake.
    pub(super) fn put(&mut self, item: O::Item, wakers: &mut WakeList) {
        debug_assert!(!self.full(), "there is room");
        // Unwind: of an item whose comparison panics nothing is counted.
        self.items.push(item);
        self.unfinished += 1;
        wakers.push(self.getters.grant_first(0));
    }

    /// Takes the next item, and names the putter to wake.
    pub(super) fn take(&mut self, wakers: &mut WakeList) -> Option<O::Item> {
        let item = self.items.pop()?;
        wakers.push(self.putters.grant_first(0));
        Some(item)
    }

    /// A getter was woken and will not look: the next one does, if there is something to take.
    pub(super) fn pass_on_get(&mut self, wakers: &mut WakeList) {
        if self.items.size() > 0 {
            wakers.push(self.getters.grant_first(0));
        }
    }

    /// A putter was woken and will not look: the next one does, if there is room.
    pub(super) fn pass_on_put(&mut self, wakers: &mut WakeList) {
        if !self.full() {
            wakers.push(self.putters.grant_first(0));
        }
    }

    /// Counts `done` items as finished. True if those were the last.
    ///
    /// Items may have been reported as done before they were taken: there may be fewer left.
    pub(super) fn finish(&mut self, done: usize) -> bool {
        self.unfinished = self.unfinished.saturating_sub(done);
        self.unfinished == 0
    }
}

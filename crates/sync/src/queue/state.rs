//! What a queue's mutex guards.

use std::collections::VecDeque;

use crate::tickets::{Waiters, WakeList};

/// The items, and who waits for what.
///
/// An item stays in the queue until somebody takes it, so that a getter that is dropped loses
/// none and order is kept. `README.md` states what the counts of waiters promise.
pub(super) struct State<T> {
    pub(super) items: VecDeque<T>,
    /// How many items there may be; zero is no limit.
    pub(super) maxsize: usize,
    /// Items put and not yet reported by `task_done`.
    pub(super) unfinished: usize,
    pub(super) shut_down: bool,
    pub(super) getters: Waiters<()>,
    pub(super) putters: Waiters<()>,
    pub(super) joiners: Waiters<()>,
}

impl<T> State<T> {
    pub(super) fn new(maxsize: usize) -> Self {
        Self {
            items: VecDeque::new(),
            maxsize,
            unfinished: 0,
            shut_down: false,
            getters: Waiters::new(),
            putters: Waiters::new(),
            joiners: Waiters::new(),
        }
    }

    pub(super) fn full(&self) -> bool {
        self.maxsize != 0 && self.items.len() >= self.maxsize
    }

    /// Appends an item, for which there is room, and names the getter to wake.
    pub(super) fn append(&mut self, item: T, wakers: &mut WakeList) {
        debug_assert!(!self.full(), "there is room");
        self.items.push_back(item);
        self.unfinished += 1;
        wakers.push(self.getters.grant_first(()).ok());
    }

    /// Takes the oldest item, and names the putter to wake.
    pub(super) fn take(&mut self, wakers: &mut WakeList) -> Option<T> {
        let item = self.items.pop_front()?;
        wakers.push(self.putters.grant_first(()).ok());
        Some(item)
    }

    /// A getter was woken and will not look: the next one does, if there is something to take.
    pub(super) fn pass_on_get(&mut self, wakers: &mut WakeList) {
        if !self.items.is_empty() {
            wakers.push(self.getters.grant_first(()).ok());
        }
    }

    /// A putter was woken and will not look: the next one does, if there is room.
    pub(super) fn pass_on_put(&mut self, wakers: &mut WakeList) {
        if !self.full() {
            wakers.push(self.putters.grant_first(()).ok());
        }
    }

    /// Counts `done` items as finished, and names the joiners to wake if those were the last.
    ///
    /// Items may have been reported as done before they were taken: there may be fewer left.
    pub(super) fn finish(&mut self, done: usize) -> WakeList {
        self.unfinished = self.unfinished.saturating_sub(done);
        if self.unfinished == 0 { self.joiners.grant_all() } else { WakeList::default() }
    }
}

//! Where a worker finds tasks that are not in its own hand and queue.

use super::queue::{Queue, Stealer};
use super::worker::{Whose, Worker};
use crate::task::{Chain, Runnable};

/// How many chains a thief takes at a time at most.
const STEAL_MAX: usize = 16;

impl Worker {
    /// What is not in the own hand and queue.
    #[cold]
    pub(super) fn elsewhere(&self) -> Option<(Runnable, Whose)> {
        if self.has_ends_to_count() {
            // Who waits for them comes before what is elsewhere.
            return None;
        }
        let pinned = self.pinned().map(|runnable| (runnable, Whose::This));
        pinned.or_else(|| {
            let other = self.lane().or_else(|| self.injected()).or_else(|| self.stolen())?;
            Some((other, Whose::Any))
        })
    }

    pub(super) fn pinned(&self) -> Option<Runnable> {
        let mut pinned = self.pinned.borrow_mut();
        pinned.pop().or_else(|| {
            self.remote().pinned.take()?.into_iter().for_each(|runnable| pinned.push(runnable));
            pinned.pop()
        })
    }

    pub(super) fn has_pinned(&self) -> bool {
        self.pinned.borrow().len() > 0 || !self.remote().pinned.is_empty()
    }

    /// The callback lane, if it is ready. A callback may block: not the root as well.
    pub(super) fn lane(&self) -> Option<Runnable> {
        if self.index == 0 && self.has_root.get() {
            return None;
        }
        self.shared.lane_ready.take().map(|lane| lane.pop().0)
    }

    /// Takes what others left, makes it stealable, and gives the first of it.
    pub(super) fn injected(&self) -> Option<Runnable> {
        let chain = self.shared.inbox.take(self.index)?;
        let (first, rest) = chain.pop();
        if let Some(rest) = rest {
            self.depth.set(self.depth.get() + rest.len());
            self.publish_all(rest);
        }
        Some(first)
    }

    pub(super) fn stolen(&self) -> Option<Runnable> {
        let workers = self.shared.workers();
        let start = self.random.below(workers);
        for victim in (start..workers).chain(0..start).filter(|&victim| victim != self.index) {
            if let Some(runnable) = self.steal_from(victim) {
                return Some(runnable);
            }
        }
        None
    }

    pub(super) fn steal_from(&self, victim: usize) -> Option<Runnable> {
        let remote = &self.shared.remotes[victim];
        let stuck = self.watch.is_stuck(victim, &self.shared);
        if !stuck && !remote.is_attractive() {
            return None;
        }
        let chain = match remote.stealer.steal_into(&self.queue, STEAL_MAX) {
            Some(chain) => chain,
            None if stuck && self.watch.may_seize(victim, &self.shared) => self.seize(victim)?,
            None => return None,
        };
        self.watch.took(victim, self.counters().polls.get(), &self.shared);
        self.counters().steals.add(1);
        self.counters().stolen.add(chain.len() as u64);
        let (first, rest) = chain.pop();
        if let Some(rest) = rest {
            self.depth.set(self.depth.get() + rest.len());
            self.publish(rest);
        }
        Some(first)
    }

    /// Takes what a worker that rests has, a part at a time.
    pub(super) fn take_from(&self, resting: usize) -> Option<Chain> {
        let stolen = self.shared.remotes[resting].stealer.steal_into(&self.queue, STEAL_MAX);
        stolen.or_else(|| self.seize(resting))
    }

    /// Takes what a worker that is stuck in a poll has in hand.
    pub(super) fn seize(&self, victim: usize) -> Option<Chain> {
        let hand = &self.shared.remotes[victim].hand;
        if !hand.is_filled() {
            return None;
        }
        let mut chains = hand.seize()?.into_iter().flatten();
        let first = chains.next()?;
        chains.for_each(|chain| self.queue.push(chain));
        Some(first)
    }
}

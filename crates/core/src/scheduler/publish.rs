//! Making tasks ready, letting others steal them, and waking somebody for that: see `README.md`,
//! "Where a ready task goes" and "What a wake-up is worth".

use super::Origin;
use super::queue::Queue;
use super::worker::Worker;
use crate::task::{Chain, Fifo, Runnable};

/// While polls are cheap, so many tasks make a chain: the price of a queue is paid once for all.
pub(super) const CHAIN_MAX: usize = 32;
/// A backlog that takes longer than this to work off, in nanoseconds, is worth a wake-up.
const BACKLOG_MAX: u64 = 50_000;
/// A worker that has had another ready task for so long shares, in nanoseconds: tasks that yield and
/// go on make a queue that is short, and never empty.
const STANDING: u64 = 100_000;

impl Worker {
    /// Makes a task ready on this worker.
    #[inline]
    pub(crate) fn push(&self, runnable: Runnable, origin: Origin) {
        if self.shared.workers() == 1 {
            // What other threads submitted before keeps its place before this.
            self.take_injected();
            self.remote().hand.push_last(runnable, usize::MAX);
            return;
        }
        self.hear_of_pace();
        let depth = self.depth.get();
        self.depth.set(depth + 1);
        let limit = if self.pace.is_dear() { 1 } else { CHAIN_MAX };
        let hand = &self.remote().hand;
        let full = match origin {
            // A child whose parent may compute on: nobody else would see it in the hand.
            Origin::Spawn if depth == 0 && self.is_help_wanted() => Some(Chain::of(runnable)),
            Origin::Spawn | Origin::Wake => hand.push_next(runnable, limit),
            // Each of many ends would wake a joiner that waits for them one after the other.
            Origin::Join => hand.push_last(runnable, limit),
        };
        if let Some(chain) = full {
            self.publish(chain);
        }
    }

    #[inline]
    pub(super) fn hear_of_pace(&self) {
        let told = &self.remote().told;
        if told.get() != 0 {
            self.pace.hear(told.get());
            told.set(0);
        }
    }

    /// Lets others steal a chain, and wakes one if that seems worth it.
    pub(super) fn publish(&self, chain: Chain) {
        let was_empty = self.queue.is_empty();
        self.queue.push(chain);
        if (was_empty && self.may_wake()) || self.has_backlog() {
            self.wake_sibling();
        }
    }

    /// As `publish`, cut into chains of the length that suits the pace.
    pub(super) fn publish_all(&self, chain: Chain) {
        let limit = if self.pace.is_dear() { 1 } else { CHAIN_MAX };
        let mut part = Fifo::default();
        for runnable in chain {
            part.push(runnable);
            if part.len() >= limit {
                part.take().into_iter().for_each(|chain| self.queue.push(chain));
            }
        }
        if let Some(chain) = part.take() {
            self.queue.push(chain);
        }
        if self.may_wake() {
            self.wake_sibling();
        }
    }

    /// Makes what is in hand stealable, piece by piece.
    pub(super) fn publish_hand(&self) {
        let hand = &self.remote().hand;
        if hand.is_filled() {
            for runnable in hand.take().into_iter().flatten().flatten() {
                self.queue.push(Chain::of(runnable));
            }
        }
    }

    /// Whether there is someone to wake, and that seems worth it.
    pub(super) fn may_wake(&self) -> bool {
        self.shared.idle.could_wake() && self.is_call_due()
    }

    /// The same, or whether somebody who looks for work would find it.
    pub(super) fn is_help_wanted(&self) -> bool {
        self.shared.idle.could_help() && self.is_call_due()
    }

    /// Whether the last wake-ups were not in vain, or some time has passed: see `README.md`, "What
    /// a wake-up is worth".
    pub(super) fn is_call_due(&self) -> bool {
        let backoff = self.remote().backoff.get();
        let due = backoff == 0 || self.pace.last() >= self.woke.get() + backoff;
        due && !self.remote().is_left_alone()
    }

    /// Whether more is ready than this worker ought to keep to itself: much, or for long.
    pub(super) fn has_backlog(&self) -> bool {
        let much = || self.depth.get() as u64 * self.pace.average() >= BACKLOG_MAX;
        let long = || self.pace.last() - self.crowded_since.get() >= STANDING && self.is_call_due();
        self.pace.is_dear() && self.depth.get() > 0 && self.may_wake() && (much() || long())
    }

    pub(super) fn wake_sibling(&self) {
        let Some(notified) = self.shared.idle.notify() else { return };
        self.woke.set(self.pace.last());
        self.counters().wakeups.add(1);
        let remote = self.remote();
        remote.notice.write(remote.counters.polls.get(), self.shared.now());
        self.shared.remotes[notified.worker].woken_by.set(self.index);
        self.shared.unpark_notified(Some(notified));
    }

    /// A searcher is one no more; the last one wakes the next, if there is more.
    #[cold]
    pub(super) fn found_work(&self) {
        if self.end_search() {
            // What others submitted is nobody's yet: they rely on this, so there is no back-off.
            let submitted = !self.shared.inbox.is_empty();
            if submitted || (self.shared.has_work(self.index) && self.is_call_due()) {
                self.wake_sibling();
            }
        }
    }

    /// True if this was the last worker that searched.
    pub(super) fn end_search(&self) -> bool {
        self.searching.replace(false) && self.shared.idle.end_search()
    }

    /// The task that runs here is about to block: all that others can do is theirs now.
    pub(crate) fn give_way(&self) {
        if self.shared.workers() > 1 {
            let hand = self.remote().hand.take();
            let queued = std::iter::from_fn(|| self.queue.pop());
            self.shared.inject_all(hand.into_iter().flatten().chain(queued));
            self.depth.set(0);
        }
    }
}

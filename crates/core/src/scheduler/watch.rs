//! What a worker knows of the others: who is stuck in a poll, and whether a call for help was worth
//! following. See `README.md`, "The watcher" and "What a wake-up is worth".

use std::cell::{Cell, RefCell};

use super::Shared;

/// A caller whose polls take longer than this on average was right to call.
const WORTH: u64 = 1_000;
/// A thief that has run fewer tasks than this has taken all there was.
const FEW: u64 = 32;
/// A poll that takes longer than this strands what is behind it.
const LONG: u64 = 50_000;
const BACKOFF_MIN: u64 = 50_000;
const BACKOFF_MAX: u64 = 1_600_000;

/// Of one worker, about the others.
#[derive(Debug)]
pub(super) struct Watch {
    /// How many polls each had made at the last look, and when that was.
    seen: RefCell<Vec<u64>>,
    looked: Cell<u64>,
    /// The one that has made none since.
    stuck: Cell<Option<usize>>,
    /// A call that was followed, to be judged by what came of it.
    call: Cell<Option<Call>>,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    caller: usize,
    /// The follower's polls and time when it came.
    polls: u64,
    at: u64,
}

impl Watch {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            seen: RefCell::new(vec![0; workers]),
            looked: Cell::new(0),
            stuck: Cell::new(None),
            call: Cell::new(None),
        }
    }

    /// Looks at everybody. True if somebody has made no poll since the last look, and has something
    /// that others could run. A look too soon after the last would take any poll for a long one.
    pub(super) fn look(&self, shared: &Shared) -> bool {
        let now = shared.now();
        if now < self.looked.get() + LONG {
            return self.stuck.get().is_some();
        }
        self.looked.set(now);
        let mut seen = self.seen.borrow_mut();
        self.stuck.set(None);
        for (index, (remote, seen)) in shared.remotes.iter().zip(seen.iter_mut()).enumerate() {
            let polls = remote.counters.polls.get();
            if polls == *seen && remote.has_tasks() {
                self.stuck.set(Some(index));
            }
            *seen = polls;
        }
        self.stuck.get().is_some()
    }

    /// Whether `victim` was found stuck, and is still in the same poll.
    pub(super) fn is_stuck(&self, victim: usize, shared: &Shared) -> bool {
        self.stuck.get() == Some(victim)
            && self.seen.borrow()[victim] == shared.remotes[victim].counters.polls.get()
    }

    /// This worker was woken by `caller`. If its tasks turned out to be cheap meanwhile it calls
    /// less often from now on; if it is stuck, what can be done for it shows.
    pub(super) fn follow(&self, caller: usize, polls: u64, shared: &Shared) {
        let remote = &shared.remotes[caller];
        let (noticed, at) = remote.notice.read();
        let (made, now) = (remote.counters.polls.get(), shared.now());
        match (now - at).checked_div(made - noticed) {
            None => {
                self.seen.borrow_mut()[caller] = made;
                self.stuck.set(Some(caller));
                self.call.set(Some(Call { caller, polls, at: now }));
            }
            Some(each) => judge(shared, caller, each >= WORTH),
        }
    }

    /// This worker is out of work again. True if it has judged a call to have been useless.
    pub(super) fn conclude(&self, polls: u64, shared: &Shared) {
        if let Some(call) = self.call.take() {
            let ran = polls - call.polls;
            let each = (shared.now() - call.at).checked_div(ran);
            judge(shared, call.caller, ran > 0 && (ran < FEW || each >= Some(WORTH)));
        }
    }
}

fn judge(shared: &Shared, caller: usize, worth: bool) {
    let remote = &shared.remotes[caller];
    if worth {
        remote.backoff.set(0);
    } else {
        remote.backoff.set((2 * remote.backoff.get()).clamp(BACKOFF_MIN, BACKOFF_MAX));
        remote.counters.useless_wakeups.add(1);
    }
}

//! What a worker knows of the others: who is stuck in a poll, and whether a call for help was worth
//! following. See `README.md`, "The watcher" and "What a wake-up is worth".

use std::cell::Cell;

use loopwork_context::friction;

use super::pace::tamed;
use super::queue::Stealer;
use super::{Remote, Shared};

/// A caller whose polls take longer than this on average was right to call.
const WORTH: u64 = 1_000;
/// A thief that has run fewer tasks than this has taken all there was.
const FEW: u64 = 32;
/// Calls further apart than this are not too many, however short the tasks.
const RARE: u64 = 500_000;
/// A poll that takes longer than this strands what is behind it.
const LONG: u64 = 50_000;
const BACKOFF_MIN: u64 = 50_000;
const BACKOFF_MAX: u64 = 1_600_000;
/// So many times as long as its calls are held back, what collides is left alone.
const ALONE: u64 = 4;

/// Of one worker, about the others.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Who was found to be in a long poll, and when it last read its clock.
    stuck: Cell<Option<(usize, u64)>>,
    /// Whose call was followed, to be judged by what came of it.
    call: Cell<Option<Since>>,
    /// From whom tasks were stolen last, which are being run.
    loot: Cell<Option<Since>>,
    /// From whom that was, and when.
    took: Cell<Option<(usize, u64)>>,
}

/// What this worker has done for another one.
#[derive(Debug, Clone, Copy)]
struct Since {
    other: usize,
    /// Its own polls, the time, and what polls had lost to others when that began.
    polls: u64,
    at: u64,
    friction: u64,
    /// The other one's polls were seen to be worth it.
    dear: bool,
}

impl Since {
    fn begin(other: usize, polls: u64, at: u64) -> Self {
        Self { other, polls, at, friction: friction(), dear: false }
    }

    /// Whether most of the time was lost to others.
    fn was_lost(self, now: u64) -> bool {
        2 * self.worked(now) < now - self.at
    }

    /// For how long it has worked, without what was lost to others.
    fn worked(self, now: u64) -> u64 {
        // Less than then if the loop runs on another thread now.
        let lost = friction().saturating_sub(self.friction);
        (now - self.at).saturating_sub(lost)
    }

    /// How many polls it has made since, and how long each took; none if there was none.
    fn until(self, polls: u64, now: u64) -> (u64, Option<u64>) {
        let made = polls - self.polls;
        (made, self.worked(now).checked_div(made))
    }
}

impl Watch {
    /// Looks at everybody. True if somebody has been in one poll for long, and has something that
    /// others could run: a worker whose polls are short reads its clock often.
    pub(super) fn look(&self, now: u64, shared: &Shared) -> bool {
        let stuck = shared.remotes.iter().position(|remote| is_stranded(remote, now));
        self.stuck.set(stuck.map(|index| (index, shared.remotes[index].sampled.get())));
        stuck.is_some()
    }

    /// Whether `victim` was found stuck, and has not read its clock since.
    pub(super) fn is_stuck(&self, victim: usize, shared: &Shared) -> bool {
        self.stuck.get() == Some((victim, shared.remotes[victim].sampled.get()))
    }

    /// This worker was woken by `caller`. If its tasks turned out to be cheap meanwhile it calls
    /// less often from now on; if it is stuck, what can be done for it shows.
    pub(super) fn follow(&self, caller: usize, polls: u64, shared: &Shared) {
        let remote = &shared.remotes[caller];
        let (noticed, at) = (remote.notice.polls.get(), remote.notice.at.get());
        let (made, now) = (remote.counters.polls.get(), shared.now());
        // Read one by one from another thread, they may be of different calls.
        match now.saturating_sub(at).checked_div(made.saturating_sub(noticed)) {
            None => {
                self.stuck.set(Some((caller, remote.sampled.get())));
                self.call.set(Some(Since::begin(caller, polls, now)));
            }
            // Its own average leaves out what it has lost to others.
            Some(each) if each.min(remote.average.get()) < WORTH => judge(shared, caller, false),
            Some(_) => {
                self.call.set(Some(Since { dear: true, ..Since::begin(caller, polls, now) }))
            }
        }
    }

    /// This worker takes tasks of `victim`.
    pub(super) fn took(&self, victim: usize, polls: u64, shared: &Shared) {
        let now = shared.now();
        self.tell(polls, now, shared);
        self.loot.set(Some(Since::begin(victim, polls, now)));
        self.took.set(Some((victim, now)));
    }

    /// Whether what `victim` has in hand is to be taken, which interrupts it. Not if it has published tasks
    /// of late: then it publishes these as well, soon.
    pub(super) fn may_seize(&self, victim: usize, shared: &Shared) -> bool {
        let took = self.took.get().filter(|&(other, _)| other == victim);
        took.is_none_or(|(_, at)| shared.now().saturating_sub(at) >= LONG)
    }

    /// What was stolen before has been run: its owner ought to know what it cost.
    fn tell(&self, polls: u64, now: u64, shared: &Shared) {
        let Some(loot) = self.loot.take() else { return };
        if let (_, Some(each)) = loot.until(polls, now) {
            let remote = &shared.remotes[loot.other];
            remote.told.set(each.max(1));
            remote.average.set(tamed(each, remote.average.get()));
        }
    }

    /// This worker is out of work again: what came of the call it followed, and of what it stole?
    pub(super) fn conclude(&self, polls: u64, now: u64, shared: &Shared) {
        self.tell(polls, now, shared);
        if let Some(call) = self.call.take() {
            let (ran, each) = call.until(polls, now);
            let helped = call.worked(now) >= LONG;
            let rare = shared.remotes[call.other].notice.after.get() >= RARE;
            let worth = each >= Some(WORTH) || helped || (rare && ran < FEW);
            judge(shared, call.other, call.dear || (ran > 0 && worth));
        }
    }

    /// This worker is busy. What it has done so far for another one may say enough.
    pub(super) fn assess(&self, polls: u64, now: u64, shared: &Shared) {
        if let Some(loot) = self.loot.get().filter(|loot| loot.was_lost(now)) {
            // It collides with what has stayed there.
            self.tell(polls, now, shared);
            self.call.set(self.call.get().filter(|call| call.other != loot.other));
            judge(shared, loot.other, false);
            let remote = &shared.remotes[loot.other];
            remote.alone.set(now + ALONE * remote.backoff.get());
        }
        if let Some(call) = self.call.get().filter(|call| call.worked(now) >= LONG) {
            self.call.set(None);
            judge(shared, call.other, true);
        }
    }
}

/// Whether what a worker has waits for a long poll of it. Many tasks may wait as much longer as calls
/// are held back: they were found to be so cheap that moving them costs more than running them.
fn is_stranded(remote: &Remote, now: u64) -> bool {
    let age = now.saturating_sub(remote.sampled.get());
    let patience = if is_few(remote) { LONG } else { LONG + remote.backoff.get() };
    age >= patience && remote.has_tasks()
}

/// Whether so little is there that taking it costs next to nothing.
fn is_few(remote: &Remote) -> bool {
    remote.stealer.len() <= 1
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

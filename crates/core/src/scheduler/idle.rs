//! Who sleeps, who searches, who watches. Protocol and proof sketch are in `README.md`.

use loopwork_shim::atomic::{AtomicUsize, Ordering, fence};
use loopwork_shim::sync::{Condvar, Mutex};
use loopwork_shim::weaken;

use crate::driver::Quiet;

/// Searching workers are counted in the low half of the word, sleeping ones in the high half.
const SEARCHING: usize = 1;
const SLEEPING: usize = 1 << (usize::BITS / 2);

#[derive(Debug)]
pub(crate) struct Idle {
    workers: usize,
    /// A summary of the stack that a push reads without the lock. Written under the lock, but for
    /// searchers that find work.
    word: AtomicUsize,
    sleepers: Mutex<Sleepers>,
    /// Notified when the last worker but worker 0 rests.
    rested: Condvar,
}

#[derive(Debug)]
struct Sleepers {
    stack: Vec<usize>,
    /// Whether anybody may leave the stack.
    running: bool,
    watcher: Option<usize>,
    /// How often somebody left the stack, or was taken off it.
    wake_ups: u64,
}

/// How a worker stands after it tried to leave the stack.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Leave {
    /// Somebody had taken it off: it is searching.
    Notified,
    /// It left by itself. If another worker is named, that one is the watcher now: unpark it.
    Left { watcher: Option<usize> },
    /// The loop is stopped: it stays.
    Resting,
}

/// Who is to be unparked.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub(crate) struct Notified {
    /// It was taken off the stack: it is searching.
    pub(crate) worker: usize,
    /// It watches from now on.
    pub(crate) watcher: Option<usize>,
}

/// How a sleeper stands.
#[derive(Debug)]
pub(crate) struct Stand {
    /// Somebody took it off the stack: it is searching.
    pub(crate) notified: bool,
    /// It may leave the stack by itself.
    pub(crate) running: bool,
    pub(crate) watcher: bool,
    pub(crate) all_asleep: bool,
}

impl Idle {
    /// All workers but worker 0 are counted as asleep once they have announced themselves.
    pub(crate) fn new(workers: usize) -> Self {
        let sleepers = Sleepers {
            stack: Vec::with_capacity(workers),
            running: false,
            watcher: None,
            wake_ups: 0,
        };
        Self {
            workers,
            word: AtomicUsize::new(0),
            sleepers: Mutex::new(sleepers),
            rested: Condvar::new(),
        }
    }

    /// Steps 1 and 2 of a sleeper: afterwards it looks at every queue once more. True if everybody
    /// else of a running loop is asleep.
    pub(crate) fn announce(&self, worker: usize, searching: bool) -> bool {
        let mut sleepers = self.sleepers.lock();
        debug_assert!(!sleepers.stack.contains(&worker), "announced twice");
        sleepers.stack.push(worker);
        if sleepers.running && sleepers.watcher.is_none() && sleepers.stack.len() < self.workers {
            sleepers.watcher = Some(worker);
        }
        let searching = weaken!("idle-give-up", searching => false);
        // Ordering: Relaxed: the fence below orders it.
        self.word.fetch_add(SLEEPING - if searching { SEARCHING } else { 0 }, Ordering::Relaxed);
        if !sleepers.running && sleepers.stack.len() == self.workers - 1 {
            self.rested.notify_all();
        }
        let last = sleepers.running && sleepers.stack.len() == self.workers;
        drop(sleepers);
        if !weaken!("idle-sleep") {
            // Ordering: SeqCst [edge: idle-sleep]: store-load with `notify_after_push`.
            fence(Ordering::SeqCst);
        }
        last
    }

    /// Whether the loop runs and everybody sleeps.
    pub(crate) fn quiet(&self) -> Option<Quiet> {
        let sleepers = self.sleepers.lock();
        let quiet = sleepers.running && sleepers.stack.len() == self.workers;
        quiet.then_some(Quiet { wake_ups: sleepers.wake_ups })
    }

    /// Step 5 of a sleeper, or a decision to go for work that it saw.
    pub(crate) fn leave(&self, worker: usize) -> Leave {
        let mut sleepers = self.sleepers.lock();
        let Some(at) = sleepers.stack.iter().position(|&sleeper| sleeper == worker) else {
            return Leave::Notified;
        };
        if !sleepers.running {
            return Leave::Resting;
        }
        sleepers.wake_up(at);
        // Ordering: Relaxed: fewer sleepers than a push sees only cost it the lock.
        self.word.fetch_sub(SLEEPING, Ordering::Relaxed);
        if sleepers.watcher == Some(worker) {
            sleepers.watcher = None;
        }
        Leave::Left { watcher: sleepers.appoint_watcher() }
    }

    /// How a sleeper stands, before it looks and blocks.
    pub(crate) fn stand(&self, worker: usize) -> Stand {
        let sleepers = self.sleepers.lock();
        Stand {
            notified: !sleepers.stack.contains(&worker),
            running: sleepers.running,
            watcher: sleepers.watcher == Some(worker),
            all_asleep: sleepers.stack.len() == self.workers,
        }
    }

    /// The watcher becomes an ordinary sleeper, if everybody sleeps. True if it did.
    #[must_use]
    pub(crate) fn retire_watcher(&self, worker: usize) -> bool {
        let mut sleepers = self.sleepers.lock();
        let retires = sleepers.watcher == Some(worker) && sleepers.stack.len() == self.workers;
        if retires {
            sleepers.watcher = None;
        }
        retires
    }

    /// Whether a push could wake anybody: someone sleeps, and nobody searches. A hint.
    #[inline]
    pub(crate) fn could_wake(&self) -> bool {
        // Ordering: Relaxed: ordered by a fence before, if it has to be.
        let word = self.word.load(Ordering::Relaxed);
        word >= SLEEPING && word % SLEEPING == 0
    }

    /// Whether anybody sleeps or searches. A hint.
    #[inline]
    pub(crate) fn could_help(&self) -> bool {
        // Ordering: Relaxed: a hint.
        self.word.load(Ordering::Relaxed) != 0
    }

    /// A worker without work looks for some, before it sleeps. False if another one does.
    #[must_use]
    pub(crate) fn begin_search(&self) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while word % SLEEPING == 0 {
            // Ordering: Relaxed: who pushes and sees this wakes nobody, and the search ends with a
            // fence or an announcement.
            match self.word.compare_exchange_weak(
                word,
                word + SEARCHING,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(changed) => word = changed,
            }
        }
        false
    }

    /// A searcher found work. True if it was the last: it looks whether there is more, and then
    /// wakes the next.
    #[must_use]
    pub(crate) fn end_search(&self) -> bool {
        // Ordering: Relaxed: the fence below orders it.
        let before = self.word.fetch_sub(SEARCHING, Ordering::Relaxed);
        let last = before % SLEEPING == SEARCHING;
        if last && !weaken!("idle-search") {
            // Ordering: SeqCst [edge: idle-search]: store-load with `notify_after_push`, which
            // wakes nobody while somebody searches.
            fence(Ordering::SeqCst);
        }
        last
    }

    /// Steps 2 to 4 of a push from outside.
    pub(crate) fn notify_after_push(&self) -> Option<Notified> {
        if !weaken!("idle-push") {
            // Ordering: SeqCst [edge: idle-push]: store-load with `announce`.
            fence(Ordering::SeqCst);
        }
        self.notify()
    }

    /// As [`Idle::notify_after_push`], of what worker 0 leaves to others: it also wakes one while
    /// somebody searches, since that may be worker 0.
    pub(crate) fn notify_background_after_push(&self) -> Option<Notified> {
        // Ordering: SeqCst [edge: idle-push], as there.
        fence(Ordering::SeqCst);
        // Ordering: Relaxed: ordered by the fence.
        if self.word.load(Ordering::Relaxed) < SLEEPING {
            return None;
        }
        self.take_sleeper(false, |worker| worker != 0)
    }

    /// As [`Idle::notify_after_push`], for a worker that will look at what it pushed itself.
    pub(crate) fn notify(&self) -> Option<Notified> {
        if !self.could_wake() {
            return None;
        }
        self.take_sleeper(true, |_| true)
    }

    /// Takes one off the stack; `alone`: unless somebody searches.
    fn take_sleeper(&self, alone: bool, eligible: impl Fn(usize) -> bool) -> Option<Notified> {
        let mut sleepers = self.sleepers.lock();
        if !sleepers.running || (alone && !self.could_wake()) {
            return None;
        }
        // The watcher is better left where it is.
        let watcher = sleepers.watcher;
        let find = |good: &dyn Fn(usize) -> bool| {
            sleepers.stack.iter().rposition(|&sleeper| eligible(sleeper) && good(sleeper))
        };
        let at = find(&|sleeper| Some(sleeper) != watcher).or_else(|| find(&|_| true))?;
        let worker = sleepers.wake_up(at);
        if watcher == Some(worker) {
            sleepers.watcher = None;
        }
        // Ordering: Relaxed: only a hint to others; the lock orders what matters.
        self.word.fetch_sub(SLEEPING - SEARCHING, Ordering::Relaxed);
        Some(Notified { worker, watcher: sleepers.appoint_watcher() })
    }

    /// Lets workers leave the stack. The one that is named watches: unpark it.
    pub(crate) fn resume(&self) -> Option<usize> {
        let mut sleepers = self.sleepers.lock();
        sleepers.running = true;
        sleepers.appoint_watcher()
    }

    /// Returns when all workers but worker 0, whose thread calls this, are asleep for good.
    pub(crate) fn rest(&self) {
        let mut sleepers = self.sleepers.lock();
        sleepers.running = false;
        sleepers.watcher = None;
        while sleepers.stack.len() < self.workers - 1 && !weaken!("idle-rest") {
            self.rested.wait(&mut sleepers);
        }
    }
}

impl Sleepers {
    fn wake_up(&mut self, at: usize) -> usize {
        if !weaken!("idle-quiet") {
            self.wake_ups += 1;
        }
        self.stack.remove(at)
    }

    fn appoint_watcher(&mut self) -> Option<usize> {
        if self.watcher.is_some() {
            return None;
        }
        self.watcher = self.stack.last().copied();
        self.watcher
    }
}

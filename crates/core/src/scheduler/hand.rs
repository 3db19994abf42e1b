//! What a worker has in hand: ready tasks that are not in its deque, and what the loop's other
//! threads may do about them. `README.md` has the order in which tasks move through it.

use std::fmt;

use loopwork_shim::atomic::{AtomicBool, Ordering};
use loopwork_shim::cell::UnsafeCell;
use loopwork_shim::claim::Claim;
use loopwork_shim::sync::Mutex;
use loopwork_shim::weaken;

use super::queue::{LocalQueue, Queue};
use crate::task::{Chain, Fifo, RawTask, Runnable};

/// So many tasks in a row come from the slot at most, while others wait.
const STREAK_MAX: u8 = 3;

/// Behind a [`Claim`] of its worker, who pays no read-modify-write for it.
pub(crate) struct Hand {
    claim: Claim,
    held: UnsafeCell<Held>,
    /// A hint for others whether there is anything. Written by who is inside.
    filled: AtomicBool,
    /// Held by who seizes: one at a time.
    seizing: Mutex<()>,
}

// SAFETY: `held` is only reached between `enter` and `leave` by the owner, and between a successful
// `try_seize` and `release`, under the lock, by others: never two at a time, see `shim`'s `claim.rs`. What
// is in it is `Send`.
unsafe impl Sync for Hand {}

#[derive(Debug, Default)]
struct Held {
    /// The task that was made ready last, to be run next: it is still in the cache.
    slot: Option<Runnable>,
    /// How many tasks in a row came from the slot.
    streak: u8,
    /// What is left of the chain that is being run.
    current: Option<Chain>,
    /// The chain that is being made.
    open: Fifo,
}

/// What was in a hand.
pub(crate) type Seized = [Option<Chain>; 3];

impl Hand {
    pub(crate) fn new() -> Self {
        Self {
            claim: Claim::default(),
            held: UnsafeCell::new(Held::default()),
            filled: AtomicBool::new(false),
            seizing: Mutex::new(()),
        }
    }

    /// By the owner: puts a task where it is run next, and the one that was there behind all others.
    /// Gives back a chain of `limit`, if that makes one, which is to be published.
    #[inline]
    pub(crate) fn push_next(&self, runnable: Runnable, limit: usize) -> Option<Chain> {
        self.with(|held| {
            self.fill();
            match held.slot.replace(runnable) {
                Some(displaced) => held.push_last(displaced, limit),
                None => None,
            }
        })
    }

    /// By the owner: puts a task behind all others. As [`Hand::push_next`].
    #[inline]
    pub(crate) fn push_last(&self, runnable: Runnable, limit: usize) -> Option<Chain> {
        self.with(|held| {
            self.fill();
            held.push_last(runnable, limit)
        })
    }

    /// By the owner, who has the only `Task` of `task`: gives that up, if the task is the one that was put here last. As
    /// long as it is here its `Runnable` is the owner's, too; whoever takes it out sees what was done.
    #[inline]
    pub(crate) fn disclaim(&self, task: &RawTask) -> bool {
        let is_here = self.with(|held| {
            let is_here = held.was_last(task);
            if is_here && !weaken!("hand-disclaim") {
                task.disclaim();
            }
            is_here
        });
        if is_here && weaken!("hand-disclaim") {
            // The mistake this guards against: it may have been taken, and have ended, by now.
            task.disclaim();
        }
        is_here
    }

    /// By the owner: the next task, from here or from `queue`.
    #[inline]
    pub(crate) fn pop(&self, queue: &LocalQueue) -> Option<Runnable> {
        // Ordering: Relaxed, here and below: the owner reads what it wrote; for others it is a hint.
        if !self.filled.load(Ordering::Relaxed) {
            let chain = queue.pop()?;
            return Some(self.begin(chain));
        }
        let popped = self.with(|held| {
            if let Some(next) = held.slot.take() {
                if held.streak < STREAK_MAX {
                    held.streak += 1;
                    return Some(next);
                }
                held.open.push(next);
            }
            held.streak = 0;
            let chain = held.current.take().or_else(|| queue.pop()).or_else(|| held.open.take())?;
            let (next, rest) = chain.pop();
            held.current = rest;
            if !weaken!("hand-fill") {
                // Who seized it since the look has cleared this, and what came from the queue is in hand
                // now.
                self.fill();
            }
            Some(next)
        });
        if popped.is_none() {
            self.filled.store(false, Ordering::Relaxed);
        }
        popped
    }

    /// The first of a chain; the rest is run next.
    fn begin(&self, chain: Chain) -> Runnable {
        let (next, rest) = chain.pop();
        if rest.is_some() {
            self.with(|held| {
                self.fill();
                held.current = rest;
            });
        }
        next
    }

    /// By the owner: everything.
    pub(crate) fn take(&self) -> Seized {
        self.with(|held| {
            self.filled.store(false, Ordering::Relaxed);
            held.take()
        })
    }

    /// By the owner: how many tasks there are.
    pub(crate) fn len(&self) -> usize {
        self.with(|held| {
            let slot = usize::from(held.slot.is_some());
            slot + held.current.as_ref().map_or(0, Chain::len) + held.open.len()
        })
    }

    /// By anybody: everything, unless the owner is just inside.
    pub(crate) fn seize(&self) -> Option<Seized> {
        let _one = self.seizing.lock();
        if !self.claim.try_seize() {
            return None;
        }
        self.filled.store(false, Ordering::Relaxed);
        // SAFETY: between `try_seize` and `release`, under the lock.
        let seized = self.held.with_mut(|held| unsafe { &mut *held }.take());
        self.claim.release();
        Some(seized)
    }

    /// Whether there may be anything.
    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Relaxed)
    }

    /// By the owner, inside: else a thread that seizes could clear it after the push it stands for.
    #[inline]
    fn fill(&self) {
        if !self.filled.load(Ordering::Relaxed) {
            self.filled.store(true, Ordering::Relaxed);
        }
    }

    /// By the owner. `f` runs no code of others, and does not come back here.
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut Held) -> R) -> R {
        self.claim.enter();
        // SAFETY: between `enter` and `leave`.
        let result = self.held.with_mut(|held| f(unsafe { &mut *held }));
        self.claim.leave();
        result
    }
}

impl Held {
    /// Whether `task` is the one that was put here last.
    #[inline]
    fn was_last(&self, task: &RawTask) -> bool {
        match &self.slot {
            Some(next) => next.task().ptr_eq(task),
            None => self.open.ends_with(task),
        }
    }

    #[inline]
    fn push_last(&mut self, runnable: Runnable, limit: usize) -> Option<Chain> {
        self.open.push(runnable);
        if self.open.len() >= limit { self.open.take() } else { None }
    }

    fn take(&mut self) -> Seized {
        self.streak = 0;
        [self.slot.take().map(Chain::of), self.current.take(), self.open.take()]
    }
}

impl fmt::Debug for Hand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hand").field("filled", &self.is_filled()).finish_non_exhaustive()
    }
}

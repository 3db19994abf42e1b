//! The one word of a task. `README.md` beside this file has the table of states and the proofs.

use std::fmt;

use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::weaken;

const SCHEDULED: usize = 1 << 0;
const RUNNING: usize = 1 << 1;
const COMPLETE: usize = 1 << 2;
const HANDLE: usize = 1 << 3;
const WATCHED: usize = 1 << 4;
const CANCEL: usize = 1 << 5;
const STARTED: usize = 1 << 6;
/// One reference.
const REF: usize = 1 << 8;
/// Past this many references something leaks wakers in a loop; stopping beats wrapping to zero.
const REFS_MAX: usize = usize::MAX / 2;

/// The word. Only its transitions read bits; callers see actions.
pub(crate) struct State(AtomicUsize);

/// What [`State::start_poll`] found.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StartPoll {
    /// Poll the future. A cancel request is to be delivered, or not.
    Poll { cancel: bool },
    /// The task ended while this `Runnable` was queued. Only drop the reference.
    Ended,
}

/// What follows a poll that returned `Pending`.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FinishPending {
    /// Woken during the poll: put the `Runnable` back into a queue.
    Again,
    /// The `Runnable` ends here, and its reference was given up.
    Idle,
}

/// Who is interested in a task that just ended.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Completed {
    /// A `Task` handle exists: keep the output.
    pub(crate) wanted: bool,
    /// Somebody registered for the end.
    pub(crate) watched: bool,
}

/// What a wake or a cancel asks of its caller.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Push a `Runnable`: the word counts its reference already.
    Schedule,
    /// Somebody else will poll the task.
    Coalesced,
    /// The task has ended.
    Ended,
}

/// What [`State::claim`] found.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The future is the caller's. A `Runnable` is in a queue or on its way to one, or not.
    Claimed { scheduled: bool },
    /// The task had ended.
    Ended,
}

impl State {
    /// Ready, with a `Task`, a `Runnable` and a registry entry.
    pub(crate) fn spawned() -> Self {
        Self(AtomicUsize::new(SCHEDULED | HANDLE | (3 * REF)))
    }

    /// Transition 1, by whoever holds the `Runnable`.
    pub(crate) fn start_poll(&self) -> StartPoll {
        self.transition(|now| {
            if now & COMPLETE != 0 {
                // The stale `Runnable` was collected: `close()` waits for that.
                return (now & !SCHEDULED, StartPoll::Ended);
            }
            debug_assert_eq!(
                now & (SCHEDULED | RUNNING),
                SCHEDULED,
                "a `Runnable` of a task that is not ready"
            );
            let next = (now & !(SCHEDULED | CANCEL)) | RUNNING | STARTED;
            (next, StartPoll::Poll { cancel: now & CANCEL != 0 })
        })
    }

    /// Transition 2, by whoever polls.
    pub(crate) fn finish_pending(&self) -> FinishPending {
        self.transition(|now| {
            debug_assert_eq!(
                now & (RUNNING | COMPLETE),
                RUNNING,
                "finished a poll that is not running"
            );
            if now & SCHEDULED != 0 {
                (now & !RUNNING, FinishPending::Again)
            } else {
                debug_assert!(now >= 2 * REF, "an idle task is in the registry");
                ((now & !RUNNING) - REF, FinishPending::Idle)
            }
        })
    }

    /// Transition 3, by whoever owns the future, which is gone, its output in place.
    pub(crate) fn complete(&self) -> Completed {
        // Ordering: Release [edge: task-complete]: whoever sees COMPLETE sees the output. What this
        // thread then reads of the header is behind the lock.
        let order = weaken!("task-complete", Ordering::Release => Ordering::Relaxed);
        let before = self.0.fetch_xor(RUNNING | COMPLETE, order);
        debug_assert_eq!(before & (RUNNING | COMPLETE), RUNNING, "completed a task not owned");
        Completed { wanted: before & HANDLE != 0, watched: before & WATCHED != 0 }
    }

    /// Transition 4, by a waker.
    pub(crate) fn wake(&self) -> Wake {
        if cfg!(loopwork_weaken = "task-wake") {
            // The mistake this guards against: a wake that finds the task running is dropped.
            let now = self.0.load(Ordering::Acquire);
            if now & RUNNING != 0 {
                return Wake::Coalesced;
            }
        }
        self.transition(|now| Self::schedule(now, 0))
    }

    /// Transition 5, by anyone. `Wake::Ended` means the request came too late.
    pub(crate) fn cancel(&self) -> Wake {
        self.transition(|now| Self::schedule(now, CANCEL))
    }

    fn schedule(now: usize, request: usize) -> (usize, Wake) {
        if now & COMPLETE != 0 {
            (now, Wake::Ended)
        } else if now & (SCHEDULED | RUNNING) != 0 {
            (now | SCHEDULED | request, Wake::Coalesced)
        } else {
            ((now | SCHEDULED | request) + REF, Wake::Schedule)
        }
    }

    /// Transition 6. The caller knows that nobody polls the task, and that nobody will.
    pub(crate) fn claim(&self) -> Claim {
        self.transition(|now| {
            if now & COMPLETE != 0 {
                return (now, Claim::Ended);
            }
            debug_assert_eq!(now & RUNNING, 0, "claimed a task that is being polled");
            (now | RUNNING, Claim::Claimed { scheduled: now & SCHEDULED != 0 })
        })
    }

    /// Transition 7, under the header's lock. True if the task had ended.
    #[must_use]
    pub(crate) fn watch(&self) -> bool {
        // Ordering: Relaxed [edge: task-watch]: only its place among the read-modify-writes of this
        // word counts. The lock publishes the entry, and `is_complete` acquires the output.
        let before = self.0.fetch_or(WATCHED, Ordering::Relaxed);
        weaken!("task-watch", before & COMPLETE != 0 => false)
    }

    /// Transition 8, by the last `Task`. True if the task had ended: its output is the caller's.
    #[must_use]
    pub(crate) fn drop_handle(&self) -> bool {
        // Ordering: Acquire [edge: task-handle]: the output, if it ended, see `complete`.
        let order = weaken!("task-handle", Ordering::Acquire => Ordering::Relaxed);
        let before = self.0.fetch_and(!HANDLE, order);
        debug_assert_ne!(before & HANDLE, 0, "the last handle dropped twice");
        before & COMPLETE != 0
    }

    /// Whether the task has ended; if so, its output is visible to the caller.
    pub(crate) fn is_complete(&self) -> bool {
        // Ordering: Acquire [edge: task-complete], see `complete`.
        let order = weaken!("task-complete-acquire", Ordering::Acquire => Ordering::Relaxed);
        self.0.load(order) & COMPLETE != 0
    }

    /// Whether a `Runnable` that the word promises has not been collected yet.
    pub(crate) fn is_scheduled(&self) -> bool {
        // Ordering: Relaxed: the thread that asks is the one that collects.
        self.0.load(Ordering::Relaxed) & SCHEDULED != 0
    }

    /// asyncio's four states of a coroutine.
    pub(crate) fn phase(&self) -> TaskState {
        // Ordering: Relaxed: a snapshot for people.
        let now = self.0.load(Ordering::Relaxed);
        match now {
            _ if now & COMPLETE != 0 => TaskState::Closed,
            _ if now & RUNNING != 0 => TaskState::Running,
            _ if now & STARTED != 0 => TaskState::Suspended,
            _ => TaskState::Created,
        }
    }

    /// Counts one more reference; the caller holds one.
    pub(crate) fn ref_inc(&self) {
        // Ordering: Relaxed: the caller's own reference keeps the task alive, as in `Arc`.
        if self.0.fetch_add(REF, Ordering::Relaxed) > REFS_MAX {
            std::process::abort();
        }
    }

    /// Gives one reference up. True if it was the last: the caller frees the task.
    #[must_use]
    pub(crate) fn ref_dec(&self) -> bool {
        // Ordering: AcqRel [edge: task-free]: every use of the task comes before the drop of the
        // reference that allowed it, and the last to drop sees them all.
        let order = weaken!("task-free", Ordering::AcqRel => Ordering::Relaxed);
        let before = self.0.fetch_sub(REF, order);
        debug_assert!(before >= REF, "dropped a reference that nobody held");
        before < 2 * REF
    }

    /// Applies `step` to the word in one read-modify-write. It writes even where nothing changes:
    /// see transition 4 in the README.
    fn transition<A>(&self, step: impl Fn(usize) -> (usize, A)) -> A {
        // Ordering: Acquire for the reading side of every transition, AcqRel [edge: task-wake] for
        // the write: what a waker, a canceller or the last poll did is visible to the next poll.
        let order = weaken!("task-transition", Ordering::AcqRel => Ordering::Relaxed);
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let (next, action) = step(now);
            match self.0.compare_exchange_weak(now, next, order, Ordering::Relaxed) {
                Ok(_) => return action,
                Err(changed) => now = changed,
            }
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.0.load(Ordering::Relaxed);
        f.debug_struct("State")
            .field("scheduled", &(now & SCHEDULED != 0))
            .field("running", &(now & RUNNING != 0))
            .field("complete", &(now & COMPLETE != 0))
            .field("handle", &(now & HANDLE != 0))
            .field("watched", &(now & WATCHED != 0))
            .field("cancel", &(now & CANCEL != 0))
            .field("started", &(now & STARTED != 0))
            .field("references", &(now / REF))
            .finish()
    }
}

/// Where a task is in its life: asyncio's four states of a coroutine.
///
/// asyncio: `inspect.getcoroutinestate`.
#[doc(alias = "getcoroutinestate")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// Spawned, never polled: `CORO_CREATED`.
    Created,
    /// Being polled right now: `CORO_RUNNING`.
    Running,
    /// Waiting at an await, or to be polled again: `CORO_SUSPENDED`.
    Suspended,
    /// Finished, failed or cancelled: `CORO_CLOSED`.
    Closed,
}

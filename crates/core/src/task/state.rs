//! The one word of a task. `README.md` beside this file has the table of its bits and the proofs.

use std::fmt;

use loopwork_shim::atomic::{AtomicU64, Ordering};
use loopwork_shim::weaken;

const COMPLETE: u64 = 1 << 0;
const HANDLE: u64 = 1 << 1;
const WATCHED: u64 = 1 << 2;
const CANCEL: u64 = 1 << 3;
const STALE: u64 = 1 << 4;
const PANICKED: u64 = 1 << 5;
const CANCELLED: u64 = 1 << 6;
const ROOT: u64 = 1 << 7;
const INTERNAL: u64 = 1 << 8;
const PINNED: u64 = 1 << 9;
/// One wake.
const WAKE: u64 = 1 << 10;
/// One reference.
const REF: u64 = 1 << 37;
/// The bits that count wakes.
const WAKES: u64 = REF - WAKE;
/// Past this many references something leaks wakers in a loop; stopping beats wrapping to zero.
const REFS_MAX: u64 = 1 << 26;
/// So many wakes at most are taken by one poll. A model has few, so that it sees more.
const SEEN_MAX: u64 = if cfg!(loopwork_loom) { 2 } else { 1 << 16 };
/// From so many wakes on, a wake takes itself back: enough are left for this poll and the next.
const CROWD: u64 = 2 * SEEN_MAX;

#[inline]
fn wakes(word: u64) -> u64 {
    (word & WAKES) / WAKE
}

#[inline]
fn refs(word: u64) -> u64 {
    word / REF
}

/// What a task is to the scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An ordinary task.
    Task,
    /// The future of `block_on`: polled and dropped on worker 0 only.
    Root,
    /// The callback lane, or one callback of `workers(1)`: not a task to users.
    Internal,
    /// Polled and dropped on the one worker that its extension names.
    Pinned,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Returned,
    Panicked,
    Cancelled,
}

/// The word. Only its transitions read bits; callers see actions.
pub(crate) struct State(AtomicU64);

/// What [`State::start_poll`] found.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StartPoll {
    /// Poll the future. A cancel request is to be delivered, or not.
    Poll { seen: Seen, cancel: bool },
    /// The task ended while this `Runnable` was queued: collect it.
    Ended,
}

/// The wakes that a poll answers.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen(u64);

/// What follows a poll that returned `Pending`.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FinishPending {
    /// Woken during the poll: put the `Runnable` back into a queue.
    Again,
    /// The `Runnable` ends here; the task may be gone already.
    Idle,
}

/// Who ends a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Whoever has its `Runnable`.
    Runnable,
    /// Somebody who knows that nobody polls it: a `Runnable` may be out all the same.
    Other,
}

/// What is left to do for a task that just ended.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Completed {
    /// Nothing: the loop's reference was given up, and the task may be gone already.
    Released,
    /// Whatever is true of these, and then the loop's reference.
    Pending {
        /// A `Task` exists: keep the output.
        wanted: bool,
        /// Somebody registered for the end.
        watched: bool,
        /// A `Runnable` is out. Who collects it gives up the loop's reference.
        stale: bool,
    },
}

/// What a wake or a cancel asks of its caller.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Push a `Runnable`.
    Schedule,
    /// Somebody else will poll the task.
    Coalesced,
    /// The task has ended.
    Ended,
}

/// What a wake that gave up its reference asks of its caller, who may touch the task no more
/// unless told so here.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LastWake {
    /// Push a `Runnable`.
    Schedule,
    Nothing,
    /// It was the last reference: free the task.
    Free,
}

/// What the drop of a lone `Task` found.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Detach {
    /// The handle and its reference are given up.
    Detached,
    /// The task had ended: its output is the caller's, and then the reference.
    Ended,
}

impl State {
    /// No task. Walkers of the arena pass by.
    pub(super) fn vacant() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Event B. Ready, with a reference for its `Task` and one for the loop. All else is written.
    #[inline]
    pub(super) fn spawn(&self, kind: Kind) {
        let kind = match kind {
            Kind::Task => 0,
            Kind::Root => ROOT,
            Kind::Internal => INTERNAL,
            Kind::Pinned => PINNED,
        };
        // Ordering: Release [edge: task-spawn]: whoever acquires a reference sees the header.
        let order = weaken!("task-spawn", Ordering::Release => Ordering::Relaxed);
        self.0.store(HANDLE | kind | WAKE | (2 * REF), order);
    }

    /// The cell is free: the caller gave up the last reference.
    #[inline]
    pub(super) fn vacate(&self) {
        // Ordering: Relaxed: walkers only look, and the free lists order what the next owner does.
        self.0.store(0, Ordering::Relaxed);
    }

    /// Event S, by whoever has the `Runnable`: a load, and a write only to take a request.
    #[inline]
    pub(crate) fn start_poll(&self) -> StartPoll {
        // Ordering: Acquire [edge: task-wake]: what wakers and cancellers wrote, and the last poll.
        let order = weaken!("task-poll-acquire", Ordering::Acquire => Ordering::Relaxed);
        let mut now = self.0.load(order);
        if now & COMPLETE != 0 {
            return StartPoll::Ended;
        }
        let cancel = now & CANCEL != 0;
        if cancel {
            // Ordering: Acquire for what came since; Release keeps what is read by others whole.
            now = self.0.fetch_and(!CANCEL, Ordering::AcqRel);
        }
        debug_assert_ne!(now & WAKES, 0, "a `Runnable` of a task that is not ready");
        let seen = wakes(now);
        StartPoll::Poll { seen: Seen(weaken!("task-crowd", seen.min(SEEN_MAX) => seen)), cancel }
    }

    /// Event F, by whoever polls: idle, or ready again if a wake is left.
    #[inline]
    pub(crate) fn finish_pending(&self, seen: Seen) -> FinishPending {
        let Seen(mut seen) = seen;
        if weaken!("task-wake") {
            // The mistake this guards against: wakes that came during the poll are forgotten.
            seen = wakes(self.0.load(Ordering::Acquire));
        }
        // Ordering: Release [edge: task-wake]: the next poll, and whoever links the next
        // `Runnable`, come after this poll.
        let order = weaken!("task-finish", Ordering::AcqRel => Ordering::Relaxed);
        let before = self.0.fetch_sub(seen * WAKE, order);
        debug_assert_eq!(before & COMPLETE, 0, "finished a poll of a task that has ended");
        debug_assert!(wakes(before) >= seen, "wakes were taken back that a poll had seen");
        if wakes(before) > seen { FinishPending::Again } else { FinishPending::Idle }
    }

    /// Event C, by whoever owns the future, which is gone, its output in place. If the handle is `disclaimed` it
    /// goes in the same write.
    #[inline]
    pub(crate) fn complete(&self, end: End, by: By, disclaimed: bool) -> Completed {
        let end = match end {
            End::Returned => COMPLETE,
            End::Panicked => COMPLETE | PANICKED,
            End::Cancelled => COMPLETE | CANCELLED,
        };
        // Ordering: Release [edge: task-complete]: whoever sees COMPLETE sees the output. Acquire:
        // what who registered, or dropped its handle, did before.
        let order = weaken!("task-complete", Ordering::AcqRel => Ordering::Relaxed);
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            debug_assert_eq!(now & COMPLETE, 0, "ended twice");
            let (wanted, watched) = (now & HANDLE != 0 && !disclaimed, now & WATCHED != 0);
            let stale = by == By::Other && now & WAKES != 0;
            let released = wanted && !watched && !stale;
            let mut next = now | end;
            if stale {
                next |= STALE;
            }
            if disclaimed {
                debug_assert_ne!(now & HANDLE, 0, "a handle is disclaimed once");
                next -= HANDLE + REF;
            }
            if released {
                debug_assert!(refs(now) >= 2, "a handle without a reference");
                next -= REF;
            }
            match self.0.compare_exchange_weak(now, next, order, Ordering::Relaxed) {
                Ok(_) if released => return Completed::Released,
                Ok(_) => return Completed::Pending { wanted, watched, stale },
                Err(changed) => now = changed,
            }
        }
    }

    /// Event K, by a waker that keeps its reference.
    #[inline]
    pub(crate) fn wake(&self) -> Wake {
        let before = self.add_wake(WAKE);
        if wakes(before) >= CROWD {
            self.leave_crowd();
        }
        if before & COMPLETE != 0 {
            Wake::Ended
        } else if before & WAKES == 0 {
            Wake::Schedule
        } else {
            Wake::Coalesced
        }
    }

    /// Event K, by a waker that gives up its reference in the same write.
    #[inline]
    pub(crate) fn wake_and_drop(&self) -> LastWake {
        let before = self.add_wake(WAKE.wrapping_sub(REF));
        debug_assert_ne!(refs(before), 0, "a wake without a reference");
        if before & COMPLETE != 0 {
            if refs(before) == 1 { LastWake::Free } else { LastWake::Nothing }
        } else if before & WAKES == 0 {
            LastWake::Schedule
        } else {
            LastWake::Nothing
        }
    }

    #[inline]
    fn add_wake(&self, change: u64) -> u64 {
        // Ordering: AcqRel [edge: task-wake]: the poll that follows sees what came before the wake;
        // and whoever makes a `Runnable`, or frees the task, comes after the last poll.
        let order = weaken!("task-transition", Ordering::AcqRel => Ordering::Relaxed);
        self.0.fetch_add(change, order)
    }

    /// Takes a wake back, unless few are left: then it counts like any other.
    #[cold]
    fn leave_crowd(&self) {
        let mut now = self.0.load(Ordering::Relaxed);
        while wakes(now) > CROWD {
            // Ordering: Release keeps the chain of wakes whole that the next poll acquires.
            match self.0.compare_exchange_weak(now, now - WAKE, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(changed) => now = changed,
            }
        }
    }

    /// Sets `CANCEL` and wakes. `Wake::Ended` means that the request came too late.
    pub(crate) fn cancel(&self) -> Wake {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            if now & COMPLETE != 0 {
                return Wake::Ended;
            }
            // A request that waits has its wake, which no poll has answered.
            let next = if now & CANCEL != 0 { now } else { (now | CANCEL) + WAKE };
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if now & WAKES == 0 => return Wake::Schedule,
                Ok(_) => return Wake::Coalesced,
                Err(changed) => now = changed,
            }
        }
    }

    /// Whether a request waits for the next poll.
    pub(crate) fn is_asked(&self) -> bool {
        // Ordering: Relaxed: the poll that delivers it acquires.
        self.0.load(Ordering::Relaxed) & CANCEL != 0
    }

    /// A request that was not delivered yet is not delivered any more; its wake stays.
    pub(crate) fn uncancel(&self) {
        // Ordering: AcqRel keeps the chain of wakes whole that the next poll acquires.
        self.0.fetch_and(!CANCEL, Ordering::AcqRel);
    }

    /// The stale `Runnable` of a task that ended is collected: the loop's reference goes with it.
    /// True if it was the last.
    #[must_use]
    pub(crate) fn collect(&self) -> bool {
        // Ordering: AcqRel, as in `ref_dec`.
        let before = self.0.fetch_sub(STALE + REF, Ordering::AcqRel);
        debug_assert_eq!(
            before & (COMPLETE | STALE),
            COMPLETE | STALE,
            "collected what nobody announced"
        );
        refs(before) == 1
    }

    /// Whether the `Runnable` of a task that ended has not been collected yet.
    pub(crate) fn is_stale(&self) -> bool {
        // Ordering: Relaxed: the thread that asks is the one that collects.
        self.0.load(Ordering::Relaxed) & STALE != 0
    }

    /// Whether the task is not watched yet. `None` if it has ended.
    #[inline]
    pub(crate) fn unwatched(&self) -> Option<bool> {
        // Ordering: Acquire [edge: task-complete]: the output, if it ended.
        let now = self.0.load(Ordering::Acquire);
        (now & COMPLETE == 0).then_some(now & WATCHED == 0)
    }

    /// Event W, after the entry is in its place. True if the task had ended.
    #[must_use]
    #[inline]
    pub(crate) fn watch(&self) -> bool {
        // Ordering: Release [edge: task-watch]: the end finds the entry. Acquire: the output.
        let before = self.0.fetch_or(WATCHED, Ordering::AcqRel);
        weaken!("task-watch", before & COMPLETE != 0 => false)
    }

    /// Event H, by the only `Task`: gives up the handle and its reference in one write.
    #[inline]
    pub(crate) fn detach(&self) -> Detach {
        // Ordering: Acquire [edge: task-handle]: the output, if it ended. Release: what was done
        // through the handle, to whoever drops the output then.
        let order = weaken!("task-handle", Ordering::Acquire => Ordering::Relaxed);
        let mut now = self.0.load(order);
        loop {
            if now & COMPLETE != 0 {
                return Detach::Ended;
            }
            debug_assert_ne!(now & HANDLE, 0, "the last handle dropped twice");
            match self.0.compare_exchange_weak(now, now - HANDLE - REF, Ordering::AcqRel, order) {
                Ok(_) => return Detach::Detached,
                Err(changed) => now = changed,
            }
        }
    }

    /// Whether the task has ended; if so, its output is visible to the caller.
    #[inline]
    pub(crate) fn is_complete(&self) -> bool {
        self.end().is_some()
    }

    /// How the task ended, if it has; then its output is visible to the caller.
    #[inline]
    pub(crate) fn end(&self) -> Option<End> {
        // Ordering: Acquire [edge: task-complete], see `complete`.
        let order = weaken!("task-complete-acquire", Ordering::Acquire => Ordering::Relaxed);
        let now = self.0.load(order);
        match now {
            _ if now & COMPLETE == 0 => None,
            _ if now & PANICKED != 0 => Some(End::Panicked),
            _ if now & CANCELLED != 0 => Some(End::Cancelled),
            _ => Some(End::Returned),
        }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        // Ordering: Relaxed: written at spawn and never changed.
        let now = self.0.load(Ordering::Relaxed);
        match now {
            _ if now & ROOT != 0 => Kind::Root,
            _ if now & INTERNAL != 0 => Kind::Internal,
            _ if now & PINNED != 0 => Kind::Pinned,
            _ => Kind::Task,
        }
    }

    /// Whether this is the word of a task that has not ended, and that users see.
    pub(super) fn is_alive_task(&self) -> bool {
        // Ordering: Relaxed: a snapshot for people.
        self.is_alive() && self.0.load(Ordering::Relaxed) & INTERNAL == 0
    }

    /// Whether this is the word of a task that has not ended.
    pub(super) fn is_alive(&self) -> bool {
        // Ordering: Relaxed: who asks knows of the birth; an end may be seen late.
        let now = self.0.load(Ordering::Relaxed);
        refs(now) != 0 && now & COMPLETE == 0
    }

    /// Counts one more reference; the caller holds one.
    #[inline]
    pub(crate) fn ref_inc(&self) {
        // Ordering: Relaxed: the caller's own reference keeps the task alive, as in `Arc`.
        let before = self.0.fetch_add(REF, Ordering::Relaxed);
        if refs(before) >= REFS_MAX {
            std::process::abort();
        }
        if wakes(before) > CROWD {
            // References that become wakes must not add up: see the README.
            self.leave_crowd();
        }
    }

    /// Counts one more reference, by a walker of the arena that holds none: only of a task that
    /// has not ended. True if it did.
    #[must_use]
    pub(super) fn ref_found(&self) -> bool {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let ended = weaken!("task-walk", now & COMPLETE != 0 => false);
            if refs(now) == 0 || ended {
                return false;
            }
            // Ordering: Acquire [edge: task-spawn]: the header, as the spawn wrote it.
            match self.0.compare_exchange_weak(now, now + REF, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(changed) => now = changed,
            }
        }
    }

    /// Gives one reference up. True if it was the last: the caller frees the task.
    #[must_use]
    #[inline]
    pub(crate) fn ref_dec(&self) -> bool {
        // Ordering: AcqRel [edge: task-free]: every use of the task comes before the drop of the
        // reference that allowed it, and the last to drop sees them all.
        let order = weaken!("task-free", Ordering::AcqRel => Ordering::Relaxed);
        let before = self.0.fetch_sub(REF, order);
        debug_assert_ne!(refs(before), 0, "dropped a reference that nobody held");
        refs(before) == 1
    }

    /// As [`State::ref_dec`], for a task that has ended: without a write if it is the last, since
    /// nobody can gain one then.
    #[must_use]
    #[inline]
    pub(crate) fn ref_dec_ended(&self) -> bool {
        // Ordering: Acquire [edge: task-free], as in `ref_dec`.
        let order = weaken!("task-free-alone", Ordering::Acquire => Ordering::Relaxed);
        let now = self.0.load(order);
        debug_assert_ne!(now & COMPLETE, 0, "only the references of ended tasks stay few");
        refs(now) == 1 || self.ref_dec()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.0.load(Ordering::Relaxed);
        f.debug_struct("State")
            .field("complete", &(now & COMPLETE != 0))
            .field("handle", &(now & HANDLE != 0))
            .field("watched", &(now & WATCHED != 0))
            .field("cancel", &(now & CANCEL != 0))
            .field("stale", &(now & STALE != 0))
            .field("wakes", &wakes(now))
            .field("references", &refs(now))
            .finish()
    }
}

#[cfg(all(test, not(any(loopwork_loom, loopwork_shuttle))))]
mod tests {
    use super::*;

    fn spawned() -> State {
        let state = State::vacant();
        state.spawn(Kind::Task);
        state
    }

    /// However often a task is woken in one poll, the count stays small and the wake is not lost.
    #[test]
    fn wakes_in_one_poll_do_not_overflow() {
        let state = spawned();
        for _ in 0..2 {
            let StartPoll::Poll { seen, .. } = state.start_poll() else { panic!("not ended") };
            for _ in 0..4 * CROWD {
                assert_eq!(state.wake(), Wake::Coalesced);
            }
            assert_eq!(wakes(state.0.load(Ordering::Relaxed)), CROWD);
            assert_eq!(state.finish_pending(seen), FinishPending::Again);
        }
        let mut polls = 0;
        loop {
            let StartPoll::Poll { seen, .. } = state.start_poll() else { panic!("not ended") };
            polls += 1;
            if state.finish_pending(seen) == FinishPending::Idle {
                break;
            }
        }
        assert!(polls <= 2, "{polls} polls");
        assert_eq!(state.wake(), Wake::Schedule);
    }

    /// A reference that becomes a wake keeps the sum; a new one while there is a crowd takes one
    /// wake away.
    #[test]
    fn references_that_become_wakes_do_not_overflow() {
        let state = spawned();
        for _ in 0..4 * CROWD {
            state.ref_inc();
            assert_eq!(state.wake_and_drop(), LastWake::Nothing);
        }
        assert!(wakes(state.0.load(Ordering::Relaxed)) <= CROWD + 1);
        assert_eq!(refs(state.0.load(Ordering::Relaxed)), 2);
    }

    #[test]
    fn the_common_end_gives_up_the_loops_reference() {
        let state = spawned();
        assert_eq!(state.complete(End::Returned, By::Runnable, false), Completed::Released);
        assert_eq!(state.end(), Some(End::Returned));
        assert!(state.ref_dec_ended(), "the handle has the last one");
    }

    #[test]
    fn the_end_of_a_disclaimed_task_gives_up_its_handle() {
        let state = spawned();
        let pending = Completed::Pending { wanted: false, watched: false, stale: false };
        assert_eq!(state.complete(End::Returned, By::Runnable, true), pending);
        assert!(state.ref_dec_ended(), "the loop has the last one");
    }
}

//! Which timers are the current thread's.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::shard::{NEVER, Outer, Shard};
use super::{Id, Seat, Timers};
use crate::Instant;

loopwork_shim::thread_local! {
    static CURRENT: RefCell<Option<Current>> = RefCell::new(None)
}

/// The timers that a thread entered.
pub(crate) struct Current {
    timers: Timers,
    /// That of the worker it is.
    shard: Option<Arc<Shard>>,
}

/// This thread is not in an event loop, so there are no timers to wait by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTimers(());

impl fmt::Display for NoTimers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a timer was made outside an event loop: call it inside \
             `EventLoop::run_until_complete` or `#[loopwork::main]`",
        )
    }
}

impl std::error::Error for NoTimers {}

/// While this guard lives, its thread's [current timers](Timers::current) are those it was made
/// from. Dropped, it restores those before; guards are dropped in reverse order of making, and that
/// of a worker panics if they are not.
#[must_use = "the timers are current only while the guard lives"]
pub struct Entered {
    outer: Option<Current>,
    /// Of a worker: what its thread owned before.
    owner: Option<(Arc<Shard>, Outer)>,
    // The slot belongs to the thread that entered.
    not_send: PhantomData<*const ()>,
}

impl Timers {
    /// Makes these the thread's current timers until the guard is dropped. Entries nest.
    pub fn enter(&self) -> Entered {
        self.enter_as(None)
    }

    /// As [`enter`](Timers::enter), of a thread that is a worker: its sleeps are in its own wheel,
    /// which it reaches without a lock, and has to [fire](Timers::advance_here) while it is awake.
    ///
    /// # Panics
    ///
    /// If there is no such worker, or another thread is it.
    pub fn enter_worker(&self, worker: usize) -> Entered {
        self.enter_as(Some(self.0.workers[worker].clone()))
    }

    fn enter_as(&self, shard: Option<Arc<Shard>>) -> Entered {
        let owner = shard.clone().map(|shard| {
            let outer = shard.enter();
            (shard, outer)
        });
        let current = Current { timers: self.clone(), shard };
        let outer = CURRENT.with(|slot| slot.replace(Some(current)));
        Entered { outer, owner, not_send: PhantomData }
    }

    /// This worker goes to sleep: others may fire its timers from now on, and are to know them. What
    /// this thread does with timers until [`resume`](Timers::resume) is right, and slower.
    ///
    /// # Panics
    ///
    /// On another thread than the worker's, and if it rests already.
    pub fn rest(&self, worker: usize) {
        let shard = &self.0.workers[worker];
        shard.rest();
        self.counts(shard);
    }

    /// A worker's deadlines count for the waiter from now on.
    fn counts(&self, shard: &Shard) {
        if shard.next() != NEVER {
            self.0.waiter.deadline_counts(shard.next());
        }
    }

    /// This worker, which rested, is awake.
    ///
    /// # Panics
    ///
    /// On another thread than the worker's.
    pub fn resume(&self, worker: usize) {
        let shard = &self.0.workers[worker];
        assert!(is_current(shard), "a worker resumes its timers on its own thread");
        shard.resume();
    }

    /// The timers of the loop this thread is in.
    ///
    /// # Errors
    ///
    /// [`NoTimers`] outside a loop.
    #[doc(alias = "get_running_loop")]
    pub fn current() -> Result<Self, NoTimers> {
        with_current(|current| current.timers.clone()).ok_or(NoTimers(()))
    }
}

/// Calls `f` with the current timers, if there are any. `f` must not enter others.
#[inline]
pub(crate) fn with_current<R>(f: impl FnOnce(&Current) -> R) -> Option<R> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(f)).ok().flatten()
}

/// Whether this thread entered last as the worker that the shard is of.
fn is_current(shard: &Arc<Shard>) -> bool {
    let entered =
        with_current(|current| current.shard.as_ref().map(|last| Arc::ptr_eq(last, shard)));
    entered.flatten() == Some(true)
}

impl Current {
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.timers.now()
    }

    #[inline]
    pub(crate) fn id(&self) -> Id {
        self.timers.0.listed.id()
    }

    /// Registers a waker, or gives `None` if the timers are closed.
    #[inline]
    pub(crate) fn insert(&self, deadline: Instant, waker: &std::task::Waker) -> Option<Seat> {
        match self.shard.as_deref().filter(|shard| shard.is_owned_here()) {
            Some(shard) => {
                shard.insert_here(deadline.as_nanos(), self.timers.0.next_sequence(), waker)
            }
            None => self.timers.insert(deadline, waker),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some((shard, _)) = &self.owner {
            // Which thread owns a wheel is told by the order.
            assert!(is_current(shard), "guards of timers are dropped in reverse order of making");
        }
        let inner = CURRENT.try_with(|current| current.replace(self.outer.take()));
        if let Some((shard, outer)) = self.owner.take() {
            shard.leave(outer);
            if let Ok(Some(inner)) = &inner {
                inner.timers.counts(&shard);
            }
        }
        drop(inner);
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entered")
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;
    use crate::Clock;

    #[test]
    fn entries_nest_and_belong_to_their_thread() {
        let at = |nanos| {
            let clock = Clock::virtual_time();
            clock.set(clock.now() + std::time::Duration::from_secs(nanos));
            (clock.now(), Timers::new(clock, 1))
        };
        assert_eq!(Timers::current().err(), Some(NoTimers(())));
        let ((one, outer), (two, inner)) = (at(1), at(2));
        let outer = outer.enter();
        let inner = inner.enter_worker(0);
        assert_eq!(Instant::now(), two);
        drop(inner);
        assert_eq!(Instant::now(), one);
        std::thread::spawn(|| assert!(Timers::current().is_err())).join().unwrap();
        drop(outer);
        assert!(Timers::current().is_err());
    }

    /// Only the thread that entered may say that a worker rests, or does so no more.
    #[test]
    fn rest_and_resume_are_for_the_worker() {
        let timers = Timers::new(Clock::real(), 1);
        let _entered = timers.enter_worker(0);
        let elsewhere = |f: fn(&Timers, usize)| {
            let timers = timers.clone();
            std::thread::spawn(move || f(&timers, 0)).join().is_err()
        };
        assert!(elsewhere(Timers::rest));
        assert!(elsewhere(Timers::resume));
        timers.rest(0);
        assert!(elsewhere(Timers::resume));
        timers.resume(0);
    }

    #[test]
    #[should_panic(expected = "in reverse order of making")]
    fn a_worker_leaves_in_order() {
        let (one, two) = (Timers::new(Clock::real(), 1), Timers::new(Clock::real(), 1));
        let outer = one.enter_worker(0);
        // It stays: to leave after the panic would be out of order too.
        let _inner = std::mem::ManuallyDrop::new(two.enter_worker(0));
        drop(outer);
    }

    #[test]
    #[should_panic(expected = "as the same worker")]
    fn a_worker_is_one_thread() {
        let timers = Timers::new(Clock::real(), 1);
        let _entered = timers.enter_worker(0);
        let _again = timers.enter_worker(0);
    }

    #[test]
    fn the_error_names_the_fix() {
        let text = Timers::current().unwrap_err().to_string();
        assert!(text.contains("`EventLoop::run_until_complete`"), "{text}");
    }
}

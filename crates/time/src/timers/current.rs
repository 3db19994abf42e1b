//! Which timers are the current thread's.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use super::Timers;

loopwork_shim::thread_local! {
    static CURRENT: RefCell<Option<Timers>> = RefCell::new(None)
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
/// from. Dropped, it restores those before; guards are dropped in reverse order of making.
#[derive(Debug)]
#[must_use = "the timers are current only while the guard lives"]
pub struct Entered {
    outer: Option<Timers>,
    // The slot belongs to the thread that entered.
    not_send: PhantomData<*const ()>,
}

impl Timers {
    /// Makes these the thread's current timers until the guard is dropped. Entries nest.
    pub fn enter(&self) -> Entered {
        let outer = CURRENT.with(|current| current.replace(Some(self.clone())));
        Entered { outer, not_send: PhantomData }
    }

    /// The timers of the loop this thread is in.
    ///
    /// # Errors
    ///
    /// [`NoTimers`] outside a loop.
    #[doc(alias = "get_running_loop")]
    pub fn current() -> Result<Self, NoTimers> {
        Self::with_current(Self::clone).ok_or(NoTimers(()))
    }

    /// Calls `f` with the current timers, if there are any. `f` must not enter others.
    pub(crate) fn with_current<R>(f: impl FnOnce(&Self) -> R) -> Option<R> {
        CURRENT.try_with(|current| current.borrow().as_ref().map(f)).ok().flatten()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let inner = CURRENT.try_with(|current| current.replace(self.outer.take()));
        drop(inner);
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;
    use crate::{Clock, Instant};

    #[test]
    fn entries_nest_and_belong_to_their_thread() {
        let at = |nanos| Timers::new(Clock::manual(Instant::from_nanos(nanos)));
        assert_eq!(Timers::current().err(), Some(NoTimers(())));
        let outer = at(1).enter();
        let inner = at(2).enter();
        assert_eq!(Instant::now(), Instant::from_nanos(2));
        drop(inner);
        assert_eq!(Instant::now(), Instant::from_nanos(1));
        std::thread::spawn(|| assert!(Timers::current().is_err())).join().unwrap();
        drop(outer);
        assert!(Timers::current().is_err());
    }

    #[test]
    fn the_error_names_the_fix() {
        let text = Timers::current().unwrap_err().to_string();
        assert!(text.contains("`EventLoop::run_until_complete`"), "{text}");
    }
}

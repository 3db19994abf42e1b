//! A stack of ready tasks that any thread pushes to, and that is taken whole.
//!
//! Treiber's stack (*Systems Programming: Coping with Parallelism*, 1986) without its `pop`: since
//! whoever takes, takes all, no node is unlinked while another thread looks at it, and there is no
//! ABA problem. Nothing is allocated: the nodes are the tasks.

use std::fmt;
use std::ptr;

use loopwork_shim::atomic::{AtomicPtr, Ordering};
use loopwork_shim::weaken;

use super::chain::Chain;
use super::header::Header;
use super::runnable::{Runnable, Unowned};

pub(crate) struct Stack(AtomicPtr<Header>);

impl Stack {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Pushes one. True if the stack was empty.
    pub(crate) fn push(&self, runnable: Runnable) -> bool {
        self.push_linked(runnable, None)
    }

    /// Pushes all of `chain`, its first one as the last that was pushed. True if the stack was
    /// empty.
    pub(crate) fn push_all(&self, chain: Chain) -> bool {
        let mut reversed: Option<Runnable> = None;
        let mut bottom = None;
        for runnable in chain {
            bottom.get_or_insert_with(|| runnable.unowned());
            runnable.link(reversed.take());
            reversed = Some(runnable);
        }
        let top = reversed.expect("a chain is never empty");
        self.push_linked(top, bottom)
    }

    /// Pushes `top` and what is linked behind it, down to `bottom` or just `top`.
    fn push_linked(&self, top: Runnable, bottom: Option<Unowned>) -> bool {
        let bottom = bottom.unwrap_or_else(|| top.unowned());
        let top = top.into_ptr();
        let was_empty = self.is_empty();
        // Ordering: Relaxed: the value is only compared and linked, never looked into.
        let mut below = self.0.load(Ordering::Relaxed);
        // Ordering: Release [edge: inbox]: who takes the stack sees the tasks and their links.
        let order = weaken!("inbox-release", Ordering::Release => Ordering::Relaxed);
        loop {
            // SAFETY: `bottom` is the end of what this thread pushes and still owns. What is below
            // is owned by the stack: by writing the link this owns it with `top`, or, if the
            // exchange fails, writes the link again.
            unsafe { bottom.relink(below) };
            match self.0.compare_exchange_weak(below, top, order, Ordering::Relaxed) {
                Ok(_) => return weaken!("inbox-edge", below.is_null() => was_empty),
                Err(changed) => below = changed,
            }
        }
    }

    /// Everything, in the order it was pushed.
    pub(crate) fn take(&self) -> Option<Chain> {
        if self.is_empty() {
            return None;
        }
        // Ordering: Acquire [edge: inbox]: see `push_linked`. The pushes below the top are visible
        // as well: each later push continues the release sequence of those before.
        let order = weaken!("inbox-acquire", Ordering::Acquire => Ordering::Relaxed);
        let top = self.0.swap(ptr::null_mut(), order);
        // SAFETY: the swap took the one pointer to the top out of the stack.
        let mut next = unsafe { Runnable::from_ptr(top) };
        let mut chain = None;
        while let Some(runnable) = next {
            next = runnable.take_link();
            chain = Some(Chain::before(runnable, chain));
        }
        chain
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Ordering: Relaxed: a hint; the fences of the idle protocol order it where it decides.
        self.0.load(Ordering::Relaxed).is_null()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("is_empty", &self.is_empty()).finish()
    }
}

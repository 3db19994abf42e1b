//! Ready tasks in a row, linked through their headers: what queues hold and threads hand over.
//!
//! One word names a whole chain, whatever its length; nothing is allocated. The links belong to
//! whoever has the `Runnable`s.

use std::fmt;
use std::mem::ManuallyDrop;

use loopwork_shim::prefetch;

use super::raw::RawTask;
use super::runnable::{Runnable, Unowned};

/// One or more ready tasks, first in, first out. The front owns all that follow it.
pub(crate) struct Chain {
    front: ManuallyDrop<Runnable>,
    len: usize,
}

impl Chain {
    /// A chain of one.
    #[inline]
    pub(crate) fn of(runnable: Runnable) -> Self {
        Self::before(runnable, None)
    }

    /// A chain whose first is `runnable`.
    #[inline]
    pub(crate) fn before(runnable: Runnable, rest: Option<Self>) -> Self {
        let len = 1 + rest.as_ref().map_or(0, Self::len);
        runnable.link(rest.map(Self::into_front));
        Self { front: ManuallyDrop::new(runnable), len }
    }

    /// The first, and the rest if there is one.
    #[inline]
    pub(crate) fn pop(self) -> (Runnable, Option<Self>) {
        let len = self.len - 1;
        let front = self.into_front();
        let rest = front.take_link();
        if let Some(next) = &rest {
            // The header and, mostly, the beginning of the future.
            let header = next.task().as_ptr().cast::<[u8; 64]>();
            prefetch(header);
            prefetch(header.wrapping_add(1));
        }
        (front, rest.map(|next| Self { front: ManuallyDrop::new(next), len }))
    }

    /// How many tasks, at least one.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn into_front(mut self) -> Runnable {
        // SAFETY: `self` is forgotten at once, so the front is taken once.
        let front = unsafe { ManuallyDrop::take(&mut self.front) };
        std::mem::forget(self);
        front
    }
}

/// A queue made of one chain, for one thread: first in, first out.
#[derive(Default)]
pub(crate) struct Fifo {
    chain: Option<Chain>,
    /// The end of the chain. Invariant: right while `chain` is there.
    last: Option<Unowned>,
}

impl Fifo {
    #[inline]
    pub(crate) fn push(&mut self, runnable: Runnable) {
        let last = runnable.unowned();
        match (&mut self.chain, self.last) {
            (Some(chain), Some(before)) => {
                runnable.link(None);
                // SAFETY: `before` is the last of the chain, which is this queue's.
                unsafe { before.link_behind(runnable) };
                chain.len += 1;
            }
            (chain, _) => *chain = Some(Chain::of(runnable)),
        }
        self.last = Some(last);
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Runnable> {
        let (runnable, rest) = self.chain.take()?.pop();
        self.chain = rest;
        Some(runnable)
    }

    /// Everything, as one chain.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Chain> {
        self.chain.take()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.chain.as_ref().map_or(0, Chain::len)
    }

    /// Whether `task` was pushed last, and is there.
    #[inline]
    pub(crate) fn ends_with(&self, task: &RawTask) -> bool {
        self.chain.is_some() && self.last.is_some_and(|last| last.is(task))
    }
}

impl fmt::Debug for Fifo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fifo").field("len", &self.len()).finish()
    }
}

impl Drop for Chain {
    /// As each of its `Runnable`s: the tasks end cancelled.
    fn drop(&mut self) {
        // SAFETY: dropped once: this is the destructor.
        let mut front = Some(unsafe { ManuallyDrop::take(&mut self.front) });
        while let Some(runnable) = front {
            front = runnable.take_link();
        }
    }
}

impl Iterator for Unchained {
    type Item = Runnable;

    fn next(&mut self) -> Option<Runnable> {
        let (front, rest) = self.0.take()?.pop();
        self.0 = rest;
        Some(front)
    }
}

/// The `Runnable`s of a chain, one after the other.
pub(crate) struct Unchained(Option<Chain>);

impl IntoIterator for Chain {
    type Item = Runnable;
    type IntoIter = Unchained;

    fn into_iter(self) -> Unchained {
        Unchained(Some(self))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("len", &self.len).finish_non_exhaustive()
    }
}

//! Ready tasks in a row, linked through their headers: what queues hold and threads hand over.
//!
//! One word names a whole chain, whatever its length; nothing is allocated. The links belong to
//! whoever has the `Runnable`s.

use std::fmt;
use std::mem::ManuallyDrop;

use super::runnable::Runnable;

/// One or more ready tasks, first in, first out. The front owns all that follow it.
pub(crate) struct Chain(ManuallyDrop<Runnable>);

impl Chain {
    /// A chain of one.
    pub(crate) fn of(runnable: Runnable) -> Self {
        runnable.link(None);
        Self(ManuallyDrop::new(runnable))
    }

    /// A chain whose first is `runnable`.
    pub(crate) fn before(runnable: Runnable, rest: Option<Self>) -> Self {
        runnable.link(rest.map(Self::into_front));
        Self(ManuallyDrop::new(runnable))
    }

    /// The first, and the rest if there is one.
    pub(crate) fn pop(self) -> (Runnable, Option<Self>) {
        let front = self.into_front();
        let rest = front.take_link().map(|next| Self(ManuallyDrop::new(next)));
        (front, rest)
    }

    fn into_front(mut self) -> Runnable {
        // SAFETY: `self` is forgotten at once, so the front is taken once.
        let front = unsafe { ManuallyDrop::take(&mut self.0) };
        std::mem::forget(self);
        front
    }
}

impl Drop for Chain {
    /// As each of its `Runnable`s: the tasks end cancelled.
    fn drop(&mut self) {
        // SAFETY: dropped once: this is the destructor.
        let mut front = Some(unsafe { ManuallyDrop::take(&mut self.0) });
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
        f.write_str("Chain")
    }
}

//! Whom to wake.

use std::mem::MaybeUninit;
use std::task::Waker;

/// Wakers to be woken, in order, once the mutex is released. Dropping it wakes them too.
///
/// It has room for so many as are worth one critical section; whoever has more to wake releases the
/// mutex in between. So the time under the mutex is bounded, and nothing is allocated. The idea is
/// that of tokio's `WakeList`.
#[must_use = "these wakers are woken after the mutex is released"]
pub(crate) struct WakeList {
    /// Those from `next` to `end` are there.
    wakers: [MaybeUninit<Waker>; Self::ROOM],
    next: usize,
    end: usize,
}

impl WakeList {
    pub(crate) const ROOM: usize = 32;

    #[inline]
    pub(crate) const fn new() -> Self {
        Self { wakers: [const { MaybeUninit::uninit() }; Self::ROOM], next: 0, end: 0 }
    }

    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.end == Self::ROOM
    }

    /// # Panics
    ///
    /// If it is full.
    #[inline]
    pub(crate) fn push(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.wakers[self.end].write(waker);
            self.end += 1;
        }
    }

    /// Wakes them all. It is empty then.
    pub(crate) fn wake(&mut self) {
        while self.next < self.end {
            let waker = &self.wakers[self.next];
            // Unwind: a waker that panics is gone, and the drop of this list wakes the others.
            self.next += 1;
            // SAFETY: it was there, and is not any more by the line above: it is read once.
            unsafe { waker.assume_init_read() }.wake();
        }
        (self.next, self.end) = (0, 0);
    }
}

impl Drop for WakeList {
    #[inline]
    fn drop(&mut self) {
        self.wake();
    }
}

impl std::fmt::Debug for WakeList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WakeList").field("len", &(self.end - self.next)).finish()
    }
}

//! Threads, and what a spinning one does.

#[cfg(loopwork_loom)]
pub use loom::{
    hint::spin_loop,
    thread::{Builder, JoinHandle, ThreadId, current, yield_now},
};
#[cfg(loopwork_shuttle)]
pub use shuttle::{
    hint::spin_loop,
    thread::{Builder, JoinHandle, ThreadId, current, spawn, yield_now},
};
#[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
pub use std::{
    hint::spin_loop,
    thread::{Builder, JoinHandle, ThreadId, current, yield_now},
};

/// A number of the calling thread: small, its own, and the same each time.
#[cfg(not(loopwork_shuttle))]
#[inline]
pub fn number() -> usize {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    crate::thread_local! {
        /// None yet if it is `usize::MAX`.
        static NUMBER: Cell<usize> = Cell::new(usize::MAX)
    }
    static NUMBERS: AtomicUsize = AtomicUsize::new(0);
    NUMBER.with(|known| {
        if known.get() == usize::MAX {
            // Ordering: Relaxed: only that threads get different numbers matters.
            known.set(NUMBERS.fetch_add(1, Ordering::Relaxed));
        }
        known.get()
    })
}

/// As above: the same ones in a replay.
#[cfg(loopwork_shuttle)]
pub fn number() -> usize {
    shuttle::current::me().into()
}

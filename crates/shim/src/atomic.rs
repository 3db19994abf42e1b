//! Atomics and fences.

#[cfg(all(loopwork_count, not(any(loopwork_loom, loopwork_shuttle))))]
pub use crate::count::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize,
};
#[cfg(loopwork_loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};
#[cfg(loopwork_shuttle)]
pub use shuttle::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize,
};
pub use std::sync::atomic::Ordering;
#[cfg(not(any(loopwork_loom, loopwork_shuttle, loopwork_count)))]
pub use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};

/// `std::sync::atomic::fence`, visible to loom and to the thread sanitizer.
///
/// The thread sanitizer does not model fences. Under `--cfg loopwork_tsan` each is a
/// read-modify-write of one shared word instead, which orders at least as much. To shuttle all
/// accesses are `SeqCst`, so that fences do nothing.
#[inline]
pub fn fence(order: Ordering) {
    #[cfg(loopwork_loom)]
    loom::sync::atomic::fence(order);
    #[cfg(all(loopwork_tsan, not(any(loopwork_loom, loopwork_shuttle))))]
    {
        static FENCE: AtomicUsize = AtomicUsize::new(0);
        FENCE.fetch_add(0, Ordering::SeqCst);
    }
    #[cfg(all(loopwork_count, not(any(loopwork_loom, loopwork_shuttle))))]
    crate::count::count(crate::count::Access::Fence, &());
    #[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
    std::sync::atomic::fence(order);
    #[cfg(loopwork_shuttle)]
    let _ = order;
}

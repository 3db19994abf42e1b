//! What a spinning thread does.

#[cfg(loopwork_loom)]
pub use loom::{hint::spin_loop, thread::yield_now};
#[cfg(not(loopwork_loom))]
pub use std::{hint::spin_loop, thread::yield_now};

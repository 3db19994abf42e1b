//! A word of one thread.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A `u64` that one thread uses, always read and written whole.
///
/// When one byte of a `Cell<u64>` changes, the compiler writes that byte only; and a processor that reads the word
/// right after that waits until the byte has reached its cache, which takes as long as some twenty
/// instructions.
pub struct Word(AtomicU64);

impl Word {
    /// With this value.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    /// The value.
    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        // Ordering: Relaxed, here and below: for one thread, as a `Cell` is.
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the value.
    #[inline]
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

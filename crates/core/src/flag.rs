//! A word that says yes or no to other threads.

use loopwork_shim::atomic::{AtomicBool, Ordering};
use loopwork_shim::weaken;

/// Whoever sees that it was set sees what the setter did before.
#[derive(Debug, Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    #[inline]
    pub(crate) fn set(&self, value: bool) {
        // Ordering: Release [edge: flag]: pairs with `get`.
        self.0.store(value, weaken!("flag-release", Ordering::Release => Ordering::Relaxed));
    }

    #[inline]
    pub(crate) fn get(&self) -> bool {
        // Ordering: Acquire [edge: flag]: pairs with `set`.
        self.0.load(weaken!("flag-acquire", Ordering::Acquire => Ordering::Relaxed))
    }
}

//! Whether the one who waits is to be woken: the README's second protocol.

use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::weaken;

/// Nobody waits, and nothing is to be looked at.
const EMPTY: usize = 0;
/// One is in the system's wait, or about to be.
const BLOCKED: usize = 1;
/// An unpark has come that no turn has taken yet.
const NOTIFIED: usize = 2;

/// The word between those who unpark and the one who turns.
#[derive(Debug)]
pub(crate) struct Unpark(AtomicUsize);

impl Unpark {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(EMPTY))
    }

    /// Leaves word. True if the one who waits must be woken, which is the caller's to do.
    pub(crate) fn notify(&self) -> bool {
        // Ordering: Release pairs with the Acquire of `take` [edge: io-unpark]. Always a
        // read-modify-write, also if word was left already: the turn that takes the word then
        // acquires from this unpark too, for which a look at the word would need a fence.
        let release = weaken!("unpark-release", Ordering::Release => Ordering::Relaxed);
        self.0.swap(NOTIFIED, release) == BLOCKED
    }

    /// Before a wait that may block. False if word was left: it is taken, and the wait must not
    /// block. Otherwise `take` follows the wait.
    pub(crate) fn block(&self) -> bool {
        if weaken!("unpark-block", false => true) {
            // Ordering: in a weakened build only; word that was left is written over.
            self.0.store(BLOCKED, Ordering::Relaxed);
            return true;
        }
        // Ordering: Relaxed; nothing is published, and the word's own order decides whether an
        // unpark came first. If one did, `take` acquires.
        let blocked =
            self.0.compare_exchange(EMPTY, BLOCKED, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if !blocked {
            self.take();
        }
        blocked
    }

    /// After a wait that might block: nobody waits, and word that was left is taken.
    pub(crate) fn take(&self) {
        // Ordering: Acquire pairs with the Release of `notify` [edge: io-unpark]: whoever turns
        // sees all that came before the unpark.
        let acquire = weaken!("unpark-acquire", Ordering::Acquire => Ordering::Relaxed);
        self.0.swap(EMPTY, acquire);
    }

    /// Before a wait that does not block: takes word if it sees any. What it does not see yet is
    /// for the next turn.
    pub(crate) fn take_if_seen(&self) {
        // Ordering: Relaxed; a hint, and `take` acquires.
        if self.0.load(Ordering::Relaxed) != EMPTY {
            self.take();
        }
    }
}

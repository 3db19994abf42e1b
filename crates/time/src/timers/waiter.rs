//! How the thread that waits for the earliest deadline hears of an earlier one. See the README.

use std::sync::Arc;

use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicU64, Ordering, fence};
use loopwork_shim::sync::Mutex;

/// The promise of a waiter that is awake: no deadline is earlier.
const AWAKE: u64 = 0;

pub(super) type Hook = Arc<dyn Fn() + Send + Sync>;

pub(super) struct Waiter {
    /// What the waiter waits for, or [`AWAKE`].
    promised: CachePadded<AtomicU64>,
    hook: Mutex<Option<Hook>>,
}

impl Waiter {
    pub(super) fn new() -> Self {
        Self { promised: CachePadded::new(AtomicU64::new(AWAKE)), hook: Mutex::new(None) }
    }

    /// Gives the hook before, to be dropped under no lock.
    pub(super) fn set_hook(&self, hook: Option<Hook>) -> Option<Hook> {
        std::mem::replace(&mut *self.hook.lock(), hook)
    }

    /// Promises the waiter the earliest deadline, and gives it.
    pub(super) fn promise(&self, earliest: impl Fn() -> u64) -> u64 {
        let mut promise = earliest();
        loop {
            self.promised.store(promise, Ordering::Relaxed);
            if !loopwork_shim::weaken!("timer-promise") {
                // Ordering: SeqCst [edge: timer-promise]: store-load with `deadline_counts`.
                fence(Ordering::SeqCst);
            }
            let now = earliest();
            if now >= promise {
                return promise;
            }
            promise = now;
        }
    }

    pub(super) fn awake(&self) {
        // Ordering: Relaxed: who still sees the promise unparks in vain.
        self.promised.store(AWAKE, Ordering::Relaxed);
    }

    /// A deadline counts from now on: tells the waiter, if it waits for a later one.
    pub(super) fn deadline_counts(&self, deadline: u64) {
        if !loopwork_shim::weaken!("timer-counts") {
            // Ordering: SeqCst [edge: timer-promise]: store-load with `promise`.
            fence(Ordering::SeqCst);
        }
        let promised = self.promised.load(Ordering::Relaxed);
        if deadline >= promised {
            return;
        }
        // One is enough. Whoever is quicker calls the hook.
        // Ordering: Relaxed: as above.
        let first =
            self.promised.compare_exchange(promised, AWAKE, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_ok() {
            let hook = self.hook.lock().clone();
            if let Some(hook) = hook {
                hook();
            }
        }
    }
}

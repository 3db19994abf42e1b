//! A claim that its owner takes and gives up for next to nothing, many times a microsecond, and
//! that another thread takes perhaps once a second. See `README.md`.
//!
//! This is biased locking (Kawachiya, Koseki, Onodera: *Lock Reservation*, OOPSLA 2002) with the
//! asymmetric fence of user-space RCU in place of safepoints.

use crate::asymmetric::AsymmetricFence;
use crate::atomic::{AtomicBool, Ordering, fence};
use crate::thread::yield_now;
use crate::weaken;

/// Keeps one owner and one other thread at a time apart. It guards nothing by itself.
#[derive(Debug, Default)]
pub struct Claim {
    fence: AsymmetricFence,
    /// The owner is inside.
    owned: AtomicBool,
    /// Another thread is inside, or is about to find out whether it may.
    seized: AtomicBool,
    /// The owner sleeps.
    resting: AtomicBool,
}

impl Claim {
    /// By the owner: waits until nobody else is inside.
    #[inline]
    pub fn enter(&self) {
        self.owned.store(true, Ordering::Relaxed);
        // Ordering: a light fence [edge: claim]: store-load with `try_seize`. In a model it is a fence
        // like any other, which would hide that the one of `resume` is missing.
        let is_left_out = weaken!("claim-light", weaken!("claim-resume") => true);
        if !is_left_out {
            self.fence.light();
        }
        // Ordering: Acquire [edge: claim]: what who seized it did is visible.
        let order = weaken!("claim-acquire", Ordering::Acquire => Ordering::Relaxed);
        while self.seized.load(order) {
            self.yield_to_seizer();
        }
    }

    #[cold]
    fn yield_to_seizer(&self) {
        // Ordering: Relaxed: nothing was done inside.
        self.owned.store(false, Ordering::Relaxed);
        while self.seized.load(Ordering::Relaxed) {
            // It moves some pointers, and then leaves.
            yield_now();
        }
        self.owned.store(true, Ordering::Relaxed);
        self.fence.light();
    }

    /// By the owner.
    #[inline]
    pub fn leave(&self) {
        // Ordering: Release [edge: claim]: pairs with the look in `try_seize`.
        self.owned.store(false, weaken!("claim-leave", Ordering::Release => Ordering::Relaxed));
    }

    /// By the owner: it is inside.
    #[inline]
    #[must_use]
    pub fn is_owned(&self) -> bool {
        // Ordering: Relaxed: the owner reads what it wrote.
        self.owned.load(Ordering::Relaxed)
    }

    /// Whether the owner rests: by the owner, or inside.
    #[inline]
    #[must_use]
    pub fn is_resting(&self) -> bool {
        // Ordering: Relaxed: what is to be seen came before `enter`, or before the seizure.
        self.resting.load(Ordering::Relaxed)
    }

    /// By the owner, outside: it will not enter before it calls [`resume`](Claim::resume), and
    /// meanwhile others seize for the price of an ordinary fence. By who seized it: the owner is to
    /// look whether it rests, once it has entered.
    #[inline]
    pub fn rest(&self) {
        // Ordering: Release [edge: claim-rest]: what the owner did inside is visible to who seizes.
        self.resting.store(true, weaken!("claim-rest", Ordering::Release => Ordering::Relaxed));
    }

    /// By the owner: it may enter again.
    pub fn resume(&self) {
        // Ordering: Relaxed: the fence orders it.
        self.resting.store(false, Ordering::Relaxed);
        if !weaken!("claim-resume") {
            // Ordering: SeqCst [edge: claim-rest]: store-load with `try_seize`: who still sees the
            // owner rest is seen by its next `enter`.
            fence(Ordering::SeqCst);
        }
    }

    /// By anybody else, one at a time. True if the caller is inside, until it calls
    /// [`release`](Claim::release).
    #[must_use]
    pub fn try_seize(&self) -> bool {
        self.try_seize_at_rest() || self.try_seize_awake()
    }

    /// As [`try_seize`](Claim::try_seize), if the owner rests: at the price of an ordinary fence.
    #[must_use]
    pub fn try_seize_at_rest(&self) -> bool {
        self.seized.store(true, Ordering::Relaxed);
        // Ordering: SeqCst [edge: claim-rest]: store-load with `resume`.
        fence(Ordering::SeqCst);
        // Ordering: Acquire [edge: claim-rest]: pairs with `rest`.
        let inside = self.resting.load(Ordering::Acquire);
        if !inside {
            self.release();
        }
        inside
    }

    /// By anybody else, one at a time: waits until it is inside, which is until the owner leaves. Until
    /// [`release`](Claim::release) the owner waits.
    pub fn seize(&self) {
        while !self.try_seize_at_rest() {
            self.seized.store(true, Ordering::Relaxed);
            // Ordering: a heavy fence [edge: claim], as in `try_seize_awake`.
            if weaken!("claim-seize") || self.fence.heavy() {
                // Ordering: Acquire [edge: claim]: what the owner did inside is visible.
                while self.owned.load(Ordering::Acquire) {
                    yield_now();
                }
                return;
            }
            // Unordered: the owner will rest.
            self.release();
            yield_now();
        }
    }

    /// Interrupts all threads.
    fn try_seize_awake(&self) -> bool {
        self.seized.store(true, Ordering::Relaxed);
        // Ordering: a heavy fence [edge: claim]: store-load with `enter`.
        let ordered = weaken!("claim-heavy") || self.fence.heavy();
        // Ordering: Acquire [edge: claim]: what the owner did inside is visible.
        let inside = ordered && !self.owned.load(Ordering::Acquire);
        if !inside {
            self.release();
            // The owner leaves within nanoseconds, unless it was preempted: who tries again at once
            // would keep it from its processor, and interrupt all others.
            yield_now();
        }
        inside
    }

    /// By who seized it.
    pub fn release(&self) {
        // Ordering: Release [edge: claim]: pairs with the look in `enter`.
        self.seized.store(false, weaken!("claim-release", Ordering::Release => Ordering::Relaxed));
    }
}

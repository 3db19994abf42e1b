//! A pair of fences of which the frequent one costs next to nothing.
//!
//! A light fence and a heavy one order each other as two `SeqCst` fences do; two light ones do not.
//! Where the system can interrupt all threads of a process (`membarrier(2)` on Linux), the light
//! fence only holds the compiler back, and the heavy one is a system call. Elsewhere both are
//! ordinary fences.
//!
//! The technique is that of user-space RCU (Desnoyers et al., *User-Level Implementations of
//! Read-Copy Update*, 2012) and of Folly's `asymmetricThreadFence`.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::atomic::fence;

/// Which of the two ways this process can go. Fences of different values do not pair.
#[derive(Debug, Clone, Copy)]
pub struct AsymmetricFence {
    interrupts: bool,
}

/// For who knows nothing of system calls: there both are ordinary fences, and pass for asymmetric ones.
const SIMULATED: bool = cfg!(any(loopwork_loom, loopwork_shuttle, loopwork_tsan));

/// The light side of a fence that [is asymmetric](AsymmetricFence::is_asymmetric), as the caller knows.
#[inline]
pub fn light() {
    AsymmetricFence { interrupts: !SIMULATED }.light();
}

/// What the system has answered to this process.
static ANSWER: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
const NO: u8 = 1;
const YES: u8 = 2;

impl Default for AsymmetricFence {
    fn default() -> Self {
        Self::new()
    }
}

impl AsymmetricFence {
    /// Asks the system, unless it has answered before.
    #[must_use]
    pub fn new() -> Self {
        // Ordering: Relaxed, here and below: who does not see the answer asks again.
        let interrupts = match ANSWER.load(Ordering::Relaxed) {
            UNKNOWN => {
                let interrupts = system::register();
                ANSWER.store(if interrupts { YES } else { NO }, Ordering::Relaxed);
                interrupts
            }
            answer => answer == YES,
        };
        Self { interrupts }
    }

    /// Whether a light one is cheaper than an ordinary fence. In a model it passes for that.
    #[must_use]
    pub fn is_asymmetric(self) -> bool {
        self.interrupts || SIMULATED
    }

    /// The frequent side.
    #[inline]
    pub fn light(self) {
        if self.interrupts {
            std::sync::atomic::compiler_fence(Ordering::SeqCst);
        } else {
            fence(Ordering::SeqCst);
        }
    }

    /// The rare side: microseconds. False if the system refused, and nothing is ordered.
    #[must_use]
    pub fn heavy(self) -> bool {
        fence(Ordering::SeqCst);
        !self.interrupts || system::interrupt_all()
    }
}

#[cfg(all(target_os = "linux", not(any(loopwork_loom, loopwork_shuttle, loopwork_tsan))))]
mod system {
    use rustix::thread::{MembarrierCommand, membarrier};

    pub(super) fn register() -> bool {
        membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
    }

    pub(super) fn interrupt_all() -> bool {
        membarrier(MembarrierCommand::PrivateExpedited).is_ok()
    }
}

/// Models and the thread sanitizer know nothing of system calls.
#[cfg(not(all(target_os = "linux", not(any(loopwork_loom, loopwork_shuttle, loopwork_tsan)))))]
mod system {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn interrupt_all() -> bool {
        false
    }
}

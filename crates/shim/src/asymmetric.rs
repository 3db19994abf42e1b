//! A pair of fences of which the frequent one costs next to nothing.
//!
//! A light fence and a heavy one order each other as two `SeqCst` fences do; two light ones do not.
//! Where the system can interrupt all threads of a process (`membarrier(2)` on Linux), the light
//! fence only holds the compiler back, and the heavy one is a system call. Elsewhere both are
//! ordinary fences.
//!
//! The technique is that of user-space RCU (Desnoyers et al., *User-Level Implementations of
//! Read-Copy Update*, 2012) and of Folly's `asymmetricThreadFence`.

use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use crate::atomic::fence;

/// Which of the two ways this process can go. Fences of different values do not pair.
#[derive(Debug, Clone, Copy)]
pub struct AsymmetricFence {
    interrupts: bool,
}

impl Default for AsymmetricFence {
    fn default() -> Self {
        Self::new()
    }
}

impl AsymmetricFence {
    /// Asks the system, the first time.
    #[must_use]
    pub fn new() -> Self {
        static INTERRUPTS: OnceLock<bool> = OnceLock::new();
        Self { interrupts: *INTERRUPTS.get_or_init(system::register) }
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

//! The system's way to wait for many descriptors at once.
//!
//! | file | holds |
//! |---|---|
//! | `epoll.rs` | Linux: one system call a turn, and word of the end of a stream |
//! | `portable.rs` | everywhere: what [`polling`] does by itself |
//! | `unpark.rs` | whether the one who waits is to be woken |

#[cfg(any(target_os = "linux", target_os = "android"))]
mod epoll;
mod portable;
#[cfg(any(target_os = "linux", target_os = "android", loopwork_loom))]
mod unpark;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use polling::{PollMode, Poller};

#[cfg(any(target_os = "linux", target_os = "android", loopwork_loom))]
pub(crate) use self::unpark::Unpark;

/// What was reported of one descriptor, for reading and for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) key: usize,
    /// An attempt may succeed.
    pub(super) ready: [bool; 2],
    /// And from now on a short transfer does not show that the next one would block.
    pub(super) steady: [bool; 2],
}

/// Where descriptors are registered. Clones are the same one.
#[derive(Clone)]
pub(super) enum Selector {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Epoll(Arc<epoll::Shared>),
    Portable(Arc<portable::Shared>),
}

/// The one who waits.
pub(super) enum Turner {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Epoll(epoll::Turner),
    Portable(portable::Turner),
}

/// How often the system was called, for tests.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// To wait.
    pub waits: u64,
    /// To set the timer, where a wait is not in whole milliseconds.
    pub timers: u64,
    /// To wake the one who waits.
    pub wakes: u64,
}

/// The best that the system has.
pub(super) fn best() -> io::Result<(Selector, Turner)> {
    let poller = Poller::new()?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let poller = match epoll::new(poller) {
        Ok((shared, turner)) => return Ok((Selector::Epoll(shared), Turner::Epoll(turner))),
        // Some sandboxes have no eventfd. `polling` makes do with a pipe.
        Err(poller) => poller,
    };
    let edges = poller.supports_edge();
    Ok(with_poller(poller, edges))
}

/// `polling` alone, with edges or without.
pub(super) fn portable(edges: bool) -> io::Result<(Selector, Turner)> {
    Ok(with_poller(Poller::new()?, edges))
}

fn with_poller(poller: Poller, edges: bool) -> (Selector, Turner) {
    let mode = if edges { PollMode::Edge } else { PollMode::Oneshot };
    let (shared, turner) = portable::new(poller, mode);
    (Selector::Portable(shared), Turner::Portable(turner))
}

impl Selector {
    /// Whether a descriptor is registered once for all. Otherwise each wait is
    /// [armed](Selector::arm), and an event disarms it.
    pub(super) fn has_edges(&self) -> bool {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Epoll(_) => true,
            Self::Portable(shared) => shared.has_edges(),
        }
    }

    /// Whether an event tells of the end of a stream, apart from that there is something to read.
    pub(super) fn tells_ends(&self) -> bool {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Epoll(_) => true,
            Self::Portable(_) => false,
        }
    }

    /// Registers a descriptor: for both directions if there are edges, and unarmed otherwise.
    pub(super) fn add(&self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Epoll(shared) => shared.add(fd, key),
            Self::Portable(shared) => shared.add(fd, key),
        }
    }

    /// Asks for one report of these directions, unless there are edges.
    pub(super) fn arm(&self, fd: BorrowedFd<'_>, key: usize, wanted: [bool; 2]) -> io::Result<()> {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Epoll(_) => Ok(()),
            Self::Portable(shared) => shared.arm(fd, key, wanted),
        }
    }

    pub(super) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Epoll(shared) => shared.delete(fd),
            Self::Portable(shared) => shared.delete(fd),
        }
    }

    /// Makes the wait that is under way end, or else the next one not wait.
    pub(super) fn unpark(&self) {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Epoll(shared) => shared.unpark(),
            Self::Portable(shared) => shared.unpark(),
        }
    }
}

impl Turner {
    /// Waits and appends what is reported. A signal ends the wait early.
    pub(super) fn wait(
        &mut self,
        timeout: Option<Duration>,
        events: &mut Vec<Event>,
    ) -> io::Result<()> {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Epoll(turner) => turner.wait(timeout, events),
            Self::Portable(turner) => turner.wait(timeout, events),
        }
    }

    pub(super) fn calls(&self) -> Calls {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Epoll(turner) => turner.calls(),
            Self::Portable(turner) => turner.calls(),
        }
    }
}

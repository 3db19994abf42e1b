//! What a task waits for.

use std::fmt;

use crate::poll;

/// What a pending task waits for, as far as the future it waits in says so.
///
/// asyncio: what the innermost frame of `Task.get_stack` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
#[repr(u8)]
pub enum WaitReason {
    /// Nobody said.
    #[default]
    Other,
    /// The end of other tasks.
    Join,
    /// A deadline.
    Sleep,
    /// A lock, a semaphore or a condition.
    Lock,
    /// An event, a barrier or a one-shot value.
    Event,
    /// Room in a queue, or an item.
    Queue,
    /// A file descriptor.
    Io,
    /// The end of a process.
    Process,
    /// Work on the threads of an executor.
    Executor,
    /// Nothing: it gave way, and is polled again.
    Yield,
}

impl WaitReason {
    const ALL: [Self; 10] = [
        Self::Other,
        Self::Join,
        Self::Sleep,
        Self::Lock,
        Self::Event,
        Self::Queue,
        Self::Io,
        Self::Process,
        Self::Executor,
        Self::Yield,
    ];

    /// The reason whose number, as by `as u8`, this is.
    #[doc(hidden)]
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other => "something",
            Self::Join => "another task",
            Self::Sleep => "a deadline",
            Self::Lock => "a lock",
            Self::Event => "an event",
            Self::Queue => "a queue",
            Self::Io => "I/O",
            Self::Process => "a process",
            Self::Executor => "an executor",
            Self::Yield => "its turn",
        })
    }
}

/// Says what the task waits for. A leaf future calls it before it returns `Pending`; the last to
/// say so in a poll counts. Outside a poll it does nothing.
///
/// ```
/// use loopwork_context::{Poll, WaitReason, waits_for};
///
/// let poll = Poll::enter(false);
/// waits_for(WaitReason::Lock);
/// assert_eq!(poll.finish().waits_for(), WaitReason::Lock);
/// ```
#[inline]
pub fn waits_for(reason: WaitReason) {
    poll::change(|now| now.set_waits_for(reason));
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_place_in_the_list() {
        for (at, reason) in WaitReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, at);
        }
        assert_eq!(WaitReason::from_number(WaitReason::ALL.len() as u8), None);
    }
}

//! Why something is cancelled.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Weak};

use loopwork_shim::atomic::{AtomicUsize, Ordering};

/// One act of cancelling: what it said, and where it came from.
///
/// Clones refer to the same act, and a task or scope that has had an act's request ignores it when it
/// comes again: so one reason cancels a task once, on however many ways it gets there.
///
/// asyncio: the `msg` of `Task.cancel`; trio: the reason of `CancelScope.cancel`.
///
/// ```
/// use loopwork_context::{CancelKind, CancelReason};
///
/// let reason = CancelReason::new("the client has gone");
/// assert_eq!(reason.message(), Some("the client has gone"));
/// assert_eq!(reason.kind(), CancelKind::Asked);
/// assert!(reason.same_act(&reason.clone()));
/// assert!(!reason.same_act(&CancelReason::new("the client has gone")));
/// ```
#[derive(Clone)]
pub struct CancelReason(Arc<Act>);

struct Act {
    kind: CancelKind,
    message: Option<Box<str>>,
    location: &'static Location<'static>,
    /// How many hold a request of this act in order to forward it.
    forwarders: AtomicUsize,
}

/// What kind of act cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelKind {
    /// Somebody asked for it.
    Asked,
    /// A deadline has passed.
    Deadline,
    /// Another member of a group has failed.
    Failure,
    /// The loop is ending.
    Teardown,
    /// The process was interrupted, as by Ctrl-C.
    Interrupt,
}

impl CancelReason {
    /// Somebody asks, and says why. The caller's place in the source is kept.
    #[track_caller]
    pub fn new(message: impl Into<String>) -> Self {
        Self::of(CancelKind::Asked, Some(message.into().into()))
    }

    /// Somebody asks, and says no more.
    #[must_use]
    #[track_caller]
    pub fn unspoken() -> Self {
        Self::of(CancelKind::Asked, None)
    }

    /// An act of another kind, without a message.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn of_kind(kind: CancelKind) -> Self {
        Self::of(kind, None)
    }

    #[track_caller]
    fn of(kind: CancelKind, message: Option<Box<str>>) -> Self {
        let (location, forwarders) = (Location::caller(), AtomicUsize::new(0));
        Self(Arc::new(Act { kind, message, location, forwarders }))
    }

    /// What was said, if anything.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// What kind of act it was.
    #[must_use]
    pub fn kind(&self) -> CancelKind {
        self.0.kind
    }

    /// Where in the source it came from: the call of `cancel`, or what set the deadline.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }

    /// Whether the two come from the same act.
    #[must_use]
    pub fn same_act(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether a request of this act waits for the answer of whom it was forwarded to.
    #[doc(hidden)]
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        // Ordering: Relaxed: forwarders are of the task that asks, and so on its thread.
        self.0.forwarders.load(Ordering::Relaxed) > 0
    }

    pub(super) fn begin_forwarding(&self) {
        self.0.forwarders.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_forwarding(&self) {
        self.0.forwarders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl From<&str> for CancelReason {
    #[track_caller]
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for CancelReason {
    #[track_caller]
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.message, self.0.kind) {
            (Some(message), _) => f.write_str(message),
            (None, CancelKind::Asked) => write!(f, "asked for at {}", self.0.location),
            (None, CancelKind::Deadline) => f.write_str("a deadline has passed"),
            (None, CancelKind::Failure) => f.write_str("another member of its group has failed"),
            (None, CancelKind::Teardown) => f.write_str("the loop is ending"),
            (None, CancelKind::Interrupt) => f.write_str("the process was interrupted"),
        }
    }
}

impl fmt::Debug for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelReason")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("location", &format_args!("{}", self.0.location))
            .finish()
    }
}

/// Which acts a task or a scope has had.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct KnownActs(Vec<Weak<Act>>);

impl KnownActs {
    /// True if `reason` is new. What nobody holds any more cannot come again, and is forgotten.
    pub fn learn(&mut self, reason: &CancelReason) -> bool {
        let known = self.0.iter().any(|act| act.as_ptr() == Arc::as_ptr(&reason.0));
        if !known {
            self.0.retain(|act| act.strong_count() > 0);
            self.0.push(Arc::downgrade(&reason.0));
        }
        !known
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Act")
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_learnt_once_and_forgotten_when_it_cannot_come_again() {
        let mut known = KnownActs::default();
        let first = CancelReason::new("one");
        assert!(known.learn(&first) && !known.learn(&first.clone()));
        drop(first);
        for _ in 0..100 {
            assert!(known.learn(&CancelReason::unspoken()));
        }
        assert!(known.0.len() <= 2, "{}", known.0.len());
    }
}

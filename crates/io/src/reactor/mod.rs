//! The reactor: waits for readiness and wakes those who wait for it.
//!
//! The README beside this file states the protocol of readiness, and that of unparking, each with a
//! proof sketch.
//!
//! | file | holds |
//! |---|---|
//! | `selector/` | the system's way to wait, in two implementations |
//! | `registry.rs` | the table of sources |
//! | `source.rs` | what is known of one descriptor, and who waits for it |
//! | `current.rs` | which reactor is the current thread's |

mod current;
mod registry;
mod selector;
mod source;

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

pub use self::current::Entered;
pub(crate) use self::registry::Registration;
use self::registry::Registry;
#[doc(hidden)]
pub use self::selector::Calls;
#[cfg(loopwork_loom)]
pub(crate) use self::selector::Unpark;
use self::selector::{Event, Selector, Turner};
#[cfg(loopwork_loom)]
pub(crate) use self::source::Attempt;
pub use self::source::Direction;
pub(crate) use self::source::{Source, Waiter};

/// The longest that one turn waits. Some systems overflow on absurd time-outs; whoever waits longer
/// turns once more a day.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Waits for the readiness of descriptors and wakes those who wait for it.
///
/// One thread at a time turns it; any thread may register descriptors with its
/// [handle](Reactor::handle). Dropping it closes it: whoever waits for readiness gets an error.
///
/// ```
/// use std::time::Duration;
/// use loopwork_io::Reactor;
///
/// # fn main() -> std::io::Result<()> {
/// let mut reactor = Reactor::new()?;
/// let unparker = reactor.unparker();
/// unparker.unpark();
/// assert_eq!(reactor.turn(None)?, 0, "the unpark was kept, so this turn did not wait");
/// # Ok(())
/// # }
/// ```
#[doc(alias = "selectors.DefaultSelector")]
pub struct Reactor {
    registry: Arc<Registry>,
    turner: Turner,
    // Kept from turn to turn for their capacity; empty between turns.
    events: Vec<Event>,
    sources: Vec<(Arc<Source>, Event)>,
    wakers: Vec<Waker>,
}

impl Reactor {
    /// A reactor without descriptors, edge-triggered where the system can do that.
    ///
    /// # Errors
    ///
    /// What the system says, such as having no descriptor left.
    pub fn new() -> io::Result<Self> {
        Ok(Self::with(selector::best()?))
    }

    /// A reactor as it is where there is no epoll. For tests.
    #[doc(hidden)]
    pub fn portable() -> io::Result<Self> {
        Ok(Self::with(selector::portable(true)?))
    }

    /// A reactor that arms each wait by itself, as it must where there are no edges. For tests.
    #[doc(hidden)]
    pub fn oneshot() -> io::Result<Self> {
        Ok(Self::with(selector::portable(false)?))
    }

    fn with((selector, turner): (Selector, Turner)) -> Self {
        Self {
            registry: Arc::new(Registry::new(selector)),
            turner,
            events: Vec::new(),
            sources: Vec::new(),
            wakers: Vec::new(),
        }
    }

    /// Waits until a descriptor is ready, an [unpark](Unparker::unpark) or the time-out, then wakes
    /// those who wait for what is ready, under no lock. Says how many descriptors were ready.
    ///
    /// `Some(Duration::ZERO)` only looks; `None` sets no time-out. A time-out is not rounded down,
    /// but a turn may end early with nothing done, so whoever waits for a time looks at the clock.
    ///
    /// # Errors
    ///
    /// What the system says. The reactor can be turned again.
    pub fn turn(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        self.events.clear();
        let timeout = timeout.map(|timeout| timeout.min(LONGEST_WAIT));
        self.turner.wait(timeout, &mut self.events)?;
        self.registry.find(&mut self.events, &mut self.sources);
        let ready = self.sources.len();
        let edges = self.registry.selector().has_edges();
        for (source, event) in self.sources.drain(..) {
            source.announce(edges, event.ready, event.steady, &mut self.wakers);
        }
        wake_all(&mut self.wakers);
        Ok(ready)
    }

    /// How often the system was called. For tests.
    #[doc(hidden)]
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.turner.calls()
    }

    /// A handle, to register descriptors with.
    #[must_use]
    pub fn handle(&self) -> ReactorHandle {
        ReactorHandle { registry: self.registry.clone() }
    }

    /// What ends a [`turn`](Reactor::turn) from another thread.
    #[must_use]
    pub fn unparker(&self) -> Unparker {
        Unparker { registry: self.registry.clone() }
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        for source in self.registry.close() {
            source.close(&mut self.wakers);
        }
        wake_all(&mut self.wakers);
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("registry", &self.registry).finish_non_exhaustive()
    }
}

/// A handle to a [`Reactor`], to register descriptors with. Clones are handles to the same one, and
/// none of them keeps it open.
#[derive(Clone)]
pub struct ReactorHandle {
    registry: Arc<Registry>,
}

impl ReactorHandle {
    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What ends a [`turn`](Reactor::turn) from another thread.
    #[must_use]
    pub fn unparker(&self) -> Unparker {
        Unparker { registry: self.registry.clone() }
    }
}

impl fmt::Debug for ReactorHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReactorHandle").field("registry", &self.registry).finish()
    }
}

/// Ends a [`Reactor::turn`] from any thread. Clones unpark the same reactor.
#[derive(Clone)]
pub struct Unparker {
    registry: Arc<Registry>,
}

impl Unparker {
    /// Makes the turn that runs now return, or else the next one return at once. Several unparks
    /// before a turn count as one. With the reactor gone it does nothing.
    pub fn unpark(&self) {
        self.registry.selector().unpark();
    }
}

impl fmt::Debug for Unparker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unparker").finish_non_exhaustive()
    }
}

/// Unwind: a foreign waker may panic; the others are woken all the same, since no event comes twice.
fn wake_all(wakers: &mut Vec<Waker>) {
    let mut panicked = None;
    for waker in wakers.drain(..) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            panicked.get_or_insert(payload);
        }
    }
    if let Some(payload) = panicked {
        resume_unwind(payload);
    }
}

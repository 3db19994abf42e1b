//! What few tasks have: made on first use, and behind one lock.

use std::any::Any;
use std::num::NonZero;
use std::task::Waker;

use loopwork_shim::sync::{Mutex, MutexGuard};

use super::cancel::Requests;
use super::error::TaskError;
use crate::shared_error::SharedError;

/// What waits for the end of a task.
pub(crate) enum Watcher {
    /// A future that awaits the task.
    Waker(Waker),
    /// Runs once, on the thread that ends the task; must be short and must not block. It is told
    /// whether the task returned a value.
    Hook(Box<dyn FnOnce(bool) + Send>),
}

/// Empties an `Option<T>`, of which `T` is the output of the task that has it, and says whether that is
/// a failure. Its caller has the option to itself.
pub(super) type FailureOf = unsafe fn(*mut ()) -> Option<SharedError>;

/// Names one registration of a [`Watcher`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WatchId(NonZero<u64>);

impl WatchId {
    /// The task that waits in the header. An extension that takes it over keeps the name.
    pub(super) const FIRST: Self = Self(NonZero::<u64>::MIN);
}

/// See `README.md` for what the lock guards besides.
pub(super) struct Extension {
    /// The worker of a pinned task.
    home: Option<usize>,
    trailer: Mutex<Trailer>,
}

impl Extension {
    pub(super) fn new() -> Self {
        Self::at_home(None)
    }

    /// Of a task that is pinned to a worker.
    pub(super) fn at_home(home: Option<usize>) -> Self {
        Self { home, trailer: Mutex::new(Trailer { watches: 1, ..Trailer::default() }) }
    }

    pub(super) fn home(&self) -> Option<usize> {
        self.home
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Trailer> {
        self.trailer.lock()
    }

    pub(super) fn get_mut(&mut self) -> &mut Trailer {
        self.trailer.get_mut()
    }
}

#[derive(Default)]
pub(super) struct Trailer {
    /// The end has taken the watchers: there is nothing to wait for any more.
    pub(super) ended: bool,
    /// In order of registration. One is the common case and allocates nothing.
    first: Option<(WatchId, Watcher)>,
    rest: Vec<(WatchId, Watcher)>,
    watches: u64,
    /// How many `Task`s there are besides the first.
    pub(super) handles: usize,
    pub(super) name: Option<Box<str>>,
    /// The panic the task ended with. Stays when it is given out.
    pub(super) error: Option<TaskError>,
    /// The error is a failure, and nobody has looked at it.
    pub(super) unseen: bool,
    pub(super) requests: Requests,
    /// Somebody made known that failures of this task are of no interest.
    pub(super) ignored: bool,
    /// Until somebody has looked at the output: what finds out whether it is a failure.
    pub(super) failure: Option<FailureOf>,
    /// Set once the output is to be shared: a `fn(&T) -> T`, with which readers clone it.
    pub(super) clone_output: Option<Box<dyn Any + Send>>,
}

impl Trailer {
    /// The task that waited in the header: it was before all others.
    pub(super) fn set_first(&mut self, waker: Option<Waker>) {
        debug_assert!(self.rest.is_empty(), "an extension that is in use");
        self.first = waker.map(|waker| (WatchId::FIRST, Watcher::Waker(waker)));
    }

    pub(super) fn take_first(&mut self) -> Option<Watcher> {
        self.first.take().map(|(_, watcher)| watcher)
    }

    pub(super) fn push(&mut self, watcher: Watcher) -> WatchId {
        self.watches += 1;
        let id = WatchId(NonZero::new(self.watches).expect("never so many"));
        if self.first.is_none() && self.rest.is_empty() {
            self.first = Some((id, watcher));
        } else {
            self.rest.push((id, watcher));
        }
        id
    }

    /// The registration, if it has not fired.
    pub(super) fn find(&mut self, id: WatchId) -> Option<&mut Watcher> {
        self.first
            .iter_mut()
            .chain(self.rest.iter_mut())
            .find_map(|(known, watcher)| (*known == id).then_some(watcher))
    }

    pub(super) fn remove(&mut self, id: WatchId) -> Option<Watcher> {
        if self.first.as_ref().is_some_and(|(known, _)| *known == id) {
            return self.take_first();
        }
        let at = self.rest.iter().position(|(known, _)| *known == id)?;
        Some(self.rest.remove(at).1)
    }

    /// What finds out whether the output is a failure that nobody has seen.
    pub(super) fn unseen_failure(&mut self) -> Option<FailureOf> {
        self.failure.take().filter(|_| !self.ignored)
    }

    /// Event T: from now on nobody registers.
    pub(super) fn end(&mut self) -> impl Iterator<Item = Watcher> + use<> {
        self.ended = true;
        let first = self.first.take();
        first.into_iter().chain(std::mem::take(&mut self.rest)).map(|(_, watcher)| watcher)
    }
}

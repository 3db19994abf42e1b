//! The type-erased front of every task.

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Waker};

use loopwork_shim::atomic::{AtomicU32, Ordering};
use loopwork_shim::cell::UnsafeCell;
use loopwork_shim::sync::Mutex;

use super::error::TaskError;
use super::state::State;
use crate::scheduler::Shared;

/// Identifies a task within its loop. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a task is to the scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An ordinary task.
    Task,
    /// The future of `block_on`: polled and dropped on worker 0 only.
    Root,
    /// The callback lane, or one callback of `workers(1)`: not a task to users.
    Internal,
}

/// Everything about a task but its future and output.
pub(crate) struct Header {
    pub(crate) state: State,
    pub(super) vtable: &'static VTable,
    /// The task behind this one in a [`Chain`](super::chain::Chain).
    pub(super) link: UnsafeCell<Option<NonNull<Header>>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: TaskId,
    pub(crate) kind: Kind,
    pub(crate) location: &'static Location<'static>,
    /// Which shard of the registry holds the task, and where in it.
    pub(crate) shard: usize,
    pub(crate) slot: AtomicU32,
    /// How many `Task`s there are.
    handles: AtomicU32,
    /// What is rarely used: see `README.md` for what else this lock guards.
    pub(super) trailer: Mutex<Trailer>,
}

/// The functions that know the future's type. Each states what its caller owns.
pub(super) struct VTable {
    /// Polls the future. True if it ended: its output or panic is then in the slot.
    /// The caller owns the future (`RUNNING`).
    pub(super) poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> bool,
    /// Drops the future and puts `Cancelled` into the slot. The caller owns the future.
    pub(super) cancel: unsafe fn(NonNull<Header>),
    /// Where the slot is: an `Option<Result<F::Output, TaskError>>`. The task has ended, and the
    /// caller holds the header's lock, or is the one that ended it.
    pub(super) output: unsafe fn(NonNull<Header>) -> *mut (),
    /// The error in the slot, if the task did not return. Same caller as `output`.
    pub(super) error: unsafe fn(NonNull<Header>) -> Option<TaskError>,
    /// Drops what is in the slot. The task has ended; takes the header's lock.
    pub(super) drop_output: unsafe fn(NonNull<Header>),
    /// Frees the task. The caller gave up the last reference.
    pub(super) free: unsafe fn(NonNull<Header>),
}

/// What waits for the end of a task.
pub(crate) enum Watcher {
    /// A future that awaits the task.
    Waker(Waker),
    /// Runs once, on the thread that ends the task; must be short and must not block. It is told
    /// whether the task returned a value.
    Hook(Box<dyn FnOnce(bool) + Send>),
}

/// Names one registration of a [`Watcher`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WatchId(u64);

/// The part of a header that its lock guards.
#[derive(Default)]
pub(super) struct Trailer {
    /// In order of registration. One is the common case and allocates nothing.
    first: Option<(WatchId, Watcher)>,
    rest: Vec<(WatchId, Watcher)>,
    watches: u64,
    pub(super) name: Option<Box<str>>,
    /// How the task ended, if it did not return. Stays when the output is taken.
    pub(super) error: Option<TaskError>,
    /// The error is a failure, and nobody has looked at it.
    pub(super) unseen: bool,
    /// Somebody made known that failures of this task are of no interest.
    pub(super) ignored: bool,
    /// Set once the output is to be shared: a `fn(&T) -> T`, with which readers clone it.
    pub(super) clone_output: Option<Box<dyn Any + Send>>,
}

impl Trailer {
    pub(super) fn push(&mut self, watcher: Watcher) -> WatchId {
        let id = WatchId(self.watches);
        self.watches += 1;
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
            return self.first.take().map(|(_, watcher)| watcher);
        }
        let at = self.rest.iter().position(|(known, _)| *known == id)?;
        Some(self.rest.remove(at).1)
    }

    pub(super) fn take_watchers(&mut self) -> impl Iterator<Item = Watcher> + use<> {
        let first = self.first.take();
        first.into_iter().chain(std::mem::take(&mut self.rest)).map(|(_, watcher)| watcher)
    }
}

impl Header {
    pub(super) fn new(
        vtable: &'static VTable,
        shared: Arc<Shared>,
        id: TaskId,
        kind: Kind,
        shard: usize,
        location: &'static Location<'static>,
        name: Option<Box<str>>,
    ) -> Self {
        Self {
            state: State::spawned(),
            vtable,
            link: UnsafeCell::new(None),
            shared,
            id,
            kind,
            location,
            shard,
            slot: AtomicU32::new(0),
            handles: AtomicU32::new(1),
            trailer: Mutex::new(Trailer { name, ..Trailer::default() }),
        }
    }

    /// One more `Task`; the caller has one.
    pub(super) fn handle_inc(&self) {
        // Ordering: Relaxed, as for `Arc`: the caller's handle keeps the count above zero.
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// One `Task` less. True if it was the last.
    pub(super) fn handle_dec(&self) -> bool {
        // Ordering: Relaxed: what handles do to the output is ordered by the lock, and whether it is
        // there by `drop_handle`.
        self.handles.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

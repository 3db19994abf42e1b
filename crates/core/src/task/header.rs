//! The type-erased front of every task.

use std::fmt;
use std::panic::Location;
use std::ptr::NonNull;
use std::task::Context;

use loopwork_context::WaitReason;
use loopwork_shim::atomic::{AtomicU64, Ordering};
use loopwork_shim::cell::UnsafeCell;

use super::arena::Class;
use super::error::TaskError;
use super::extension::Extension;
use super::state::{Kind, State};
use super::watch::Aux;
use crate::shared_error::SharedError;

/// Identifies a task within its loop. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Everything about a task but its future and output, and what its extension has.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) state: State,
    /// The task behind this one in a [`Chain`](super::chain::Chain), or the next free cell.
    pub(super) link: UnsafeCell<Option<NonNull<Header>>>,
    /// The task that awaits this one, or the extension.
    pub(super) aux: Aux,
    meta: Meta,
    pub(super) vtable: &'static VTable,
    pub(crate) location: &'static Location<'static>,
}

/// Six words, so that header and a small future share a cache line.
#[cfg(all(target_pointer_width = "64", not(any(loopwork_loom, loopwork_shuttle))))]
const _: () = assert!(size_of::<Header>() == 48);

/// What a task is given at birth.
pub(crate) struct Birth {
    pub(crate) id: TaskId,
    pub(crate) kind: Kind,
    pub(crate) location: &'static Location<'static>,
    pub(crate) name: Option<Box<str>>,
    /// The worker it is pinned to, if its kind says that it is.
    pub(crate) home: Option<usize>,
}

/// The functions that know the future's type, and what its cell needs. Each states what its
/// caller owns.
pub(super) struct VTable {
    /// Polls the future. If it ended, its output is then in the slot, unless it panicked. The
    /// caller owns the future.
    pub(super) poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> Option<Ended>,
    /// Drops the future and leaves an empty slot. The caller owns the future.
    pub(super) cancel: unsafe fn(NonNull<Header>),
    /// Where the slot is: an `Option<F::Output>`. The task has ended, and the caller has the slot
    /// to itself.
    pub(super) output: unsafe fn(NonNull<Header>) -> *mut (),
    /// Empties the slot, under the lock of the extension if one is given. The task has ended, and
    /// without a lock the caller has the slot to itself. Gives the failure that the output was, if
    /// such are to be reported and nobody has looked at it.
    pub(super) drop_output: unsafe fn(NonNull<Header>, Option<&Extension>) -> Option<SharedError>,
    /// Whether `drop_output` does anything without an extension.
    pub(super) needs_drop: bool,
    /// Frees the stage of a task that is too large for a cell.
    pub(super) free_apart: Option<unsafe fn(NonNull<Header>)>,
    /// The size of the cell.
    pub(super) class: Class,
}

/// How a future ended.
pub(super) enum Ended {
    Returned,
    Panicked(TaskError),
    Cancelled,
}

/// The task's id, what it is doing, and whether its handle was disclaimed while it was in hand: one byte, which only
/// who has its `Runnable` writes.
struct Meta(AtomicU64);

const CREATED: u8 = 0;
const RUNNING: u8 = 1;
/// The first number of a [`WaitReason`].
const WAITING: u8 = 2;
/// Beside what the task is doing.
const DISCLAIMED: u64 = 1 << 7;
const DOING: u64 = DISCLAIMED - 1;

impl Meta {
    // Ordering: Relaxed, here and below: a snapshot for people. The id is written before the task
    // is published.

    #[inline]
    fn set(&self, id: TaskId) {
        self.0.store((id.0 << 8) | u64::from(CREATED), Ordering::Relaxed);
    }

    #[inline]
    fn does(&self, doing: u8) {
        let before = self.0.load(Ordering::Relaxed);
        self.0.store((before & !DOING) | u64::from(doing), Ordering::Relaxed);
    }

    #[inline]
    fn disclaim(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) | DISCLAIMED, Ordering::Relaxed);
    }

    #[inline]
    fn is_disclaimed(&self) -> bool {
        self.0.load(Ordering::Relaxed) & DISCLAIMED != 0
    }

    #[inline]
    fn id(&self) -> TaskId {
        TaskId(self.0.load(Ordering::Relaxed) >> 8)
    }

    #[inline]
    fn doing(&self) -> u8 {
        (self.0.load(Ordering::Relaxed) & DOING) as u8
    }
}

impl Header {
    /// Makes a header of a cell's memory, without a task.
    ///
    /// # Safety
    ///
    /// `at` is aligned memory for a header that nobody else uses.
    pub(super) unsafe fn carve(at: NonNull<Self>) {
        let at = at.as_ptr();
        // SAFETY: inside the memory of a header, here and below.
        let state = unsafe { &raw mut (*at).state };
        // SAFETY: as above.
        let link = unsafe { &raw mut (*at).link };
        // SAFETY: as above.
        let aux = unsafe { &raw mut (*at).aux };
        // SAFETY: as above.
        let meta = unsafe { &raw mut (*at).meta };
        // SAFETY: the memory is the caller's, here and below.
        unsafe { state.write(State::vacant()) };
        // SAFETY: as above.
        unsafe { link.write(UnsafeCell::new(None)) };
        // SAFETY: as above.
        unsafe { aux.write(Aux::new()) };
        // SAFETY: as above.
        unsafe { meta.write(Meta(AtomicU64::new(0))) };
    }

    /// Writes all that is known at birth, and publishes the task.
    ///
    /// # Safety
    ///
    /// `at` was carved, holds no task, and is the caller's; the future is in its place.
    #[inline]
    pub(super) unsafe fn be_born(at: NonNull<Self>, vtable: &'static VTable, birth: Birth) {
        let cell = at.as_ptr();
        // SAFETY: inside the header, here and below.
        let table = unsafe { &raw mut (*cell).vtable };
        // SAFETY: as above.
        let location = unsafe { &raw mut (*cell).location };
        // SAFETY: nobody looks at these fields of a cell without a task, here and below.
        unsafe { table.write(vtable) };
        // SAFETY: as above.
        unsafe { location.write(birth.location) };
        // SAFETY: all fields are written now.
        let header = unsafe { at.as_ref() };
        header.meta.set(birth.id);
        header.aux.be_born(birth.name, birth.home);
        header.state.spawn(birth.kind);
    }

    #[inline]
    pub(crate) fn id(&self) -> TaskId {
        self.meta.id()
    }

    /// The id of the task that a cell holds, or held last.
    ///
    /// # Safety
    ///
    /// The cell was carved, and its chunk is kept.
    pub(super) unsafe fn id_at(at: NonNull<Self>) -> TaskId {
        // SAFETY: the caller's promise; a word that is an atomic from the carving on.
        unsafe { &(*at.as_ptr()).meta }.id()
    }

    /// Says of which type the task is: it is the same for two only if both are of one type, or the code of
    /// their types is.
    #[inline]
    pub(crate) fn table(&self) -> *const () {
        std::ptr::from_ref(self.vtable).cast()
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.state.kind()
    }

    /// The one worker that may poll and drop it.
    pub(crate) fn home(&self) -> Option<usize> {
        match self.kind() {
            Kind::Task | Kind::Internal => None,
            Kind::Root => Some(0),
            Kind::Pinned => self.aux.extension().and_then(Extension::home),
        }
    }

    /// By whoever polls: the poll begins.
    #[inline]
    pub(super) fn running(&self) {
        self.does(RUNNING);
    }

    /// By whoever polls: the poll ends, and the task waits, for the [`WaitReason`] of this number.
    #[inline]
    pub(super) fn waiting(&self, reason: u8) {
        self.does(WAITING + reason);
    }

    #[inline]
    fn does(&self, doing: u8) {
        // Nothing depends on it, and models are explored the faster the fewer accesses they have.
        if !cfg!(loopwork_loom) {
            self.meta.does(doing);
        }
    }

    /// By who has the only `Task` and the `Runnable`: the output is not wanted any more. The end gives the handle
    /// and its reference up.
    #[inline]
    pub(super) fn disclaim(&self) {
        self.meta.disclaim();
    }

    /// By who ends the task.
    #[inline]
    pub(super) fn is_disclaimed(&self) -> bool {
        self.meta.is_disclaimed()
    }

    /// What the task waits for. None unless it waits.
    pub(super) fn waits_for(&self) -> Option<WaitReason> {
        let number = self.meta.doing().checked_sub(WAITING)?;
        if self.state.is_complete() { None } else { WaitReason::from_number(number) }
    }

    /// asyncio's four states of a coroutine.
    pub(super) fn phase(&self) -> TaskState {
        match self.meta.doing() {
            _ if self.state.is_complete() => TaskState::Closed,
            CREATED => TaskState::Created,
            RUNNING => TaskState::Running,
            _ => TaskState::Suspended,
        }
    }
}

/// Where a task is in its life: asyncio's four states of a coroutine.
///
/// asyncio: `inspect.getcoroutinestate`.
#[doc(alias = "getcoroutinestate")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// Spawned, never polled: `CORO_CREATED`.
    Created,
    /// Being polled right now: `CORO_RUNNING`.
    Running,
    /// Waiting at an await, or to be polled again: `CORO_SUSPENDED`.
    Suspended,
    /// Finished, failed or cancelled: `CORO_CLOSED`.
    Closed,
}

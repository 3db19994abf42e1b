//! The memory of a loop's tasks, which is also the list of them. `../README.md` has the invariants.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | `Arena`: what all threads share; finding every task; when the memory goes |
//! | `chunk.rs` | chunks of cells of one size |
//! | `magazine.rs` | free cells, in lists that are handed over whole |
//! | `cells.rs` | what a worker allocates from without a lock |

mod cells;
mod chunk;
mod magazine;

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::sync::{Mutex, MutexGuard};
use loopwork_shim::weaken;

pub(crate) use self::cells::Cells;
pub(crate) use self::chunk::Class;
use self::chunk::{CLASSES, Chunk};
use self::magazine::{MAGAZINE, Magazine};
use super::header::Header;
use super::raw::RawTask;
use super::state::State;
use crate::current;
use crate::scheduler::Shared;

pub(crate) struct Arena {
    /// The shares that keep the loop's memory: see the README.
    shares: CachePadded<AtomicUsize>,
    depot: Mutex<Depot>,
}

/// What is behind the lock: the memory itself, full magazines, and the cells of outsiders.
struct Depot {
    closed: bool,
    chunks: Vec<NonNull<Chunk>>,
    shelves: Vec<Shelf>,
}

/// The cells of one class.
#[derive(Default)]
struct Shelf {
    /// Full magazines whose cells lie in order.
    full: Vec<Magazine>,
    /// The chunks that have other free cells.
    free: Vec<NonNull<Chunk>>,
    /// What threads that are no workers have at hand.
    loose: Magazine,
    /// What they carve from.
    chunk: Option<NonNull<Chunk>>,
}

// SAFETY: cells and chunks are plain memory, reached under the lock or by who allocated them.
unsafe impl Send for Depot {}

/// The depot, locked by a thread that is no worker of the loop.
pub(super) struct Outside<'a> {
    arena: &'a Arena,
    depot: MutexGuard<'a, Depot>,
}

impl Arena {
    pub(crate) fn new() -> Self {
        let shelves = (0..CLASSES).map(|_| Shelf::default()).collect();
        Self {
            // The share of the loop, until it is closed.
            shares: CachePadded::new(AtomicUsize::new(1)),
            depot: Mutex::new(Depot { closed: false, chunks: Vec::new(), shelves }),
        }
    }

    pub(super) fn outside(&self) -> Outside<'_> {
        Outside { arena: self, depot: self.depot.lock() }
    }

    /// From now on threads that are no workers are refused.
    pub(crate) fn close(&self) {
        self.depot.lock().closed = true;
    }

    /// References to all tasks that have not ended, in no order.
    pub(crate) fn tasks(&self) -> Vec<RawTask> {
        let mut tasks = Vec::new();
        self.walk(|header, state| {
            if state.ref_found() {
                // SAFETY: the reference that was just counted.
                tasks.push(unsafe { RawTask::from_owned(header) });
            }
        });
        tasks
    }

    /// How many tasks have not ended, those apart that users do not see.
    pub(crate) fn alive_tasks(&self) -> usize {
        let mut alive = 0;
        self.walk(|_, state| alive += usize::from(state.is_alive_task()));
        alive
    }

    /// Whether a `Runnable` is out whose task has ended.
    pub(crate) fn is_any_stale(&self) -> bool {
        let mut any = false;
        self.walk(|_, state| any |= state.is_stale());
        any
    }

    /// Calls `f` with the word of every cell, whether there is a task in it or not.
    fn walk(&self, mut f: impl FnMut(NonNull<Header>, &State)) {
        // The lock is not held while walking: chunks stay where they are.
        let chunks = self.depot.lock().chunks.clone();
        for chunk in chunks {
            // SAFETY: chunks live as long as the arena.
            for header in unsafe { Chunk::cells(chunk) } {
                // SAFETY: a carved cell; of its front only the word is shared.
                f(header, unsafe { &(*header.as_ptr()).state });
            }
        }
    }

    fn take_shares(&self, n: usize) {
        // Ordering: Relaxed: whoever takes has a share already, as in `Arc`: a worker's stock came
        // before its loop was closed, and so did an outsider that was not refused.
        self.shares.fetch_add(n, Ordering::Relaxed);
    }
}

/// Gives shares of the loop's memory up.
///
/// # Safety
///
/// The shares are the caller's. It touches nothing of the loop any more, unless something else
/// keeps it.
pub(crate) unsafe fn give_shares(shared: *const Shared, n: usize) {
    // SAFETY: the shares keep it until they are given up.
    let shares = unsafe { &(*shared).arena.shares };
    // Ordering: AcqRel [edge: arena-share]: every use of the memory comes before the share that
    // allowed it is given up, and the last to do so sees them all.
    let order = weaken!("arena-share", Ordering::AcqRel => Ordering::Relaxed);
    if shares.fetch_sub(n, order) == n {
        // SAFETY: `keep` left this count.
        unsafe { Arc::decrement_strong_count(shared) };
    }
}

/// Makes a new loop's memory last until its last share is given up.
pub(crate) fn keep(shared: &Arc<Shared>) {
    std::mem::forget(shared.clone());
}

/// The loop of a cell.
///
/// # Safety
///
/// The cell is not free while `'a` lasts, and the pointer has the provenance of its chunk.
#[inline]
pub(super) unsafe fn shared<'a>(cell: NonNull<Header>) -> &'a Arc<Shared> {
    // SAFETY: the caller's promise: a cell that is not free keeps the chunks of its loop.
    unsafe { Chunk::of(cell).as_ref() }.shared()
}

/// Takes the memory of a cell back, on whichever thread.
///
/// # Safety
///
/// The cell is of this class and was the caller's, with no task in it and its word vacant.
#[inline]
pub(super) unsafe fn give_back(cell: NonNull<Header>, class: Class) {
    // SAFETY: the caller still has the cell, and with it a share.
    let shared = unsafe { shared(cell) };
    let loop_of_cell = Arc::as_ptr(shared);
    let outside = current::with_worker_of(shared, |worker| match worker {
        Some(worker) => {
            worker.cells().give(shared, class, cell);
            false
        }
        None => true,
    });
    if outside {
        // SAFETY: as above, until the share of the cell is given up.
        unsafe { (*loop_of_cell).arena.outside().give(class, cell) };
        // SAFETY: the share of the cell, which nobody has any more.
        unsafe { give_shares(loop_of_cell, 1) };
    }
}

impl Outside<'_> {
    pub(super) fn is_closed(&self) -> bool {
        self.depot.closed
    }

    /// A cell without a task.
    pub(super) fn take(&mut self, shared: &Arc<Shared>, class: Class) -> NonNull<Header> {
        self.arena.take_shares(1);
        let shelf = &mut self.depot.shelves[class.index()];
        let mut loose = std::mem::take(&mut shelf.loose);
        shelf.hand_out(&mut loose);
        let cell = loose.pop();
        shelf.loose = loose;
        if let Some(cell) = cell {
            return cell;
        }
        loop {
            let shelf = &mut self.depot.shelves[class.index()];
            // SAFETY: the shelf's own chunk, under the lock.
            if let Some(cell) = shelf.chunk.and_then(|chunk| unsafe { Chunk::carve(chunk) }) {
                return cell;
            }
            let chunk = self.depot.chunk(shared, class);
            self.depot.shelves[class.index()].chunk = Some(chunk);
        }
    }

    fn give(&mut self, class: Class, cell: NonNull<Header>) {
        let shelf = &mut self.depot.shelves[class.index()];
        shelf.loose.push(cell);
        if shelf.loose.len() == MAGAZINE {
            let mut loose = std::mem::take(&mut shelf.loose);
            shelf.take_back(&mut loose, class);
            shelf.loose = loose;
        }
    }
}

impl Shelf {
    /// Takes all cells of a full magazine back.
    fn take_back(&mut self, magazine: &mut Magazine, class: Class) {
        if magazine.is_tidy(class.stride()) {
            self.full.push(std::mem::take(magazine));
            return;
        }
        let cells = magazine.cells();
        while !cells.is_empty() {
            // SAFETY: the magazine's, and the depot is locked.
            self.free.extend(unsafe { Chunk::give(cells) });
        }
    }

    /// Fills a magazine that is empty, as far as there are cells.
    fn hand_out(&mut self, magazine: &mut Magazine) {
        if magazine.len() > 0 {
            return;
        }
        if let Some(full) = self.full.pop() {
            *magazine = full;
            return;
        }
        let cells = magazine.cells();
        while let Some(&chunk) = self.free.last() {
            // SAFETY: chunks live as long as the arena, and the depot is locked.
            if unsafe { Chunk::take(chunk, cells) } {
                break;
            }
            self.free.pop();
        }
        cells.reverse();
    }
}

impl Depot {
    /// A new chunk, which its taker carves alone.
    fn chunk(&mut self, shared: &Arc<Shared>, class: Class) -> NonNull<Chunk> {
        let chunk = Chunk::allocate(shared, class);
        self.chunks.push(chunk);
        chunk
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for chunk in self.depot.get_mut().chunks.drain(..) {
            // SAFETY: no cell is in use: each has a share, which keeps the arena.
            unsafe { Chunk::free(chunk) };
        }
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("alive_tasks", &self.alive_tasks()).finish_non_exhaustive()
    }
}

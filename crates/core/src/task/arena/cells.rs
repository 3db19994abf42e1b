//! What a worker allocates from: plain memory, no lock, no atomics.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use super::chunk::{CLASSES, Chunk, Class};
use super::magazine::{MAGAZINE, Magazine};
use super::{Depot, give_shares};
use crate::scheduler::Shared;
use crate::task::Header;

/// How many shares a worker takes, and gives back, at a time.
const BLOCK: usize = if loopwork_shim::MODELLED { 2 } else { 256 };

/// The free cells of one worker, and its stock of shares.
pub(crate) struct Cells {
    racks: Box<[Rack]>,
    stock: Cell<usize>,
}

/// The cells of one class. Two magazines, so that a worker at the edge of one does not go to the
/// depot for each cell (Bonwick and Adams, 2001).
#[derive(Default)]
struct Rack {
    loaded: RefCell<Magazine>,
    /// Full or empty.
    spare: RefCell<Magazine>,
    chunk: Cell<Option<NonNull<Chunk>>>,
    /// How many cells may be carved before the depot is asked again.
    carves: Cell<usize>,
}

// SAFETY: what the pointers lead to is free memory that only this value's owner uses.
unsafe impl Send for Cells {}

impl Cells {
    pub(crate) fn new() -> Self {
        Self { racks: (0..CLASSES).map(|_| Rack::default()).collect(), stock: Cell::new(0) }
    }

    /// A cell without a task.
    #[inline]
    pub(crate) fn take(&self, shared: &Arc<Shared>, class: Class) -> NonNull<Header> {
        match self.stock.get() {
            0 => {
                shared.arena.take_shares(BLOCK);
                self.stock.set(BLOCK - 1);
            }
            stock => self.stock.set(stock - 1),
        }
        let rack = &self.racks[class.index()];
        let loaded = rack.loaded.borrow_mut().pop();
        if let Some(cell) = loaded {
            return cell;
        }
        rack.refill(shared, class)
    }

    /// Takes a cell back, whichever thread it was allocated on.
    #[inline]
    pub(crate) fn give(&self, shared: &Arc<Shared>, class: Class, cell: NonNull<Header>) {
        let rack = &self.racks[class.index()];
        let mut loaded = rack.loaded.borrow_mut();
        loaded.push(cell);
        if loaded.len() == MAGAZINE {
            rack.put_aside(&mut loaded, shared, class);
        }
        let stock = self.stock.get() + 1;
        self.stock.set(stock);
        if stock > 2 * BLOCK {
            self.stock.set(stock - BLOCK);
            // SAFETY: shares of the stock, which is not empty after this.
            unsafe { give_shares(Arc::as_ptr(shared), BLOCK) };
        }
    }

    /// The worker ends. Its free cells go with the loop's memory.
    pub(crate) fn retire(&self, shared: &Arc<Shared>) {
        let stock = self.stock.replace(0);
        if stock > 0 {
            // SAFETY: shares of the stock; `shared` keeps the loop.
            unsafe { give_shares(Arc::as_ptr(shared), stock) };
        }
    }
}

impl Rack {
    /// What is loaded is full: another one is begun.
    #[cold]
    fn put_aside(&self, loaded: &mut Magazine, shared: &Arc<Shared>, class: Class) {
        std::mem::swap(loaded, &mut *self.spare.borrow_mut());
        if loaded.len() > 0 {
            shared.arena.depot.lock().shelves[class.index()].take_back(loaded, class);
        }
    }

    #[cold]
    fn refill(&self, shared: &Arc<Shared>, class: Class) -> NonNull<Header> {
        let mut loaded = self.loaded.borrow_mut();
        std::mem::swap(&mut *loaded, &mut *self.spare.borrow_mut());
        if let Some(cell) = loaded.pop() {
            return cell;
        }
        loop {
            if self.carves.get() == 0 {
                let mut depot = shared.arena.depot.lock();
                depot.shelves[class.index()].hand_out(&mut loaded);
                if let Some(cell) = loaded.pop() {
                    return cell;
                }
                self.carves.set(MAGAZINE);
            }
            if let Some(cell) = self.carve() {
                return cell;
            }
            self.chunk.set(Some(Depot::chunk(&mut shared.arena.depot.lock(), shared, class)));
        }
    }

    fn carve(&self) -> Option<NonNull<Header>> {
        // SAFETY: the worker's own chunk.
        let cell = unsafe { Chunk::carve(self.chunk.get()?) }?;
        self.carves.set(self.carves.get() - 1);
        Some(cell)
    }
}

impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cells").field("stock", &self.stock.get()).finish_non_exhaustive()
    }
}

//! Free cells of one class in a list, which is handed over whole.

use std::ptr::NonNull;

use loopwork_shim::prefetch_to_write;

use super::super::header::Header;

/// How many cells a full magazine has.
pub(super) const MAGAZINE: usize = if loopwork_shim::MODELLED { 2 } else { 64 };
/// So many cells ahead are loaded: another worker may have had them last, and then each takes as long as
/// several spawns. A list that is linked through its cells could not do that.
const AHEAD: usize = 8;

/// How many gaps there may be between the cells of a list that is to stay together.
const GAPS_MAX: usize = 1;

/// It owns the cells.
#[derive(Default)]
pub(super) struct Magazine(Vec<NonNull<Header>>);

impl Magazine {
    /// Whether nearly all cells lie beside the next, in either direction: processors load ahead what is used
    /// in such an order.
    pub(super) fn is_tidy(&self, stride: usize) -> bool {
        let gap = |pair: &&[NonNull<Header>]| {
            let distance = pair[0].as_ptr().addr().abs_diff(pair[1].as_ptr().addr());
            distance != stride
        };
        self.0.windows(2).filter(gap).count() <= GAPS_MAX
    }

    /// Its cells: the last is the first that is popped.
    pub(super) fn cells(&mut self) -> &mut Vec<NonNull<Header>> {
        self.0.reserve_exact(MAGAZINE - self.0.len());
        &mut self.0
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    pub(super) fn push(&mut self, cell: NonNull<Header>) {
        if self.0.capacity() == 0 {
            self.0.reserve_exact(MAGAZINE);
        }
        if cfg!(loopwork_loom) {
            // Tells loom that the cell is used; otherwise nothing.
            // SAFETY: a carved cell that nobody else has.
            unsafe { &(*cell.as_ptr()).link }.with_mut(|_| ());
        }
        self.0.push(cell);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<NonNull<Header>> {
        let cell = self.0.pop()?;
        if let Some(ahead) = self.0.len().checked_sub(AHEAD) {
            prefetch_to_write(self.0[ahead].as_ptr());
        }
        if cfg!(loopwork_loom) {
            // SAFETY: as in `push`.
            unsafe { &(*cell.as_ptr()).link }.with_mut(|_| ());
        }
        Some(cell)
    }
}

//! Free cells of one class in a list, which is handed over whole.

use std::ptr::NonNull;

use loopwork_shim::prefetch;

use super::super::header::Header;

/// How many cells a full magazine has.
pub(super) const MAGAZINE: usize = if loopwork_shim::MODELLED { 2 } else { 64 };

/// Linked through the fronts of the cells. It owns them.
#[derive(Clone, Copy, Default)]
pub(super) struct Magazine {
    front: Option<NonNull<Header>>,
    len: usize,
}

impl Magazine {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn push(&mut self, cell: NonNull<Header>) {
        // SAFETY: a carved cell; of its front only the word is shared, and this is the link.
        let link = unsafe { &(*cell.as_ptr()).link };
        // SAFETY: the link of a free cell belongs to the list it is in.
        link.with_mut(|link| unsafe { *link = self.front });
        self.front = Some(cell);
        self.len += 1;
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<NonNull<Header>> {
        let cell = self.front?;
        // SAFETY: as in `push`.
        let link = unsafe { &(*cell.as_ptr()).link };
        // SAFETY: as in `push`.
        self.front = link.with_mut(|link| unsafe { (*link).take() });
        if let Some(next) = self.front {
            // Its link is read by the next call.
            prefetch(next.as_ptr());
        }
        self.len -= 1;
        Some(cell)
    }
}

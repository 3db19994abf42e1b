//! The wheel's nodes: at addresses that do not change, in chunks that are never given back before
//! the wheel is. A free node is used again.

use std::cell::Cell;

use loopwork_shim::prefetch;

use super::NOWHERE;

/// The index that no node has.
pub(super) const NIL: u32 = u32::MAX;

/// Nodes of a chunk: 64 KiB of them.
const CHUNK_BITS: u32 = if loopwork_shim::MODELLED { 1 } else { 10 };
const CHUNK: usize = 1 << CHUNK_BITS;

/// Names an entry of a [`Wheel`](super::Wheel), until that is freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub(super) u32);

impl Key {
    /// The same key from what [`Key::index`] gave.
    pub(crate) fn from_index(index: u32) -> Self {
        Self(index)
    }

    pub(crate) fn index(self) -> u32 {
        self.0
    }
}

/// An entry: half a cache line for the wheel, and half for `T`.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Node<T> {
    pub(super) deadline: Cell<u64>,
    pub(super) sequence: Cell<u64>,
    pub(super) prev: Cell<u32>,
    /// Of a free node, the next free one.
    pub(super) next: Cell<u32>,
    /// Level and slot as one number, or [`NOWHERE`].
    pub(super) place: Cell<u16>,
    pub(super) value: T,
}

#[derive(Debug)]
pub(super) struct Slab<T> {
    /// Each has room for [`CHUNK`] nodes from the start, so that pushing moves none of them.
    chunks: Vec<Vec<Node<T>>>,
    made: u32,
    free: u32,
    len: usize,
}

impl<T: Default> Slab<T> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), made: 0, free: NIL, len: 0 }
    }

    /// How many nodes are in use.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn node(&self, index: u32) -> &Node<T> {
        &self.chunks[(index >> CHUNK_BITS) as usize][index as usize % CHUNK]
    }

    /// A node that is in no slot.
    #[inline]
    pub(super) fn take(&mut self) -> u32 {
        self.len += 1;
        if self.free == NIL {
            return self.make();
        }
        let index = self.free;
        self.free = self.node(index).next.get();
        if self.free != NIL {
            // Its link is read by the next call.
            prefetch(self.node(self.free));
        }
        index
    }

    #[cold]
    fn make(&mut self) -> u32 {
        let index = self.made;
        assert!(index != NIL, "a timer wheel holds fewer than 2^32 - 1 timers");
        self.made += 1;
        if index as usize % CHUNK == 0 {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks.last_mut().expect("one was pushed at least").push(Node {
            deadline: Cell::new(0),
            sequence: Cell::new(0),
            prev: Cell::new(NIL),
            next: Cell::new(NIL),
            place: Cell::new(NOWHERE),
            value: T::default(),
        });
        index
    }

    /// Takes back a node that is in no slot.
    #[inline]
    pub(super) fn put(&mut self, index: u32) {
        self.len -= 1;
        self.node(index).next.set(self.free);
        self.free = index;
    }

    #[cfg(loopwork_loom)]
    pub(super) fn each_mut(&mut self, f: impl FnMut(&mut Node<T>)) {
        self.chunks.iter_mut().flatten().for_each(f);
    }

    /// Calls `f` with each node ever made, in use or free.
    pub(super) fn each(&self, f: impl FnMut(&Node<T>)) {
        self.chunks.iter().flatten().for_each(f);
    }
}

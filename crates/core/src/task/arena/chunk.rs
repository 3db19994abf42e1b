//! Chunks: aligned to their size, so that a cell's address says where its chunk begins.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;

use loopwork_shim::MODELLED;
use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::cell::UnsafeCell;

use super::super::header::Header;
use super::magazine::MAGAZINE;
use crate::scheduler::Shared;

/// How large a chunk is, and how it is aligned. Only what is used of it costs memory.
const CHUNK: usize = if MODELLED { 4 * 1024 } else { 64 * 1024 };
/// Larger futures, or outputs, are boxed.
const CELL_MAX: usize = 1024;
/// By how much the classes of cells differ.
const GRAIN: usize = 8;
pub(super) const CLASSES: usize = CELL_MAX / GRAIN + 1;
/// What cells are aligned to if their size allows. What asks for more is boxed.
const ALIGN: usize = 16;
/// Where the cells of a chunk begin: so that those of the most frequent size are a cache line each.
const FRONT: usize = size_of::<Chunk>().next_multiple_of(64);
const LAYOUT: Layout = match Layout::from_size_align(CHUNK, CHUNK) {
    Ok(layout) => layout,
    Err(_) => panic!("a chunk is a power of two"),
};

/// A size of cells, in grains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class(u16);

impl Class {
    /// The class for what has this size, which is a multiple of its alignment. None if it is too
    /// large, or aligned to more than cells are.
    #[inline]
    pub(crate) const fn of(size: usize, align: usize) -> Option<Self> {
        if size > CELL_MAX || align > ALIGN {
            return None;
        }
        Some(Self(size.div_ceil(GRAIN) as u16))
    }

    #[inline]
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(super) fn stride(self) -> usize {
        self.index() * GRAIN
    }
}

/// The front of a chunk; behind it lie cells of one class.
#[repr(C, align(16))]
pub(super) struct Chunk {
    /// Not counted: a cell in use has a share, which keeps it.
    shared: ManuallyDrop<Arc<Shared>>,
    stride: usize,
    /// 2^32 over the stride, rounded up: to divide by it.
    inverse: u64,
    /// How many cells have a valid front. Written by who carves.
    carved: AtomicUsize,
    /// What was given back: reached under the depot's lock.
    free: UnsafeCell<Free>,
}

/// Which cells of a chunk lie in the depot: a bit each, so that they are handed out in the order in which
/// they lie, however they came back. Cells that are neighbours are used one after the other then,
/// which is what processors load ahead.
struct Free {
    bits: [u64; WORDS],
    count: usize,
}

/// As many bits as the smallest cells that a chunk has.
const WORDS: usize = (CHUNK / size_of::<Header>()).div_ceil(64);

impl Chunk {
    /// Memory for cells of `class`, none of them carved.
    pub(super) fn allocate(shared: &Arc<Shared>, class: Class) -> NonNull<Self> {
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc(LAYOUT) };
        let Some(chunk) = NonNull::new(memory.cast::<Self>()) else { handle_alloc_error(LAYOUT) };
        // SAFETY: the pointer is that of an `Arc`, which is not dropped and so not counted twice.
        let shared = ManuallyDrop::new(unsafe { Arc::from_raw(Arc::as_ptr(shared)) });
        let front = Self {
            shared,
            stride: class.stride(),
            inverse: (1u64 << 32).div_ceil(class.stride() as u64),
            carved: AtomicUsize::new(0),
            free: UnsafeCell::new(Free { bits: [0; WORDS], count: 0 }),
        };
        // SAFETY: the memory is large enough, aligned, and nobody else's.
        unsafe { chunk.write(front) };
        chunk
    }

    /// # Safety
    ///
    /// The chunk came from [`Chunk::allocate`], and none of its cells is in use.
    pub(super) unsafe fn free(chunk: NonNull<Self>) {
        if cfg!(loopwork_loom) {
            // Tells loom that the free uses the cells; otherwise nothing.
            // SAFETY: the chunk is not freed yet.
            for cell in unsafe { Self::cells(chunk) } {
                // SAFETY: a carved cell.
                unsafe { &(*cell.as_ptr()).link }.with_mut(|_| ());
            }
        }
        // SAFETY: the caller's promise.
        unsafe { dealloc(chunk.as_ptr().cast(), LAYOUT) };
    }

    /// The chunk in which a cell lies.
    #[inline]
    pub(super) fn of(cell: NonNull<Header>) -> NonNull<Self> {
        let chunk = cell.as_ptr().map_addr(|addr| addr & !(CHUNK - 1));
        NonNull::new(chunk.cast()).expect("no chunk lies at address zero")
    }

    #[inline]
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The cell number `at`, if the chunk has room for it.
    fn cell(chunk: NonNull<Self>, stride: usize, at: usize) -> Option<NonNull<Header>> {
        let offset = FRONT + (at * stride);
        (offset + stride <= CHUNK).then(|| {
            // SAFETY: inside the chunk.
            unsafe { chunk.byte_add(offset) }.cast()
        })
    }

    /// Takes the cells at the end of `cells` back that lie in the same chunk, and gives that chunk, if no
    /// cell of it was free before. `cells` is not empty.
    ///
    /// # Safety
    ///
    /// The cells are free, and the caller's, who holds the depot's lock.
    pub(super) unsafe fn give(cells: &mut Vec<NonNull<Header>>) -> Option<NonNull<Self>> {
        let chunk = Self::of(*cells.last().expect("it is not empty"));
        // SAFETY: a cell keeps its chunk.
        let front = unsafe { chunk.as_ref() };
        front.free.with_mut(|free| {
            // SAFETY: the lock is held.
            let free = unsafe { &mut *free };
            let had_none = free.count == 0;
            while let Some(cell) = cells.last().copied().filter(|&cell| Self::of(cell) == chunk) {
                cells.pop();
                let offset = cell.as_ptr().addr() - chunk.as_ptr().addr() - FRONT;
                // Exact: the offset is a multiple of the stride, and less than 2^16.
                let at = ((offset as u64 * front.inverse) >> 32) as usize;
                free.bits[at / 64] |= 1 << (at % 64);
                free.count += 1;
            }
            had_none.then_some(chunk)
        })
    }

    /// Hands free cells out, from the front of the chunk, until `taken` is full. True if there are more.
    ///
    /// # Safety
    ///
    /// The chunk is alive, and the caller holds the depot's lock.
    pub(super) unsafe fn take(chunk: NonNull<Self>, taken: &mut Vec<NonNull<Header>>) -> bool {
        // SAFETY: the caller's promise.
        let front = unsafe { chunk.as_ref() };
        front.free.with_mut(|free| {
            // SAFETY: the lock is held.
            let Free { bits, count } = unsafe { &mut *free };
            for (word, bits) in bits.iter_mut().enumerate() {
                while *bits != 0 {
                    if taken.len() == MAGAZINE {
                        return true;
                    }
                    let at = word * 64 + bits.trailing_zeros() as usize;
                    *bits &= *bits - 1;
                    *count -= 1;
                    taken.push(Self::cell(chunk, front.stride, at).expect("it was given back"));
                }
            }
            false
        })
    }

    /// One more cell, with a valid front and no task. None if the chunk is used up.
    ///
    /// # Safety
    ///
    /// Nobody else carves this chunk.
    pub(super) unsafe fn carve(chunk: NonNull<Self>) -> Option<NonNull<Header>> {
        // SAFETY: the caller's chunk is alive.
        let front = unsafe { chunk.as_ref() };
        // Ordering: Relaxed: only the caller writes it.
        let at = front.carved.load(Ordering::Relaxed);
        let cell = Self::cell(chunk, front.stride, at)?;
        // SAFETY: memory of the chunk that was not carved yet.
        unsafe { Header::carve(cell) };
        // Ordering: Release [edge: arena-carve]: walkers find a valid front.
        front.carved.store(at + 1, Ordering::Release);
        Some(cell)
    }

    /// The cells that are carved by now.
    ///
    /// # Safety
    ///
    /// The chunk is not freed while the iterator is used.
    pub(super) unsafe fn cells(chunk: NonNull<Self>) -> impl Iterator<Item = NonNull<Header>> {
        // SAFETY: the caller's promise.
        let front = unsafe { chunk.as_ref() };
        // Ordering: Acquire [edge: arena-carve]: their fronts.
        let carved = front.carved.load(Ordering::Acquire);
        let stride = front.stride;
        (0..carved).filter_map(move |at| Self::cell(chunk, stride, at))
    }
}

//! A list of blocks: a queue without a capacity.

use std::fmt;
use std::ptr;

use loopwork_shim::atomic::{AtomicBool, AtomicPtr, Ordering};
use loopwork_shim::thread::{spin_loop, yield_now};
use loopwork_shim::weaken;

use super::position::Position;
use super::shared::{Queue, Shared};
use super::slot::Slot;
use super::word::{CLOSED, SLEEPS};

/// Positions of one block: its places, and one more at which the next block is on its way.
const LAP: u64 = if loopwork_shim::MODELLED { 2 } else { 32 };
const PLACES: u64 = LAP - 1;

/// Blocks in a row, filled at the end and let go of at the front.
///
/// Whoever claims the last place of a block hangs the next one in; the others wait for so long. The
/// scheme is that of crossbeam's `SegQueue`, with one consumer, which makes it easy to know when nobody is
/// in a block any more.
pub struct Blocks<T> {
    /// The block of the tail's position.
    last: AtomicPtr<Block<T>>,
    /// The block of the consumer's position. Only the consumer reads and writes it.
    first: AtomicPtr<Block<T>>,
    /// One that was emptied, for who needs the next.
    spare: AtomicPtr<Block<T>>,
}

struct Block<T> {
    next: AtomicPtr<Block<T>>,
    places: [Place<T>; PLACES as usize],
}

struct Place<T> {
    put: AtomicBool,
    item: Slot<T>,
}

/// Which place of its block it is.
#[inline]
fn place_of(position: Position) -> u64 {
    position.number() % LAP
}

impl<T> Block<T> {
    fn new() -> Box<Self> {
        let place = |_| Place { put: AtomicBool::new(false), item: Slot::new() };
        Box::new(Self { next: AtomicPtr::new(ptr::null_mut()), places: std::array::from_fn(place) })
    }
}

impl<T> Blocks<T> {
    pub(crate) fn new() -> Self {
        let block = Box::into_raw(Block::new());
        Self {
            last: AtomicPtr::new(block),
            first: AtomicPtr::new(block),
            spare: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// An empty block.
    fn another(&self) -> Box<Block<T>> {
        // Ordering: Acquire: that it was emptied. [edge: blocks-spare]
        let order = weaken!("blocks-spare", Ordering::Acquire => Ordering::Relaxed);
        let spare = self.spare.swap(ptr::null_mut(), order);
        if spare.is_null() {
            return Block::new();
        }
        // SAFETY: it came from a box, and whoever swaps it out has it.
        unsafe { Box::from_raw(spare) }
    }

    /// Keeps an empty block for later, if there is none.
    fn keep(&self, block: Box<Block<T>>) {
        let block = Box::into_raw(block);
        // Ordering: Release: that it was emptied. [edge: blocks-spare]
        let (order, failed) = (Ordering::Release, Ordering::Relaxed);
        if self.spare.compare_exchange(ptr::null_mut(), block, order, failed).is_err() {
            // SAFETY: it came from a box, and nobody has got it.
            drop(unsafe { Box::from_raw(block) });
        }
    }
}

// SAFETY: the consumer goes on by one place with each item.
unsafe impl<T> Queue for Blocks<T> {
    type Item = T;

    const IS_SIGNED: bool = false;

    #[inline]
    unsafe fn pop(&self, position: Position) -> Option<(T, Position)> {
        // Ordering: Relaxed: only the consumer writes it.
        let block = self.first.load(Ordering::Relaxed);
        // SAFETY: the consumer's block is freed by the consumer only, below.
        let place = unsafe { &(&(*block).places)[place_of(position) as usize] };
        // Ordering: Acquire: the item, and the next block if it is the last. [edge: mpsc-item]
        let order = weaken!("blocks-pop", Ordering::Acquire => Ordering::Relaxed);
        if !place.put.load(order) {
            return None;
        }
        // SAFETY: it was put there, and its producer is done with the place. The caller is the consumer.
        let item = unsafe { place.item.take() };
        let next = position.plus(1);
        if place_of(next) < PLACES {
            return Some((item, next));
        }
        // SAFETY: each place of it was popped, so that all who have put something there are done: who
        // had the last place did all else before. So it is ours.
        let mut block = unsafe { Box::from_raw(block) };
        // Ordering: Relaxed: it came with the last item.
        let after = std::mem::replace(&mut block.next, AtomicPtr::new(ptr::null_mut()));
        self.first.store(after.load(Ordering::Relaxed), Ordering::Relaxed);
        for place in &mut block.places {
            place.put = AtomicBool::new(false);
        }
        self.keep(block);
        Some((item, next.plus(1)))
    }

    fn distance(&self, from: Position, to: Position) -> usize {
        let positions = to.since(from);
        // The last of each block is no place.
        let ends = (place_of(from) + positions) / LAP;
        (positions - ends) as usize
    }
}

impl<T, X> Shared<Blocks<T>, X> {
    /// Puts the item. It comes back if it is closed.
    #[inline]
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let (tail, queue) = (&self.tail, &self.queue);
        let mut next_block = None;
        let mut looks = 0_u32;
        // Ordering: Acquire: a block that was hung in before this position. [edge: blocks-next]
        let look = || if weaken!("blocks-next") { tail.guess() } else { tail.load() };
        let mut word = look();
        let block = loop {
            if word.has(CLOSED) {
                return Err(item);
            }
            let place = place_of(word.position());
            if place == PLACES {
                // Somebody is hanging in the next block.
                looks += 1;
                if looks % 64 == 0 {
                    yield_now()
                } else {
                    spin_loop()
                }
                word = look();
                continue;
            }
            if place + 1 == PLACES && next_block.is_none() {
                next_block = Some(queue.another());
            }
            // Ordering: Relaxed: it is not before that of the word, which brings it; and if it is a later
            // one, the exchange fails.
            let block = queue.last.load(Ordering::Relaxed);
            match tail.exchange(word, word.plus(1).without(SLEEPS)) {
                // The block belongs to the position: whoever changes the one has changed the other.
                Ok(()) => break block,
                Err(_) => word = look(),
            }
        };
        // SAFETY: a block is freed after each of its places was popped, and one of them is ours.
        let block = unsafe { &*block };
        let place = place_of(word.position());
        if place + 1 == PLACES {
            let next = next_block.take().expect("it was made before the exchange");
            let next = Box::into_raw(next);
            // Ordering: Relaxed: `skip` publishes it. [edge: blocks-next]
            queue.last.store(next, Ordering::Relaxed);
            tail.skip(1);
            // Ordering: Relaxed: it goes with the item.
            block.next.store(next, Ordering::Relaxed);
        }
        let place = &block.places[place as usize];
        // SAFETY: the exchange has claimed it, and a block's places are used once.
        unsafe { place.item.put(item) };
        // Ordering: Release: the item, and the next block. The last access to the block. [edge: mpsc-item]
        let order = weaken!("blocks-put", Ordering::Release => Ordering::Relaxed);
        place.put.store(true, order);
        self.wake_if_it_slept(word);
        if let Some(unused) = next_block {
            queue.keep(unused);
        }
        Ok(())
    }
}

impl<T> Drop for Blocks<T> {
    fn drop(&mut self) {
        // Ordering: Relaxed: whoever drops it is alone. Its items were popped.
        for block in [&self.first, &self.spare] {
            let block = block.load(Ordering::Relaxed);
            if !block.is_null() {
                // SAFETY: it came from a box, and is in one place only. The last block is the first.
                drop(unsafe { Box::from_raw(block) });
            }
        }
    }
}

impl<T> fmt::Debug for Blocks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").finish_non_exhaustive()
    }
}

//! A hierarchical timer wheel: a plain `&mut` structure in nanoseconds, without a clock.
//!
//! The README beside this file says how entries are placed and why one advance moves the entries
//! of at most one slot.

mod slab;

use std::fmt;

pub use slab::Key;
use slab::{NIL, Node, Slab};

/// Bits of a deadline that one level resolves.
const SLOT_BITS: u32 = 6;
/// Slots of a level: one bit each in a `u64`.
const SLOTS: usize = 1 << SLOT_BITS;
/// Levels, so that together they resolve every bit of a `u64` deadline.
const LEVELS: usize = u64::BITS.div_ceil(SLOT_BITS) as usize;

/// The deadline that never comes.
const NEVER: u64 = u64::MAX;

/// The [`Node::place`] of an entry whose deadline never comes: it is in no slot.
const NOWHERE: u16 = u16::MAX;

const _: () = assert!(LEVELS * SLOTS < NOWHERE as usize);

/// Entries with deadlines, given back in order of deadline once their time has come.
///
/// Deadlines are nanoseconds since any origin the caller likes; `u64::MAX` means never. Of entries
/// with equal deadlines the one with the lower `sequence` comes first, so a counter makes equal
/// deadlines fire in the order of registration.
///
/// Insertion and removal take constant time. Dropping the wheel drops the entries.
///
/// ```
/// use loopwork_time::wheel::Wheel;
///
/// let mut wheel = Wheel::new(0);
/// wheel.insert(30, 0, "c");
/// let b = wheel.insert(20, 1, "b");
/// wheel.insert(10, 2, "a");
/// assert_eq!(wheel.remove(b), Some("b"));
/// assert_eq!(wheel.next_deadline(), Some(10));
///
/// let mut due = Vec::new();
/// wheel.advance(29, &mut due);
/// assert_eq!(due.drain(..).map(|entry| entry.value).collect::<Vec<_>>(), ["a"]);
/// wheel.advance(30, &mut due);
/// assert_eq!(due[0].value, "c");
/// ```
pub struct Wheel<T> {
    /// The latest time `advance` has been given. Each linked entry's deadline is later, or it
    /// stands in level 0's slot of this time.
    elapsed: u64,
    levels: Box<[Level; LEVELS]>,
    nodes: Slab<T>,
}

/// An entry whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired<T> {
    /// The deadline it was inserted with, in nanoseconds.
    pub deadline: u64,
    /// The sequence it was inserted with.
    pub sequence: u64,
    /// What was inserted.
    pub value: T,
}

/// One level: a bit per slot that holds entries, and the slots.
#[derive(Clone, Copy)]
struct Level {
    occupied: u64,
    slots: [Slot; SLOTS],
}

/// The entries of one slot, as a doubly linked list by index.
#[derive(Clone, Copy)]
struct Slot {
    head: u32,
    /// No entry here is earlier. Exact until the earliest is removed.
    earliest: u64,
}

const EMPTY: Slot = Slot { head: NIL, earliest: NEVER };

impl<T> Wheel<T> {
    /// An empty wheel whose time is `now`, in nanoseconds.
    #[must_use]
    pub fn new(now: u64) -> Self {
        let levels = Box::new([Level { occupied: 0, slots: [EMPTY; SLOTS] }; LEVELS]);
        Self { elapsed: now, levels, nodes: Slab::new() }
    }

    /// Adds an entry. A deadline that has passed already is given back by the next
    /// [`advance`](Wheel::advance); one of `u64::MAX` never.
    ///
    /// # Panics
    ///
    /// With `u32::MAX` entries in the wheel.
    pub fn insert(&mut self, deadline: u64, sequence: u64, value: T) -> Key {
        let key = self.nodes.insert(deadline, sequence, value);
        self.link(key.index());
        key
    }

    /// Takes an entry out, or `None` if it was given back or removed before.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        self.nodes.get(key)?;
        self.unlink(key.index());
        Some(self.nodes.take(key.index()).value)
    }

    /// The value of an entry that is still in the wheel.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        self.nodes.get(key)
    }

    /// The value of an entry that is still in the wheel, to change it in place.
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.nodes.get_mut(key)
    }

    /// The values of all entries, those that never come included, in no particular order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.nodes.values_mut()
    }

    /// A time that is not later than the earliest deadline, or `None` if there is nothing to wait
    /// for.
    ///
    /// It *is* the earliest deadline, unless an entry was removed that shared its slot and was
    /// earlier still. To advance to a time that turns out too early gives nothing back and makes
    /// the next answer better, so whoever waits by these answers makes progress.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let level = self.levels.iter().find(|level| level.occupied != 0)?;
        Some(level.slots[level.occupied.trailing_zeros() as usize].earliest)
    }

    /// Moves the wheel's time to `now` and appends the entries due by then to `due`, in order of
    /// deadline, then of sequence.
    ///
    /// An entry with a deadline later than any time given so far is never given back. A `now`
    /// before an earlier one counts as that one.
    pub fn advance(&mut self, now: u64, due: &mut Vec<Expired<T>>) {
        let from = self.elapsed;
        let now = now.max(from);
        self.elapsed = now;
        let first = due.len();
        for index in 0..LEVELS {
            let last = prefix(from, index) == prefix(now, index);
            let passed = if last { up_to(slot_of(now, index)) } else { u64::MAX };
            self.drain(index, passed, now, due);
            if last {
                break;
            }
        }
        due[first..].sort_unstable_by_key(|entry| (entry.deadline, entry.sequence));
    }

    /// How many entries there are, those that never come included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Empties the slots of one level that are in `mask`: what is due goes to `due`, what is not
    /// to lower levels.
    fn drain(&mut self, level: usize, mask: u64, now: u64, due: &mut Vec<Expired<T>>) {
        loop {
            let passed = self.levels[level].occupied & mask;
            if passed == 0 {
                return;
            }
            let slot = passed.trailing_zeros() as usize;
            self.levels[level].occupied &= !(1 << slot);
            let mut index = std::mem::replace(&mut self.levels[level].slots[slot], EMPTY).head;
            while index != NIL {
                let Node { next, deadline, .. } = *self.nodes.node(index);
                if deadline <= now {
                    due.push(self.nodes.take(index));
                } else {
                    debug_assert!(place(deadline, now).0 < level, "entries only move down");
                    self.link(index);
                }
                index = next;
            }
        }
    }

    /// Puts a node at the head of the slot its deadline belongs to.
    fn link(&mut self, index: u32) {
        let deadline = self.nodes.node(index).deadline;
        if deadline == NEVER {
            return;
        }
        let (level, slot_index) = place(deadline, self.elapsed);
        self.levels[level].occupied |= 1 << slot_index;
        let slot = &mut self.levels[level].slots[slot_index];
        slot.earliest = slot.earliest.min(deadline);
        let next = std::mem::replace(&mut slot.head, index);
        if next != NIL {
            self.nodes.node_mut(next).prev = index;
        }
        let node = self.nodes.node_mut(index);
        node.prev = NIL;
        node.next = next;
        node.place = (level * SLOTS + slot_index) as u16;
    }

    /// Takes a node out of its slot's list.
    fn unlink(&mut self, index: u32) {
        let Node { prev, next, place, .. } = *self.nodes.node(index);
        if place == NOWHERE {
            return;
        }
        if next != NIL {
            self.nodes.node_mut(next).prev = prev;
        }
        if prev != NIL {
            self.nodes.node_mut(prev).next = next;
            return;
        }
        let (level, slot_index) = (usize::from(place) / SLOTS, usize::from(place) % SLOTS);
        let level = &mut self.levels[level];
        if next == NIL {
            level.occupied &= !(1 << slot_index);
            level.slots[slot_index] = EMPTY;
        } else {
            level.slots[slot_index].head = next;
        }
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("elapsed", &self.elapsed)
            .field("len", &self.len())
            .field("next_deadline", &self.next_deadline())
            .finish()
    }
}

/// The level and the slot of `deadline` in a wheel whose time is `elapsed`.
fn place(deadline: u64, elapsed: u64) -> (usize, usize) {
    let deadline = deadline.max(elapsed);
    let differing = u64::BITS - (deadline ^ elapsed).leading_zeros();
    let level = (differing.saturating_sub(1) / SLOT_BITS) as usize;
    (level, slot_of(deadline, level))
}

/// Which slot of a level `time` falls into.
fn slot_of(time: u64, level: usize) -> usize {
    (time >> (level as u32 * SLOT_BITS)) as usize % SLOTS
}

/// The bits of `time` above those that a level resolves.
fn prefix(time: u64, level: usize) -> u64 {
    time.checked_shr((level as u32 + 1) * SLOT_BITS).unwrap_or(0)
}

/// A mask of the slots `0..=slot`.
fn up_to(slot: usize) -> u64 {
    u64::MAX >> (SLOTS - 1 - slot)
}

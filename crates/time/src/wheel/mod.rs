//! A hierarchical timer wheel: a plain `&mut` structure in nanoseconds, without a clock.
//!
//! The README beside this file says how entries are placed, and what an advance moves.

mod slab;

use std::fmt;

pub use slab::Key;
use slab::{NIL, Slab};

/// Bits of a deadline below those that the lowest level resolves: its slots are 65 us wide.
const TICK_BITS: u32 = 16;
/// Bits of a deadline that one level resolves.
const SLOT_BITS: u32 = 8;
const SLOTS: usize = 1 << SLOT_BITS;
/// Levels, so that together they resolve the upper bits of a `u64` deadline.
const LEVELS: usize = (u64::BITS - TICK_BITS).div_ceil(SLOT_BITS) as usize;

/// The deadline that never comes.
const NEVER: u64 = u64::MAX;

/// The place of an entry that is in no slot.
const NOWHERE: u16 = u16::MAX;

const _: () = assert!(LEVELS * SLOTS < NOWHERE as usize);

/// Entries with deadlines, which come out in order of deadline once their time has come.
///
/// Deadlines are nanoseconds since any origin the caller likes; `u64::MAX` means never. Of entries
/// with equal deadlines the one with the lower `sequence` comes first, so a counter makes equal
/// deadlines fire in the order of registration.
///
/// Each entry has a value that stays where it is in memory. The value is made once, and used again
/// by later entries in its place: what it is to hold is set through `&T`. An entry has a place in
/// the wheel's memory from [`insert`](Wheel::insert) to [`free`](Wheel::free), also after its time
/// has come.
///
/// Inserting and unlinking take constant time.
///
/// ```
/// use loopwork_time::wheel::Wheel;
/// use std::cell::Cell;
///
/// let mut wheel = Wheel::<Cell<char>>::new(0);
/// let [_a, b, _c] = [(10, 'a'), (20, 'b'), (30, 'c')].map(|(deadline, name)| {
///     let key = wheel.insert(deadline, 0);
///     wheel.value(key).set(name);
///     key
/// });
/// wheel.free(b);
/// assert_eq!(wheel.next_deadline(), Some(10));
///
/// let mut due = String::new();
/// wheel.advance(29, |entry| due.push(entry.value.get()));
/// assert_eq!(due, "a");
/// wheel.advance(30, |entry| due.push(entry.value.get()));
/// assert_eq!(due, "ac");
/// ```
pub struct Wheel<T> {
    /// The latest time `advance` has been given. Each linked entry's deadline is later, or it
    /// stands in level 0's slot of this time.
    elapsed: u64,
    levels: Box<[Level; LEVELS]>,
    nodes: Slab<T>,
    /// What one advance found due, until it is sorted. Empty between calls.
    due: Vec<(u64, u64, u32)>,
}

/// An entry whose time has come.
#[derive(Debug)]
pub struct Expired<'a, T> {
    /// The deadline it was linked with, in nanoseconds.
    pub deadline: u64,
    /// The sequence it was inserted with.
    pub sequence: u64,
    /// Names it until it is freed.
    pub key: Key,
    /// Its value.
    pub value: &'a T,
}

/// One level: a bit per slot that holds entries, and the slots.
#[derive(Clone, Copy)]
struct Level {
    occupied: [u64; SLOTS / 64],
    /// The first entry of each slot's doubly linked list.
    heads: [u32; SLOTS],
    /// No entry of the slot is earlier. Exact until the earliest is unlinked.
    earliest: [u64; SLOTS],
}

const EMPTY: Level =
    Level { occupied: [0; SLOTS / 64], heads: [NIL; SLOTS], earliest: [NEVER; SLOTS] };

impl<T: Default> Wheel<T> {
    /// An empty wheel whose time is `now`, in nanoseconds.
    #[must_use]
    pub fn new(now: u64) -> Self {
        let levels = Box::new([EMPTY; LEVELS]);
        Self { elapsed: now, levels, nodes: Slab::new(), due: Vec::new() }
    }

    /// Adds an entry. With a deadline that has passed already it comes out at the next
    /// [`advance`](Wheel::advance), with `u64::MAX` never.
    ///
    /// # Panics
    ///
    /// With 2^32 - 1 entries in the wheel.
    #[inline]
    pub fn insert(&mut self, deadline: u64, sequence: u64) -> Key {
        let index = self.nodes.take();
        self.nodes.node(index).sequence.set(sequence);
        self.link(index, deadline);
        Key(index)
    }

    /// The value of an entry, at an address that does not change while the wheel lives.
    #[inline]
    #[must_use]
    pub fn value(&self, key: Key) -> &T {
        &self.nodes.node(key.0).value
    }

    /// Takes an entry out, if it is linked: it never comes out by itself. It is not freed.
    #[inline]
    pub fn unlink(&mut self, key: Key) {
        let node = self.nodes.node(key.0);
        let place = node.place.replace(NOWHERE);
        if place == NOWHERE {
            return;
        }
        let (prev, next) = (node.prev.get(), node.next.get());
        if next != NIL {
            self.nodes.node(next).prev.set(prev);
        }
        if prev != NIL {
            self.nodes.node(prev).next.set(next);
            return;
        }
        let (level, slot) = (usize::from(place) / SLOTS, usize::from(place) % SLOTS);
        let level = &mut self.levels[level];
        level.heads[slot] = next;
        if next == NIL {
            level.earliest[slot] = NEVER;
            level.occupied[slot / 64] &= !(1 << (slot % 64));
        }
    }

    /// Gives an entry another deadline, linked or not. Its sequence stays.
    pub fn relink(&mut self, key: Key, deadline: u64) {
        self.unlink(key);
        self.link(key.0, deadline);
    }

    /// Takes an entry out and ends it: its key and its memory are for others.
    #[inline]
    pub fn free(&mut self, key: Key) {
        self.unlink(key);
        self.nodes.put(key.0);
    }

    /// A time that is not later than the earliest deadline, or `None` if there is nothing to wait
    /// for.
    ///
    /// It *is* the earliest deadline, unless an entry was unlinked that shared its slot and was
    /// earlier still. To advance to a time that turns out too early brings nothing out and makes
    /// the next answer better, so whoever waits by these answers makes progress.
    #[inline]
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.levels.iter().find_map(|level| {
            let slot = level.first_occupied(0)?;
            Some(level.earliest[slot])
        })
    }

    /// The earliest deadline, after entries whose deadline turns out to be `meant` later have been
    /// given that. It looks at all entries of a slot, or of several.
    pub fn settle(&mut self, meant: impl Fn(&T) -> u64) -> Option<u64> {
        loop {
            let (level, slot) = self.levels.iter().enumerate().find_map(|(index, level)| {
                let slot = level.first_occupied(0)?;
                Some((index, slot))
            })?;
            let mut index = self.levels[level].empty(slot);
            let mut earliest = NEVER;
            while index != NIL {
                let node = self.nodes.node(index);
                let (next, deadline) = (node.next.get(), node.deadline.get());
                let meant = meant(&node.value).max(deadline);
                earliest = earliest.min(meant);
                self.link(index, meant);
                index = next;
            }
            if self.next_deadline() == Some(earliest) {
                return Some(earliest);
            }
        }
    }

    /// Moves the wheel's time to `now` and calls `due` with the entries due by then, in order of
    /// deadline, then of sequence. They are unlinked, and not freed.
    ///
    /// An entry with a deadline later than any time given so far never comes out. A `now` before an
    /// earlier one counts as that one.
    pub fn advance(&mut self, now: u64, mut due: impl FnMut(Expired<'_, T>)) {
        let from = self.elapsed;
        let now = now.max(from);
        self.elapsed = now;
        for level in 0..LEVELS {
            let last = prefix(from, level) == prefix(now, level);
            let end = if last { slot_of(now, level) } else { SLOTS - 1 };
            self.drain(level, end, now);
            if last {
                break;
            }
        }
        self.due.sort_unstable();
        for (deadline, sequence, index) in self.due.drain(..) {
            let value = &self.nodes.node(index).value;
            due(Expired { deadline, sequence, key: Key(index), value });
        }
    }

    /// How many entries there are that were not freed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `f` with the value of every entry there ever was, freed or not.
    pub fn each_value(&self, mut f: impl FnMut(&T)) {
        self.nodes.each(|node| f(&node.value));
    }

    #[cfg(loopwork_loom)]
    pub(crate) fn each_value_mut(&mut self, mut f: impl FnMut(&mut T)) {
        self.nodes.each_mut(|node| f(&mut node.value));
    }

    /// Empties the slots of one level up to `end`: what is due goes to `self.due`, what is not to
    /// lower levels, or on the lowest back into its slot.
    fn drain(&mut self, level: usize, end: usize, now: u64) {
        let mut start = 0;
        while let Some(slot) = self.levels[level].first_occupied(start).filter(|&slot| slot <= end)
        {
            start = slot + 1;
            // The slot of `now` on the lowest level, where entries wait for their nanosecond.
            let stays = level == 0 && slot == slot_of(now, 0);
            if stays && self.levels[0].earliest[slot] > now {
                return;
            }
            let mut index = self.levels[level].empty(slot);
            while index != NIL {
                let node = self.nodes.node(index);
                let (next, deadline) = (node.next.get(), node.deadline.get());
                if deadline <= now {
                    node.place.set(NOWHERE);
                    self.due.push((deadline, node.sequence.get(), index));
                } else {
                    debug_assert!(stays || place(deadline, now).0 < level, "entries move down");
                    self.link(index, deadline);
                }
                index = next;
            }
        }
    }

    /// Puts a node that is in no slot at the head of the one its deadline belongs to.
    #[inline]
    fn link(&mut self, index: u32, deadline: u64) {
        let node = self.nodes.node(index);
        node.deadline.set(deadline);
        if deadline == NEVER {
            node.place.set(NOWHERE);
            return;
        }
        let (level_index, slot) = place(deadline, self.elapsed);
        let level = &mut self.levels[level_index];
        level.occupied[slot / 64] |= 1 << (slot % 64);
        level.earliest[slot] = level.earliest[slot].min(deadline);
        let next = std::mem::replace(&mut level.heads[slot], index);
        node.prev.set(NIL);
        node.next.set(next);
        node.place.set((level_index * SLOTS + slot) as u16);
        if next != NIL {
            self.nodes.node(next).prev.set(index);
        }
    }
}

impl Level {
    /// The first slot from `start` on that holds entries.
    #[inline]
    fn first_occupied(&self, start: usize) -> Option<usize> {
        let first = start / 64;
        let mut mask = u64::MAX << (start % 64);
        for (index, word) in self.occupied.iter().enumerate().skip(first) {
            let found = word & mask;
            if found != 0 {
                return Some(index * 64 + found.trailing_zeros() as usize);
            }
            mask = u64::MAX;
        }
        None
    }

    /// Takes a slot's list.
    fn empty(&mut self, slot: usize) -> u32 {
        self.occupied[slot / 64] &= !(1 << (slot % 64));
        self.earliest[slot] = NEVER;
        std::mem::replace(&mut self.heads[slot], NIL)
    }
}

impl<T: Default> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("elapsed", &self.elapsed)
            .field("len", &self.len())
            .field("next_deadline", &self.next_deadline())
            .finish()
    }
}

/// The level and the slot of `deadline` in a wheel whose time is `elapsed`.
#[inline]
fn place(deadline: u64, elapsed: u64) -> (usize, usize) {
    let deadline = deadline.max(elapsed);
    let differing = (deadline ^ elapsed) >> TICK_BITS;
    let bits = u64::BITS - differing.leading_zeros();
    let level = (bits.saturating_sub(1) / SLOT_BITS) as usize;
    (level, slot_of(deadline, level))
}

/// Which slot of a level `time` falls into.
#[inline]
fn slot_of(time: u64, level: usize) -> usize {
    (time >> (TICK_BITS + level as u32 * SLOT_BITS)) as usize % SLOTS
}

/// The bits of `time` above those that a level resolves.
#[inline]
fn prefix(time: u64, level: usize) -> u64 {
    time.checked_shr(TICK_BITS + (level as u32 + 1) * SLOT_BITS).unwrap_or(0)
}

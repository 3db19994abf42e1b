//! A ring of places: a queue with a capacity.

use std::collections::VecDeque;
use std::fmt;

use loopwork_shim::atomic::{AtomicU64, Ordering};
use loopwork_shim::weaken;

use super::position::Position;
use super::shared::{Queue, Shared};
use super::signatures::is_signed;
use super::slot::Slot;
use super::word::{CLOSED, GONE, SLEEPS, WAITERS, Word};

/// Places that are used in turn. There are as many as the next power of two, of which so many as the capacity may be
/// in use.
///
/// Each place has a stamp, as in the bounded queue of Dmitry Vyukov: which position may be put there, or
/// was.
#[derive(Debug)]
pub struct Ring<T> {
    places: Box<[Place<T>]>,
    capacity: u64,
}

struct Place<T> {
    /// The position that may be put here, as a word; with `PUT` once it was.
    stamp: AtomicU64,
    item: Slot<T>,
}

/// Why there is no place for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

const PUT: u64 = 1;

impl<T> Ring<T> {
    /// `capacity` is from 1 to `CAPACITY_MAX`.
    pub(crate) fn new(capacity: usize) -> Self {
        let lap = capacity.next_power_of_two();
        let place = |n| {
            let first = Position::new(n as u64);
            // What is beyond the capacity looks like a lap ago.
            let stamp =
                if n < capacity { first.bits() } else { first.minus(lap as u64).bits() | PUT };
            Place { stamp: AtomicU64::new(stamp), item: Slot::new() }
        };
        Self { places: (0..lap).map(place).collect(), capacity: capacity as u64 }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    #[inline]
    fn place(&self, position: Position) -> &Place<T> {
        let last = self.places.len() - 1;
        // SAFETY: there is one at least, and what is masked with the last is not greater than that.
        unsafe { self.places.get_unchecked(position.number() as usize & last) }
    }

    /// Whether there is room for so many more. Places become free in order: the last of them says it.
    #[inline]
    fn has_room(&self, word: Word, places: u64) -> bool {
        let wanted = word.reserved() + places;
        let last = word.position().plus(wanted - 1);
        wanted <= self.capacity && self.place(last).is_free(last)
    }
}

impl<T> Place<T> {
    #[inline]
    fn is_free(&self, position: Position) -> bool {
        // Ordering: Acquire: the consumer is done with it, and with all before. [edge: ring-free]
        let order = weaken!("mpsc-room", Ordering::Acquire => Ordering::Relaxed);
        self.stamp.load(order) == position.bits()
    }

    /// # Safety
    ///
    /// It is the place of this position, which was claimed by the caller, from a word with room.
    #[inline]
    unsafe fn put(&self, position: Position, item: T) {
        // SAFETY: the place is free, and this position is the caller's alone.
        unsafe { self.item.put(item) };
        // Ordering: Release: the item. [edge: mpsc-item]
        let order = weaken!("mpsc-put", Ordering::Release => Ordering::Relaxed);
        self.stamp.store(position.bits() | PUT, order);
    }
}

// SAFETY: what was popped has another stamp before its position comes again: `PUT` is that of its position only.
unsafe impl<T> Queue for Ring<T> {
    type Item = T;

    const IS_SIGNED: bool = true;

    #[inline]
    unsafe fn pop(&self, position: Position) -> Option<(T, Position)> {
        let place = self.place(position);
        // Ordering: Acquire: the item. [edge: mpsc-item]
        let order = weaken!("mpsc-pop", Ordering::Acquire => Ordering::Relaxed);
        if place.stamp.load(order) != position.bits() | PUT {
            return None;
        }
        // SAFETY: it was put there, and its producer is done with the place. The caller is the consumer.
        let item = unsafe { place.item.take() };
        let free = position.plus(self.capacity);
        // Ordering: Release: this is done with the place. [edge: ring-free]
        let order = weaken!("mpsc-free", Ordering::Release => Ordering::Relaxed);
        self.place(free).stamp.store(free.bits(), order);
        Some((item, position.plus(1)))
    }

    fn distance(&self, from: Position, to: Position) -> usize {
        // The tail may have moved since the head was read.
        to.since(from).min(self.capacity) as usize
    }
}

impl<T, X> Shared<Ring<T>, X> {
    /// Puts the item, unless others wait for room. Otherwise it comes back.
    #[inline(always)]
    pub(crate) fn push(&self, item: T) -> Result<(), (T, Refused)> {
        let word = self.tail.guess();
        // What nearly every call is.
        if let Some(position) = word.owned_position() {
            let place = self.queue.place(position);
            if place.is_free(position) && !is_signed(position) && self.tail.advance(word) {
                // SAFETY: it was claimed, from a word with room.
                unsafe { place.put(position, item) };
                return Ok(());
            }
        }
        self.push_behind(item, word)
    }

    /// As `push`, if places are reserved: the same way, with a look that is not at the place itself.
    #[inline(never)]
    fn push_behind(&self, item: T, word: Word) -> Result<(), (T, Refused)> {
        let position = word.position();
        if word.is_owned_and_open()
            && self.queue.has_room(word, 1)
            && !is_signed(position)
            && self.tail.advance(word)
        {
            // SAFETY: it was claimed, from a word with room.
            unsafe { self.queue.place(position).put(position, item) };
            return Ok(());
        }
        self.push_with_care(item, word)
    }

    #[inline(never)]
    fn push_with_care(&self, item: T, word: Word) -> Result<(), (T, Refused)> {
        let claimed = self.tail.update_apart(word, |word| {
            let may = !word.has(CLOSED | WAITERS) && self.queue.has_room(word, 1);
            may.then(|| claim(word))
        });
        match claimed {
            Ok(word) => {
                // SAFETY: the exchange has claimed it, from a word with room.
                unsafe { self.put(word.position(), item) };
                self.wake_if_it_slept(word);
                Ok(())
            }
            Err(word) => Err((item, refused(word))),
        }
    }

    /// # Safety
    ///
    /// The position was claimed by the caller, from a word with room.
    #[inline]
    unsafe fn put(&self, position: Position, item: T) {
        // SAFETY: the caller's obligation.
        unsafe { self.queue.place(position).put(position, item) };
        if is_signed(position) {
            self.tail.sign(position);
        }
    }

    /// Puts items from the front of `items`, as many as there is room for or fewer, and says how many.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub(crate) fn push_many(&self, items: &mut VecDeque<T>) -> Result<usize, Refused> {
        assert!(!items.is_empty(), "there is something to put");
        let mut count = 0;
        let claimed = self.tail.update(|word| {
            count = items.len() as u64;
            let room = |count: &u64| self.queue.has_room(word, *count);
            // Fewer and fewer: a search for the exact number would look at more places than it fills.
            while count > 1 && !room(&count) {
                count = (count / 2).min(self.queue.capacity);
            }
            if word.has(CLOSED | WAITERS) || !room(&count) {
                return None;
            }
            Some(word.plus(count).without(SLEEPS))
        });
        let word = claimed.map_err(refused)?;
        let mut position = word.position();
        for item in items.drain(..count as usize) {
            // SAFETY: the exchange has claimed all of them, from a word with room.
            unsafe { self.put(position, item) };
            position = position.plus(1);
        }
        self.wake_if_it_slept(word);
        Ok(count as usize)
    }

    /// Keeps so many places free for the caller. `in_turn`: also if others wait.
    pub(crate) fn reserve(&self, places: usize, in_turn: bool) -> Result<(), Refused> {
        let places = places as u64;
        let waiters = if in_turn { 0 } else { WAITERS };
        let reserved = self.tail.update(|word| {
            let may = !word.has(CLOSED | waiters) && self.queue.has_room(word, places);
            may.then(|| word.reserve(places))
        });
        reserved.map(drop).map_err(refused)
    }

    /// Puts the item in a place that was reserved. It comes back if the consumer has gone.
    ///
    /// # Panics
    ///
    /// If no place was reserved.
    pub(crate) fn push_reserved(&self, item: T) -> Result<(), T> {
        let claimed = self.tail.update_apart(self.tail.guess(), |word| {
            let next = word.unreserve(1);
            if word.has(GONE) {
                return Some(next);
            }
            Some(claim(next))
        });
        match claimed {
            Ok(word) if !word.has(GONE) => {
                // SAFETY: the exchange has claimed it; that there is room was seen by who reserved.
                unsafe { self.put(word.position(), item) };
                self.wake_if_it_slept(word);
                Ok(())
            }
            Ok(_) | Err(_) => Err(item),
        }
    }

    /// Gives back so many places that were reserved. Whether somebody waits for room.
    ///
    /// # Panics
    ///
    /// If fewer were reserved.
    pub(crate) fn unreserve(&self, places: usize) -> bool {
        let was = self.tail.update(|word| {
            let next = word.unreserve(places as u64);
            // It waits for what was reserved, and for nothing else.
            let over = next.has(CLOSED) && next.reserved() == 0;
            Some(if over { next.without(SLEEPS) } else { next })
        });
        let word = was.unwrap_or_else(|word| word);
        if word.has(CLOSED) && word.reserved() == places as u64 {
            self.wake_if_it_slept(word);
        }
        word.has(WAITERS)
    }

    /// Says that somebody waits for room. False if it is closed.
    pub(crate) fn set_waiters(&self) -> bool {
        let set = self.tail.update(|word| (!word.has(CLOSED)).then(|| word.with(WAITERS)));
        set.is_ok()
    }

    /// Nobody waits for room any more.
    pub(crate) fn clear_waiters(&self) {
        let _ = self.tail.update(|word| Some(word.without(WAITERS)));
    }

    pub(crate) fn capacity(&self) -> usize {
        self.queue.capacity()
    }
}

/// The word after this, with its position claimed.
#[inline]
fn claim(word: Word) -> Word {
    word.plus(1).without(SLEEPS)
}

fn refused(word: Word) -> Refused {
    if word.has(CLOSED) { Refused::Closed } else { Refused::Full }
}

impl<T> fmt::Debug for Place<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ordering: Relaxed: for people.
        let stamp = self.stamp.load(Ordering::Relaxed);
        f.write_str(if stamp & PUT == 0 { "free" } else { "put" })
    }
}

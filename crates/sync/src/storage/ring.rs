//! A ring of places: a queue with a capacity.

use std::collections::VecDeque;
use std::fmt;

use loopwork_shim::atomic::{AtomicU64, Ordering};
use loopwork_shim::weaken;

use super::shared::{Queue, Shared};
use super::signatures::is_signed;
use super::slot::Slot;
use super::word::{CLOSED, GONE, POSITION_MASK, SLEEPS, WAITERS, Word};

/// So many places, used in turn. A position is a lap and, in its lower bits, a place.
///
/// Each place has a stamp, as in the bounded queue of Dmitry Vyukov: which position may be put there, or
/// was.
#[derive(Debug)]
pub struct Ring<T> {
    places: Box<[Place<T>]>,
    /// The distance of two positions in the same place: a power of two, of which the upper part of a lap
    /// may have no places.
    lap: u64,
}

struct Place<T> {
    /// Twice the position that may be put here; plus one once it was.
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
        let place = |n| Place { stamp: AtomicU64::new(2 * n as u64), item: Slot::new() };
        let lap = (capacity as u64).next_power_of_two();
        Self { places: (0..capacity).map(place).collect(), lap }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.places.len()
    }

    #[inline]
    fn index(&self, position: u64) -> usize {
        (position & (self.lap - 1)) as usize
    }

    #[inline]
    fn place(&self, position: u64) -> &Place<T> {
        &self.places[self.index(position)]
    }

    #[inline]
    fn next(&self, position: u64) -> u64 {
        if self.index(position) + 1 == self.places.len() {
            return self.after(position, 1);
        }
        position + 1
    }

    /// The position so many places on: not more than the capacity.
    #[inline]
    fn after(&self, position: u64, places: u64) -> u64 {
        let capacity = self.places.len() as u64;
        let wraps = (position & (self.lap - 1)) + places >= capacity;
        (position + places + if wraps { self.lap - capacity } else { 0 }) & POSITION_MASK
    }

    /// Whether there is room for so many more. Places become free in order: the last of them says it.
    #[inline]
    fn has_room(&self, word: Word, places: u64) -> bool {
        let wanted = word.reserved() + places;
        if wanted > self.places.len() as u64 {
            return false;
        }
        self.is_free(self.after(word.position(), wanted - 1))
    }

    #[inline]
    fn is_free(&self, position: u64) -> bool {
        // Ordering: Acquire: the consumer is done with it, and with all before. [edge: ring-free]
        let order = weaken!("mpsc-room", Ordering::Acquire => Ordering::Relaxed);
        self.place(position).stamp.load(order) == 2 * position
    }

    /// # Safety
    ///
    /// The position was claimed by the caller, from a word with room.
    #[inline]
    unsafe fn put(&self, position: u64, item: T) {
        let place = self.place(position);
        // SAFETY: the place is free, and this position is the caller's alone.
        unsafe { place.item.put(item) };
        // Ordering: Release: the item. [edge: mpsc-item]
        let order = weaken!("mpsc-put", Ordering::Release => Ordering::Relaxed);
        place.stamp.store(2 * position + PUT, order);
    }
}

// SAFETY: a place is stamped for its next position before the consumer goes on.
unsafe impl<T> Queue for Ring<T> {
    type Item = T;

    const IS_SIGNED: bool = true;

    #[inline]
    unsafe fn pop(&self, position: u64) -> Option<(T, u64)> {
        let place = self.place(position);
        // Ordering: Acquire: the item. [edge: mpsc-item]
        let order = weaken!("mpsc-pop", Ordering::Acquire => Ordering::Relaxed);
        if place.stamp.load(order) != 2 * position + PUT {
            return None;
        }
        // SAFETY: it was put there, and its producer is done with the place. The caller is the consumer.
        let item = unsafe { place.item.take() };
        let next_lap = (position + self.lap) & POSITION_MASK;
        // Ordering: Release: this is done with the place. [edge: ring-free]
        let order = weaken!("mpsc-free", Ordering::Release => Ordering::Relaxed);
        place.stamp.store(2 * next_lap, order);
        Some((item, self.next(position)))
    }

    fn distance(&self, from: u64, to: u64) -> usize {
        let laps = (to / self.lap).wrapping_sub(from / self.lap) & (POSITION_MASK / self.lap);
        // At most two laps: the tail may have moved since the head was read.
        let distance = laps as usize * self.places.len() + self.index(to) - self.index(from);
        distance.min(self.places.len())
    }
}

impl<T, X> Shared<Ring<T>, X> {
    /// Puts the item, unless others wait for room. Otherwise it comes back.
    #[inline(always)]
    pub(crate) fn push(&self, item: T) -> Result<(), (T, Refused)> {
        let word = self.tail.guess();
        let has_room = if word.is_plain() {
            self.queue.is_free(word.position())
        } else {
            self.has_room_behind(word)
        };
        let claimed = if has_room { self.tail.exchange(word, self.claim(word)) } else { Err(word) };
        let word = match claimed {
            Ok(()) => word,
            Err(now) => match self.claim_slowly(word, now) {
                Ok(word) => word,
                Err(refused) => return Err((item, refused)),
            },
        };
        // SAFETY: the exchange has claimed it, from a word with room.
        unsafe { self.put(word.position(), item) };
        self.wake_if_it_slept(word);
        Ok(())
    }

    /// # Safety
    ///
    /// As for the queue's own.
    #[inline]
    unsafe fn put(&self, position: u64, item: T) {
        if is_signed(position) {
            self.tail.sign(position);
        }
        // SAFETY: the caller's obligation.
        unsafe { self.queue.put(position, item) };
    }

    /// Whether there is room for one more behind what is reserved, and nobody waits for it.
    #[inline(never)]
    fn has_room_behind(&self, word: Word) -> bool {
        !word.has(CLOSED | WAITERS) && self.queue.has_room(word, 1)
    }

    /// The word after this, with its position claimed.
    #[inline]
    fn claim(&self, word: Word) -> Word {
        word.at(self.queue.next(word.position())).without(SLEEPS)
    }

    /// The word was `word`, and is `now`.
    #[cold]
    fn claim_slowly(&self, word: Word, now: Word) -> Result<Word, Refused> {
        let now = if now == word { now } else { self.tail.after_collision(word, now) };
        let claimed = self
            .tail
            .update_apart(now, |word| self.has_room_behind(word).then(|| self.claim(word)));
        claimed.map_err(refused)
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
                count = (count / 2).min(self.queue.places.len() as u64);
            }
            if word.has(CLOSED | WAITERS) || !room(&count) {
                return None;
            }
            Some(word.at(self.queue.after(word.position(), count)).without(SLEEPS))
        });
        let word = claimed.map_err(refused)?;
        let mut position = word.position();
        for item in items.drain(..count as usize) {
            // SAFETY: the exchange has claimed all of them, from a word with room.
            unsafe { self.put(position, item) };
            position = self.queue.next(position);
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
            Some(self.claim(next))
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

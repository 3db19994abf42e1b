//! A ring of items, each of which all readers are to get.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicPtr, AtomicU64, Ordering};
use loopwork_shim::sync::{Mutex, MutexGuard};
use loopwork_shim::weaken;

use super::item::{Item, READERS_MAX, Retired};

/// The last values, which each reader is to get that was there when they came. Writers take turns under a
/// mutex; readers take no lock. See `README.md`.
pub(crate) struct Fanout<T> {
    /// Twice the position of the next value; plus one when all writers have gone. Written under the mutex.
    end: CachePadded<AtomicU64>,
    /// Where the values are: a power of two of places, of which as many are in use as there is capacity.
    /// Written under the mutex.
    places: Box<[AtomicPtr<Item<T>>]>,
    capacity: u64,
    ends: Mutex<Ends<T>>,
    /// The items that the places have pointed at first, from a box.
    items: NonNull<[Item<T>]>,
    _items: PhantomData<Item<T>>,
}

/// Who is at both ends.
struct Ends<T> {
    writers: usize,
    readers: usize,
    /// Items that are in no place. Those that are not empty have somebody at them, who will empty them.
    aside: Vec<NonNull<Item<T>>>,
    /// Items that have come later, each from a box.
    more: Vec<NonNull<Item<T>>>,
}

// SAFETY: values go from one thread to others, which may clone one of them at the same time. Items are
// reached by places, which are atomic, and by `ends`, under its mutex.
unsafe impl<T: Send + Sync> Send for Fanout<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Fanout<T> {}

/// Why a reader gets no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Empty,
    Closed,
    /// It has lost so many.
    Lagged(u64),
}

/// The greatest capacity: less than half of the positions that an item can tell apart.
pub(crate) const FANOUT_MAX: usize = 1 << 30;

const CLOSED: u64 = 1;

/// What `end` was at some time.
#[derive(Clone, Copy)]
struct End(u64);

impl End {
    #[inline]
    fn position(self) -> u64 {
        self.0 / 2
    }

    #[inline]
    fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }
}

impl<T> Fanout<T> {
    /// With one writer and one reader, whose first position is 0. `capacity` is from 1 to `FANOUT_MAX`.
    pub(crate) fn new(capacity: usize) -> Self {
        let places = capacity.next_power_of_two();
        let items = Box::leak((0..places).map(|_| Item::new()).collect::<Box<[_]>>());
        let items = NonNull::from(items);
        // SAFETY: they are so many, and nobody else is there.
        let item = |at| AtomicPtr::new(unsafe { items.cast::<Item<T>>().add(at) }.as_ptr());
        Self {
            end: CachePadded::new(AtomicU64::new(0)),
            places: (0..places).map(item).collect(),
            capacity: capacity as u64,
            ends: Mutex::new(Ends { writers: 1, readers: 1, aside: Vec::new(), more: Vec::new() }),
            items,
            _items: PhantomData,
        }
    }

    #[inline]
    fn end(&self) -> End {
        // Ordering: Acquire: all values before it are there. [edge: fanout-end]
        End(self.end.load(weaken!("fanout-seen", Ordering::Acquire => Ordering::Relaxed)))
    }

    #[inline]
    fn place(&self, position: u64) -> &AtomicPtr<Item<T>> {
        &self.places[position as usize & (self.places.len() - 1)]
    }

    /// Where the value of that position is, if it is not lost.
    #[inline]
    fn item(&self, position: u64) -> &Item<T> {
        // Ordering: Acquire: an item that has come here later is one. [edge: fanout-item]
        let item = self.place(position).load(Ordering::Acquire);
        // SAFETY: items are freed with this, and not before.
        unsafe { &*item }
    }

    /// The value at `next`, which belongs to one reader, and moves on.
    #[inline]
    pub(crate) fn take(&self, next: &mut u64) -> Result<T, Missing>
    where
        T: Clone,
    {
        let (end, position) = (self.end(), *next);
        if position == end.position() {
            return Err(if end.is_closed() { Missing::Closed } else { Missing::Empty });
        }
        if end.position() - position <= self.capacity {
            if let Some(claim) = self.item(position).claim(position) {
                *next = position + 1;
                return Ok(claim.into_value());
            }
        }
        Err(Missing::Lagged(self.catch_up(next)))
    }

    /// The value at `next` is lost. How many are.
    #[cold]
    fn catch_up(&self, next: &mut u64) -> u64 {
        // At least one: the writer that has retired it may not have moved the end yet.
        let oldest = self.end().position().saturating_sub(self.capacity).max(*next + 1);
        let lost = oldest - *next;
        *next = oldest;
        lost
    }

    /// Puts a value for all readers there are, and says how many. The one that is lost by that comes back,
    /// or, if there are no readers, the value.
    #[inline]
    pub(crate) fn push(&self, value: T) -> Result<(usize, Option<T>), T> {
        let mut ends = self.ends.lock();
        let readers = ends.readers;
        if readers == 0 {
            drop(ends);
            return Err(value);
        }
        let end = self.end().position();
        let lost = end.checked_sub(self.capacity).and_then(|oldest| self.retire(oldest, &mut ends));
        // SAFETY: its last value was retired before, and this is the writer, by the mutex.
        unsafe { self.item(end).put(end, readers, value) };
        self.move_end(&ends, 2 * (end + 1));
        Ok((readers, lost))
    }

    /// With the mutex held.
    fn move_end(&self, _: &MutexGuard<'_, Ends<T>>, end: u64) {
        // Ordering: Release: the values before it. [edge: fanout-end]
        self.end.store(end, weaken!("fanout-end", Ordering::Release => Ordering::Relaxed));
    }

    /// Leaves an empty item where the value of that position was, which is the oldest. It comes back if
    /// somebody was to get it.
    #[inline]
    fn retire(&self, position: u64, ends: &mut Ends<T>) -> Option<T> {
        match self.item(position).retire() {
            Retired::Empty => None,
            Retired::Lost(value) => Some(value),
            Retired::Busy => {
                self.replace(position, ends);
                None
            }
        }
    }

    #[cold]
    fn replace(&self, position: u64, ends: &mut Ends<T>) {
        // SAFETY: items are freed with this, and not before.
        let is_empty = |item: &NonNull<Item<T>>| unsafe { item.as_ref() }.is_empty();
        let empty = ends.aside.iter().position(is_empty);
        let item = match empty {
            Some(at) => ends.aside.swap_remove(at),
            None => {
                let item = NonNull::from(Box::leak(Box::new(Item::new())));
                ends.more.push(item);
                item
            }
        };
        let place = self.place(position);
        // Ordering: Relaxed: it is written under the mutex.
        let busy = NonNull::new(place.load(Ordering::Relaxed)).expect("a place has an item");
        ends.aside.push(busy);
        // Ordering: Release: the item. [edge: fanout-item]
        place.store(item.as_ptr(), Ordering::Release);
    }

    /// One more reader, which gets what comes from now on: its first position.
    ///
    /// # Panics
    ///
    /// If there are `READERS_MAX`.
    #[track_caller]
    pub(crate) fn subscribe(&self) -> u64 {
        let mut ends = self.ends.lock();
        let full = ends.readers == READERS_MAX;
        ends.readers += usize::from(!full);
        let end = self.end().position();
        drop(ends);
        assert!(!full, "a channel has {READERS_MAX} receivers at most: let some of them share one");
        end
    }

    /// A reader goes, which has not seen what is from `next` on. What nobody else is to get comes back, and
    /// whether it was the last.
    pub(crate) fn leave(&self, next: u64) -> (Vec<T>, bool) {
        let mut ends = self.ends.lock();
        ends.readers -= 1;
        let end = self.end().position();
        let first = end.saturating_sub(self.capacity).max(next);
        let renounced = (first..end).filter_map(|it| self.item(it).renounce(it));
        (renounced.collect(), ends.readers == 0)
    }

    pub(crate) fn add_writer(&self) {
        self.ends.lock().writers += 1;
    }

    /// Whether it was the last.
    pub(crate) fn remove_writer(&self) -> bool {
        let mut ends = self.ends.lock();
        ends.writers -= 1;
        let last = ends.writers == 0;
        if last {
            self.move_end(&ends, self.end().0 | CLOSED);
        }
        last
    }

    pub(crate) fn readers(&self) -> usize {
        self.ends.lock().readers
    }

    /// Whether all writers have gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.end().is_closed()
    }

    /// How many values a reader has not seen whose next is at `next`, those included that it has lost.
    pub(crate) fn unseen(&self, next: u64) -> usize {
        (self.end().position() - next) as usize
    }

    /// How many values are kept that somebody is to get yet.
    pub(crate) fn len(&self) -> usize {
        let _ends = self.ends.lock();
        let end = self.end().position();
        let kept = (end.saturating_sub(self.capacity)..end).rev();
        kept.take_while(|it| self.item(*it).is_unread(*it)).count()
    }
}

impl<T> Drop for Fanout<T> {
    fn drop(&mut self) {
        // In a model the lock is what tells that both ends have gone: what `Arc` does is not seen by it.
        let more = std::mem::take(&mut self.ends.lock().more);
        // SAFETY: it came from a box, and nobody else is there.
        let items = unsafe { Box::from_raw(self.items.as_ptr()) };
        // SAFETY: as above.
        let more = more.into_iter().map(|item| *unsafe { Box::from_raw(item.as_ptr()) });
        // Unwind: a destructor that panics leaks the values behind its own.
        items.into_vec().into_iter().chain(more).for_each(|item| drop(item.into_value()));
    }
}

impl<T> fmt::Debug for Fanout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fanout").field("len", &self.len()).finish_non_exhaustive()
    }
}

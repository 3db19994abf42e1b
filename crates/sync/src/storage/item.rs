//! One value that many are to get, and who has not got it yet.

use loopwork_shim::atomic::{AtomicU64, Ordering};
use loopwork_shim::thread::yield_now;
use loopwork_shim::weaken;

use super::slot::Slot;

/// A place for a value, with a word that says who may be at it. See `README.md`.
pub(super) struct Item<T> {
    /// 0, or from the lowest bit up: `FULL`, how many clone the value just now, how many are to get it
    /// yet, and the lower half of its position.
    word: AtomicU64,
    value: Slot<T>,
}

/// There is a value, or somebody is about to take it out.
const FULL: u64 = 1;
const PIN: u64 = 1 << 1;
const UNREAD: u64 = 1 << 11;
const POSITION: u64 = 1 << 32;

const EMPTY: u64 = 0;
const PINS: u64 = UNREAD - PIN;
/// How many may be to get one value.
pub(super) const READERS_MAX: usize = (POSITION / UNREAD - 1) as usize;

/// One reader's part of a value.
pub(super) enum Claim<'a, T> {
    /// Nobody else is to get it, or is at it.
    Whole(T),
    /// It is to be cloned.
    Part(Pinned<'a, T>),
}

/// Keeps a value where it is. It is not unread by this reader any more.
pub(super) struct Pinned<'a, T>(&'a Item<T>);

/// What is left of a value that is lost to all who have not got it.
pub(super) enum Retired<T> {
    /// All had it, and the item is empty.
    Empty,
    /// Nobody was at it, and the item is empty.
    Lost(T),
    /// Somebody is at it, who will empty the item.
    Busy,
}

impl<T> Item<T> {
    pub(super) fn new() -> Self {
        Self { word: AtomicU64::new(EMPTY), value: Slot::new() }
    }

    /// Puts a value which so many are to get, from 1 to `READERS_MAX`.
    ///
    /// # Safety
    ///
    /// The item is empty, and nobody else puts.
    #[inline]
    pub(super) unsafe fn put(&self, position: u64, readers: usize, value: T) {
        // SAFETY: without `FULL` nobody is at the value, and there is none.
        unsafe { self.value.put(value) };
        let word = position.wrapping_mul(POSITION) | (readers as u64 * UNREAD) | FULL;
        // Ordering: Relaxed: who looks for this position has seen a later end. [edge: fanout-end]
        self.word.store(word, Ordering::Relaxed);
    }

    /// Takes one reader's part. None if the value of that position is lost.
    #[inline]
    pub(super) fn claim(&self, position: u64) -> Option<Claim<'_, T>> {
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if !is_unread(word, position) {
                return None;
            }
            if word & PINS == PINS {
                // A thousand threads clone it at this moment.
                yield_now();
                word = self.word.load(Ordering::Relaxed);
                continue;
            }
            let next = word - UNREAD;
            let whole = is_nobodys(next);
            let next = if whole { next } else { next + PIN };
            // Ordering: Acquire: those who have cloned it are done. [edge: fanout-done]
            let order = weaken!("fanout-claim", Ordering::Acquire => Ordering::Relaxed);
            match self.word.compare_exchange_weak(word, next, order, Ordering::Relaxed) {
                // SAFETY: this exchange has left the value to nobody else.
                Ok(_) if whole => return Some(Claim::Whole(unsafe { self.empty() })),
                Ok(_) => return Some(Claim::Part(Pinned(self))),
                Err(now) => word = now,
            }
        }
    }

    /// One reader does without its part. The value, if nobody else is to get it, or is at it.
    pub(super) fn renounce(&self, position: u64) -> Option<T> {
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        while is_unread(word, position) {
            let next = word - UNREAD;
            // Ordering: Acquire: as in `claim`. [edge: fanout-done]
            match self.word.compare_exchange(word, next, Ordering::Acquire, Ordering::Relaxed) {
                // SAFETY: this exchange has left the value to nobody else.
                Ok(_) => return is_nobodys(next).then(|| unsafe { self.empty() }),
                Err(now) => word = now,
            }
        }
        None
    }

    /// Nobody gets the value any more.
    #[inline]
    pub(super) fn retire(&self) -> Retired<T> {
        // Ordering: Acquire: who has emptied it is done. [edge: fanout-empty]
        let order = weaken!("fanout-room", Ordering::Acquire => Ordering::Relaxed);
        let word = self.word.load(order);
        if word == EMPTY { Retired::Empty } else { self.retire_unread(word) }
    }

    #[cold]
    fn retire_unread(&self, mut word: u64) -> Retired<T> {
        while word != EMPTY {
            let unread = word / UNREAD % (POSITION / UNREAD);
            if unread == 0 {
                return Retired::Busy;
            }
            let next = word - unread * UNREAD;
            // Ordering: Acquire: as in `claim`. [edge: fanout-done]
            match self.word.compare_exchange(word, next, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) if is_nobodys(next) || weaken!("fanout-pinned") => {
                    // SAFETY: this exchange has left the value to nobody else.
                    return Retired::Lost(unsafe { self.empty() });
                }
                Ok(_) => return Retired::Busy,
                Err(now) => word = now,
            }
        }
        Retired::Empty
    }

    /// Whether a value may be put.
    pub(super) fn is_empty(&self) -> bool {
        // Ordering: Acquire: who has emptied it is done. [edge: fanout-empty]
        self.word.load(Ordering::Acquire) == EMPTY
    }

    /// Whether somebody is to get the value of that position.
    pub(super) fn is_unread(&self, position: u64) -> bool {
        // Ordering: Relaxed: history by the time it returns.
        is_unread(self.word.load(Ordering::Relaxed), position)
    }

    /// What is there when the item goes away.
    pub(super) fn into_value(self) -> Option<T> {
        self.value.expect_unused();
        // SAFETY: nobody else is there.
        (!self.is_empty()).then(|| unsafe { self.empty() })
    }

    /// # Safety
    ///
    /// There is a value, which nobody else is to get, or is at.
    #[inline]
    unsafe fn empty(&self) -> T {
        // SAFETY: the caller's obligation; nobody claims a part of what nobody is to get.
        let value = unsafe { self.value.take() };
        // Ordering: Release: the value is out. [edge: fanout-empty]
        let order = weaken!("fanout-emptied", Ordering::Release => Ordering::Relaxed);
        self.word.store(EMPTY, order);
        value
    }
}

/// Whether somebody is to get the value of that position.
#[inline]
fn is_unread(word: u64, position: u64) -> bool {
    word / POSITION == position % POSITION && word % POSITION >= UNREAD
}

/// Whether nobody is to get the value, or is at it.
#[inline]
fn is_nobodys(word: u64) -> bool {
    word % POSITION == FULL
}

impl<T: Clone> Claim<'_, T> {
    /// Unwind: a `clone` that panics loses the value for this reader.
    #[inline]
    pub(super) fn into_value(self) -> T {
        match self {
            Self::Whole(value) => value,
            // SAFETY: it is pinned, so that it is there, and nobody writes.
            Self::Part(pinned) => unsafe { pinned.0.value.look(T::clone) },
        }
    }
}

impl<T> Drop for Pinned<'_, T> {
    /// Drops the value if nobody else is to get it, or is at it.
    #[inline]
    fn drop(&mut self) {
        // Ordering: Release: this is done with the value. Acquire: so are the others. [edge: fanout-done]
        let order = weaken!("fanout-done", Ordering::AcqRel => Ordering::Acquire);
        let word = self.0.word.fetch_sub(PIN, order) - PIN;
        if is_nobodys(word) {
            // SAFETY: this exchange has left the value to nobody else.
            drop(unsafe { self.0.empty() });
        }
    }
}

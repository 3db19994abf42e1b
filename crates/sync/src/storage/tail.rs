//! The word at the end of a queue where producers come in.

use loopwork_shim::atomic::{AtomicU64, Ordering};
use loopwork_shim::spin::processors;
use loopwork_shim::thread::spin_loop;
use loopwork_shim::weaken;

/// The consumer's waker is in its cell; whoever clears this has the waker.
pub(super) const SLEEPS: u64 = 1;
/// Nothing comes in any more, except for what was reserved.
pub(super) const CLOSED: u64 = 2;
/// All producers have gone.
pub(super) const ENDED: u64 = 4;
/// Somebody waits for room: who comes now waits behind.
pub(super) const WAITERS: u64 = 8;
/// The consumer has gone: what was reserved is of no use either.
pub(super) const GONE: u64 = 16;

const RESERVED: u64 = 32;
const RESERVED_MAX: u64 = (1 << 20) - 1;
const POSITION: u64 = RESERVED << 20;

/// With none of these, a producer has to look at nothing else.
const NOT_PLAIN: u64 = POSITION - 1 - SLEEPS;

/// How much may be reserved at once, and so the greatest capacity.
pub(crate) const CAPACITY_MAX: usize = RESERVED_MAX as usize;
/// Positions are this many bits, and then begin anew.
pub(super) const POSITION_MASK: u64 = u64::MAX / POSITION;

/// For how long who has collided lets others do: some microseconds.
const PAUSES: usize = 256;

/// Where the next item comes, how many places are reserved behind it, and the flags above.
///
/// One word, so that claiming a place takes one exchange, which also says whether the consumer sleeps,
/// whether others wait, and whether it is over.
pub(super) struct Tail(AtomicU64);

/// What the word was at some time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Tail {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    pub(super) fn guess(&self) -> Word {
        // Ordering: Relaxed: whoever acts on it does so by an exchange.
        Word(self.0.load(Ordering::Relaxed))
    }

    #[inline]
    pub(super) fn load(&self) -> Word {
        // Ordering: Acquire: what those did who closed it or have gone.
        Word(self.0.load(Ordering::Acquire))
    }

    /// Ordering: Acquire: that the places are free which others have reserved [edge: ring-free], and the
    /// consumer's waker. Release: the same for who comes next, and the waker for who wakes.
    /// [edge: mpsc-waker]
    #[inline]
    pub(super) fn exchange(&self, word: Word, next: Word) -> Result<(), Word> {
        let order = weaken!("mpsc-exchange", Ordering::AcqRel => Ordering::Relaxed);
        match self.0.compare_exchange(word.0, next.0, order, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(now) => Err(Word(now)),
        }
    }

    /// Changes the word to what `change` makes of it, unless that is none. What it was.
    #[inline]
    pub(super) fn update(
        &self,
        mut change: impl FnMut(Word) -> Option<Word>,
    ) -> Result<Word, Word> {
        let mut word = self.guess();
        loop {
            let Some(next) = change(word) else { return Err(word) };
            match self.exchange(word, next) {
                Ok(()) => return Ok(word),
                Err(now) => word = now,
            }
        }
    }

    /// As [`update`](Tail::update), from a guess, by who holds no lock: producers that collide go apart.
    #[inline]
    pub(super) fn update_apart(
        &self,
        mut word: Word,
        mut change: impl FnMut(Word) -> Option<Word>,
    ) -> Result<Word, Word> {
        loop {
            let Some(next) = change(word) else { return Err(word) };
            match self.exchange(word, next) {
                Ok(()) => return Ok(word),
                Err(now) => word = self.after_collision(word, now),
            }
        }
    }

    /// The word was to be changed, and is `now`: what it is after a while, if that was another producer.
    ///
    /// That one is on another processor, and about to come again. Two who take turns for each item wait for
    /// the cache line each time; so one of them lets the other do many.
    #[cold]
    pub(super) fn after_collision(&self, word: Word, now: Word) -> Word {
        if word.position() == now.position() || processors() == 1 {
            return now;
        }
        for _ in 0..PAUSES {
            spin_loop();
        }
        self.guess()
    }

    /// So many positions on. Nobody else moves it meanwhile, but flags may change.
    pub(super) fn skip(&self, positions: u64) {
        // Ordering: as in `exchange`, and the block that begins there. [edge: blocks-next]
        self.0.fetch_add(positions * POSITION, Ordering::AcqRel);
    }
}

impl Word {
    #[inline]
    pub(super) fn has(self, flags: u64) -> bool {
        self.0 & flags != 0
    }

    /// It is open, nobody waits, and nothing is reserved.
    #[inline]
    pub(super) fn is_plain(self) -> bool {
        self.0 & NOT_PLAIN == 0
    }

    #[inline]
    pub(super) fn with(self, flags: u64) -> Self {
        Self(self.0 | flags)
    }

    #[inline]
    pub(super) fn without(self, flags: u64) -> Self {
        Self(self.0 & !flags)
    }

    #[inline]
    pub(super) fn position(self) -> u64 {
        self.0 / POSITION
    }

    #[inline]
    pub(super) fn at(self, position: u64) -> Self {
        Self(self.0 % POSITION + position * POSITION)
    }

    #[inline]
    pub(super) fn reserved(self) -> u64 {
        self.0 / RESERVED % (RESERVED_MAX + 1)
    }

    /// The caller knows that so many fit.
    #[inline]
    pub(super) fn reserve(self, places: u64) -> Self {
        Self(self.0 + places * RESERVED)
    }

    /// # Panics
    ///
    /// If fewer are reserved: what follows would be in places that are not free.
    #[inline]
    pub(super) fn unreserve(self, places: u64) -> Self {
        assert!(self.reserved() >= places, "a place is given back that was not reserved");
        Self(self.0 - places * RESERVED)
    }
}

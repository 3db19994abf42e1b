//! The word at the end of a queue where producers come in.

use loopwork_context::add_friction;
use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicU64, AtomicUsize, Ordering};
use loopwork_shim::ownership::Ownership;
use loopwork_shim::spin::processors;
use loopwork_shim::thread::{self, spin_loop};
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
/// One thread changes this by mere stores: others take that right away before they do anything.
const OWNED: u64 = 32;

const RESERVED: u64 = 64;
const RESERVED_MAX: u64 = (1 << 20) - 1;
const POSITION: u64 = RESERVED << 20;

/// With none of these, a producer has to look at nothing else.
const NOT_PLAIN: u64 = POSITION - 1 - SLEEPS - OWNED;

/// How much may be reserved at once, and so the greatest capacity.
pub(crate) const CAPACITY_MAX: usize = RESERVED_MAX as usize;
/// Positions are this many bits, and then begin anew.
pub(super) const POSITION_MASK: u64 = u64::MAX / POSITION;

/// For how long who has collided lets others do: some microseconds.
const PAUSES: usize = 256;
/// What that costs both sides, in nanoseconds, with all that goes to and fro around it.
const COLLISION: u64 = 32_000;
/// What an item costs that comes from another processor's cache, and its place that goes back there.
const CROSSING: u64 = 80;

/// Where the next item comes, how many places are reserved behind it, and the flags above.
///
/// One word, so that claiming a place takes one exchange, which also says whether the consumer sleeps,
/// whether others wait, and whether it is over.
pub(super) struct Tail {
    word: CachePadded<AtomicU64>,
    /// For as long as the word is `OWNED`.
    ownership: Ownership,
    /// The number of the thread of the producer that has signed last. This and what follows is read and written only
    /// to be quicker.
    signed_by: AtomicUsize,
    /// The position since which it was that one each time, or since which it is the owner.
    since: AtomicU64,
    /// How many positions that must be before it becomes the owner.
    patience: AtomicU64,
    /// The number of the consumer's thread.
    consumed_by: AtomicUsize,
}

/// What the word was at some time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

/// At such positions producers and the consumer sign.
#[inline]
pub(super) fn is_signed(position: u64) -> bool {
    position % SIGNED_EVERY == 0
}

const SIGNED_EVERY: u64 = if loopwork_shim::MODELLED { 1 } else { 64 };

/// To own the tail spares the exchange of so many items, which is what it costs to take that away.
const PATIENCE: u64 = if loopwork_shim::MODELLED { 1 } else { 256 };
/// Where that is taken away soon, again and again, it is had more and more rarely.
const PATIENCE_MAX: u64 = 256 * PATIENCE;
const NOBODY: usize = usize::MAX;

impl Tail {
    pub(super) fn new() -> Self {
        Self {
            word: CachePadded::new(AtomicU64::new(0)),
            ownership: Ownership::default(),
            signed_by: AtomicUsize::new(NOBODY),
            since: AtomicU64::new(0),
            patience: AtomicU64::new(PATIENCE),
            consumed_by: AtomicUsize::new(NOBODY),
        }
    }

    #[inline]
    pub(super) fn guess(&self) -> Word {
        // Ordering: Relaxed: whoever acts on it does so by an exchange.
        Word(self.word.load(Ordering::Relaxed))
    }

    #[inline]
    pub(super) fn load(&self) -> Word {
        // Ordering: Acquire: what those did who closed it or have gone.
        Word(self.word.load(Ordering::Acquire))
    }

    /// Ordering: Acquire: that the places are free which others have reserved [edge: ring-free], and the
    /// consumer's waker. Release: the same for who comes next, and the waker for who wakes.
    /// [edge: mpsc-waker]
    #[inline]
    pub(super) fn exchange(&self, word: Word, next: Word) -> Result<(), Word> {
        if word.has(OWNED) {
            return self.replace(word, next);
        }
        let order = weaken!("mpsc-exchange", Ordering::AcqRel => Ordering::Relaxed);
        match self.word.compare_exchange(word.0, next.0, order, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(now) => Err(Word(now)),
        }
    }

    /// As `exchange`, of a word that is owned.
    #[inline]
    fn replace(&self, word: Word, next: Word) -> Result<(), Word> {
        let replaced = self.ownership.as_owner(|| {
            debug_assert!(self.guess() == word, "the owner's word is changed by the owner only");
            // Ordering: as in `exchange`: what was to be acquired, this thread has seen as it became the owner.
            self.word.store(next.0, Ordering::Release);
        });
        replaced.ok_or_else(|| self.disown())
    }

    /// By a producer, at a position that [is to be signed](is_signed). If all were signed on this thread for a while,
    /// it owns the tail from now on.
    #[cold]
    pub(super) fn sign(&self, position: u64) {
        let here = thread::number();
        // Ordering: Relaxed, here and below: nothing depends on what is read there.
        if self.signed_by.load(Ordering::Relaxed) != here {
            self.signed_by.store(here, Ordering::Relaxed);
            self.since.store(position, Ordering::Relaxed);
        } else if self.since_then(position) >= self.patience.load(Ordering::Relaxed) {
            self.own(position);
        }
        have_crossed(position, self.consumed_by.load(Ordering::Relaxed), here);
    }

    /// The same by the consumer.
    #[cold]
    pub(super) fn sign_as_consumer(&self, position: u64) {
        let here = thread::number();
        if self.consumed_by.load(Ordering::Relaxed) != here {
            self.consumed_by.store(here, Ordering::Relaxed);
        }
        have_crossed(position, self.signed_by.load(Ordering::Relaxed), here);
    }

    /// How many positions ago `since` was.
    fn since_then(&self, position: u64) -> u64 {
        position.wrapping_sub(self.since.load(Ordering::Relaxed)) & POSITION_MASK
    }

    /// Makes this thread the owner, if there is none and the word does not change just now.
    fn own(&self, position: u64) {
        let word = self.guess();
        let begin = || self.exchange(word, word.with(OWNED)).is_ok();
        if !word.has(OWNED) && self.ownership.own(begin) {
            self.since.store(position, Ordering::Relaxed);
        }
    }

    /// The word once nobody owns it.
    #[cold]
    fn disown(&self) -> Word {
        self.ownership.disown(|| {
            // Ordering: Relaxed: `exchange` is what others see it by.
            let word = Word(self.word.fetch_and(!OWNED, Ordering::Relaxed));
            let patience = self.patience.load(Ordering::Relaxed);
            let was_soon = self.since_then(word.position()) < 4 * patience;
            let patience = if was_soon { (2 * patience).min(PATIENCE_MAX) } else { PATIENCE };
            self.patience.store(patience, Ordering::Relaxed);
            self.signed_by.store(NOBODY, Ordering::Relaxed);
        });
        self.guess()
    }

    /// Changes the word to what `change` makes of it, unless that is none. What it was.
    #[inline]
    pub(super) fn update(&self, change: impl FnMut(Word) -> Option<Word>) -> Result<Word, Word> {
        self.update_from(self.guess(), change, |_, now| now)
    }

    /// As [`update`](Tail::update), from a guess, by who holds no lock: producers that collide go apart.
    #[inline]
    pub(super) fn update_apart(
        &self,
        word: Word,
        change: impl FnMut(Word) -> Option<Word>,
    ) -> Result<Word, Word> {
        self.update_from(word, change, |word, now| self.after_collision(word, now))
    }

    #[inline]
    fn update_from(
        &self,
        mut word: Word,
        mut change: impl FnMut(Word) -> Option<Word>,
        after: impl Fn(Word, Word) -> Word,
    ) -> Result<Word, Word> {
        loop {
            word = match change(word).map(|next| self.exchange(word, next)) {
                Some(Ok(())) => return Ok(word),
                Some(Err(now)) => after(word, now),
                // `change` looks at places, which others may have filled since the word was read.
                None => match self.guess() {
                    now if weaken!("mpsc-full", now == word => true) => return Err(word),
                    now => now,
                },
            }
        }
    }

    /// The word was to be changed, and is `now`: what it is after a while, if that was another producer.
    ///
    /// That one is on another processor, and about to come again, unless it owned the word, which it does not any more. Two who take turns for each item wait for
    /// the cache line each time; so one of them lets the other do many.
    #[cold]
    pub(super) fn after_collision(&self, word: Word, now: Word) -> Word {
        let was_a_producer = word.position() != now.position() && !word.has(OWNED);
        if !was_a_producer || processors() == 1 {
            return now;
        }
        for _ in 0..PAUSES {
            spin_loop();
        }
        add_friction(COLLISION);
        self.guess()
    }

    /// So many positions on. Nobody else moves it meanwhile, but flags may change.
    pub(super) fn skip(&self, positions: u64) {
        // Ordering: as in `exchange`, and the block that begins there. [edge: blocks-next]
        self.word.fetch_add(positions * POSITION, Ordering::AcqRel);
    }
}

/// The items since the position that was signed before have come or gone to another thread, if the other side is `there`.
fn have_crossed(position: u64, there: usize, here: usize) {
    if position != 0 && there != here && there != NOBODY {
        add_friction(SIGNED_EVERY * CROSSING);
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

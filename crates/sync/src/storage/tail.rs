//! The word at the end of a queue where producers come in.

use loopwork_context::add_friction;
use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicU64, Ordering};
use loopwork_shim::ownership::Ownership;
use loopwork_shim::spin::processors;
use loopwork_shim::thread::spin_loop;
use loopwork_shim::weaken;

use super::position::Position;
use super::signatures::Signatures;
use super::word::{OWNED, Word};

/// For how long who has collided lets others do: some microseconds.
const PAUSES: usize = 256;
/// What that costs both sides, in nanoseconds, with all that goes to and fro around it.
const COLLISION: u64 = 32_000;

/// Where the next item comes, how many places are reserved behind it, and flags: a [`Word`].
///
/// One word, so that claiming a place takes one exchange, which also says whether the consumer sleeps,
/// whether others wait, and whether it is over.
pub(super) struct Tail {
    word: CachePadded<AtomicU64>,
    /// For as long as the word is `OWNED`.
    ownership: Ownership,
    pub(super) signatures: Signatures,
}

impl Tail {
    pub(super) fn new() -> Self {
        Self {
            word: CachePadded::new(AtomicU64::new(0)),
            ownership: Ownership::default(),
            signatures: Signatures::new(),
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
        if self.replace_as_owner(word, next) { Ok(()) } else { Err(self.disown()) }
    }

    /// Claims the position of a word that is owned and nothing else, if this thread is the owner.
    #[inline]
    pub(super) fn advance(&self, word: Word) -> bool {
        self.replace_as_owner(word, word.plus(1))
    }

    #[inline]
    fn replace_as_owner(&self, word: Word, next: Word) -> bool {
        let replaced = self.ownership.as_owner(|| {
            debug_assert!(self.guess() == word, "the owner's word is changed by the owner only");
            // Ordering: as in `exchange`: what was to be acquired, this thread has seen as it became the owner.
            self.word.store(next.0, Ordering::Release);
        });
        replaced.is_some()
    }

    /// By a producer, at a position that [is to be signed](super::signatures::is_signed). If all were signed on this
    /// thread for a while, it owns the tail from now on.
    #[cold]
    pub(super) fn sign(&self, position: Position) {
        if self.signatures.sign(position) {
            self.own(position);
        }
    }

    /// Makes this thread the owner, if there is none and the word does not change just now.
    fn own(&self, position: Position) {
        let word = self.guess();
        let begin = || self.exchange(word, word.with(OWNED)).is_ok();
        if !word.has(OWNED) && self.ownership.own(begin) {
            self.signatures.begin(position);
        }
    }

    /// The word once nobody owns it.
    #[cold]
    fn disown(&self) -> Word {
        self.ownership.disown(|| {
            // Ordering: Relaxed: `exchange` is what others see it by.
            let word = Word(self.word.fetch_and(!OWNED, Ordering::Relaxed));
            self.signatures.end(word.position());
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
        self.word.fetch_add(Position::new(positions).bits(), Ordering::AcqRel);
    }
}

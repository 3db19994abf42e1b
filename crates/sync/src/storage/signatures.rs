//! Which threads put and take: what ownership and friction go by.

use loopwork_context::add_friction;
use loopwork_shim::atomic::{AtomicU64, AtomicUsize, Ordering};
use loopwork_shim::ownership::Ownership;
use loopwork_shim::thread;

use super::position::Position;

/// What an item costs that comes from another processor's cache, and its place that goes back there.
const CROSSING: u64 = 80;

/// In a model an owner also puts where it does not sign.
const SIGNED_EVERY: u64 = if loopwork_shim::MODELLED { 2 } else { 64 };

/// From so many positions on a thread becomes the owner.
const PATIENCE: u64 = Ownership::WORTH as u64;
/// Where the tail is taken away soon, again and again, it is had more and more rarely.
const PATIENCE_MAX: u64 = 256 * PATIENCE;
const NOBODY: usize = usize::MAX;

/// Who has put and taken last, as far as both sides have said so. It is read and written only to be quicker.
pub(super) struct Signatures {
    /// The number of the thread of the producer that has signed last.
    producer: AtomicUsize,
    /// The position since which it was that one each time, or since which it owns the tail.
    since: AtomicU64,
    /// How many positions that must be before it becomes the owner.
    patience: AtomicU64,
    /// The number of the consumer's thread.
    consumer: AtomicUsize,
}

/// At such positions producers and the consumer sign.
#[inline]
pub(super) fn is_signed(position: Position) -> bool {
    position.number() % SIGNED_EVERY == 0
}

impl Signatures {
    pub(super) fn new() -> Self {
        Self {
            producer: AtomicUsize::new(NOBODY),
            since: AtomicU64::new(0),
            patience: AtomicU64::new(PATIENCE),
            consumer: AtomicUsize::new(NOBODY),
        }
    }

    /// By a producer. True if all were signed on this thread for a while.
    pub(super) fn sign(&self, position: Position) -> bool {
        let here = thread::number();
        // Ordering: Relaxed, here and below: nothing depends on what is read there.
        have_crossed(position, self.consumer.load(Ordering::Relaxed), here);
        if self.producer.load(Ordering::Relaxed) != here {
            self.producer.store(here, Ordering::Relaxed);
            self.since.store(position.bits(), Ordering::Relaxed);
            return false;
        }
        self.since_then(position) >= self.patience.load(Ordering::Relaxed)
    }

    /// By the consumer.
    #[cold]
    pub(super) fn sign_as_consumer(&self, position: Position) {
        let here = thread::number();
        if self.consumer.load(Ordering::Relaxed) != here {
            self.consumer.store(here, Ordering::Relaxed);
        }
        have_crossed(position, self.producer.load(Ordering::Relaxed), here);
    }

    /// Who has signed last owns the tail from this position on.
    pub(super) fn begin(&self, position: Position) {
        self.since.store(position.bits(), Ordering::Relaxed);
    }

    /// At this position that was taken away.
    pub(super) fn end(&self, position: Position) {
        let patience = self.patience.load(Ordering::Relaxed);
        let was_soon = self.since_then(position) < 4 * patience;
        let patience = if was_soon { (2 * patience).min(PATIENCE_MAX) } else { PATIENCE };
        self.patience.store(patience, Ordering::Relaxed);
        self.producer.store(NOBODY, Ordering::Relaxed);
    }

    /// How many positions ago `since` was.
    fn since_then(&self, position: Position) -> u64 {
        position.since(Position::from_bits(self.since.load(Ordering::Relaxed)))
    }
}

/// The items since the position that was signed before have come or gone to another thread, if the other side is `there`.
fn have_crossed(position: Position, there: usize, here: usize) {
    if position != Position::new(0) && there != here && there != NOBODY {
        add_friction(SIGNED_EVERY * CROSSING);
    }
}

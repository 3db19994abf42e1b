//! Whether it pays to look for work a little longer before going to sleep.
//!
//! Where a wake-up costs tens of microseconds, a worker that spins for about as long halves the
//! latency of those who wait for it, or burns a processor for nothing: it depends on how long the
//! waits are, so that is what is learned. Karlin, Li, Manasse and Owicki (*Empirical Studies of
//! Competitive Spinning*, 1991) show that spinning for the price of a wake-up costs at most twice
//! the best possible choice.

use std::cell::Cell;

/// About the price of a wake-up, in nanoseconds.
pub(super) const SPIN: u64 = 50_000;
/// A wait shorter than this would have been worth spinning for.
const SHORT: u64 = 2 * SPIN;
const SCORE_PAYS: u8 = 2;
const SCORE_MAX: u8 = 8;

/// Of one worker.
#[derive(Debug)]
pub(super) struct Spin {
    score: Cell<u8>,
}

impl Spin {
    pub(super) fn new() -> Self {
        Self { score: Cell::new(0) }
    }

    pub(super) fn pays(&self) -> bool {
        self.score.get() >= SCORE_PAYS
    }

    /// A wait has ended, after so many nanoseconds: by a push, which spinning would have seen, or by
    /// an event.
    pub(super) fn learn(&self, waited: u64, pushed: bool) {
        let score = self.score.get();
        let next = if pushed && waited < SHORT { (score + 1).min(SCORE_MAX) } else { score / 2 };
        self.score.set(next);
    }
}

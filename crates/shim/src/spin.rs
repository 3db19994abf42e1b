//! Whether it pays to look a little longer before going to sleep.
//!
//! Where a wake-up costs tens of microseconds, a thread that spins for about as long halves the
//! latency of those who wait for it, or burns a processor for nothing: it depends on how long the
//! waits are, so that is what is learned. Karlin, Li, Manasse and Owicki (*Empirical Studies of
//! Competitive Spinning for a Shared-Memory Multiprocessor*, 1991) show that spinning for the price
//! of a wake-up costs at most twice the best possible choice.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Duration;

/// What one thread has learned of its waits.
#[derive(Debug, Default)]
pub struct Spin {
    /// How many waits of late were short.
    score: Cell<u8>,
    /// So many waits go by before it spins again.
    rest: Cell<u8>,
}

impl Spin {
    /// About the price of a wake-up.
    pub const SPIN: Duration = Duration::from_micros(50);
    /// A wait shorter than this may become one that is worth spinning for: without spinning, it has
    /// the price of a wake-up on this side and one on the other in it.
    const SHORT: Duration = Duration::from_micros(200);
    const PAYS: u8 = 2;
    const MAX: u8 = 8;
    /// After a spin in vain.
    const REST: u8 = 16;

    /// Nothing is known: it does not spin.
    #[must_use]
    pub const fn new() -> Self {
        Self { score: Cell::new(0), rest: Cell::new(0) }
    }

    /// Whether to spin for [`Spin::SPIN`] now, before sleeping.
    #[must_use]
    pub fn pays(&self) -> bool {
        self.score.get() >= Self::PAYS && self.rest.get() == 0 && processors() > 1
    }

    /// A wait has ended, after so long, by something that spinning would have seen, or not.
    /// `spun`: it began with a spin.
    pub fn learn(&self, waited: Duration, visible: bool, spun: bool) {
        let score = self.score.get();
        let short = visible && waited < Self::SHORT;
        self.score.set(if short { (score + 1).min(Self::MAX) } else { score / 2 });
        let in_vain = spun && !(visible && waited < Self::SPIN);
        self.rest.set(if in_vain { Self::REST } else { self.rest.get().saturating_sub(1) });
    }
}

/// How many processors there are for this process. One in a model, so that nobody spins.
pub fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    if crate::MODELLED {
        return 1;
    }
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

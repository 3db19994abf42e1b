//! What the word at the end of a queue says.

use super::position::{POSITION, Position};

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
pub(super) const OWNED: u64 = 32;

const RESERVED: u64 = 64;
const RESERVED_MAX: u64 = (1 << 20) - 1;
// What is reserved is below the position, and all there is between that and the flags.
const _: () = assert!((RESERVED_MAX + 1) * RESERVED == POSITION, "a word has no gaps");

/// How much may be reserved at once, and so the greatest capacity.
pub(crate) const CAPACITY_MAX: usize = RESERVED_MAX as usize;

/// What the word was at some time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    #[inline]
    pub(super) fn has(self, flags: u64) -> bool {
        self.0 & flags != 0
    }

    /// Its position, if besides it is owned, and nothing else.
    #[inline]
    pub(super) fn owned_position(self) -> Option<Position> {
        (self.0 % POSITION == OWNED).then(|| Position::from_bits(self.0 - OWNED))
    }

    /// It is owned, and has no other flags: it is open, and nobody sleeps or waits.
    #[inline]
    pub(super) fn is_owned_and_open(self) -> bool {
        self.0 % RESERVED == OWNED
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
    pub(super) fn position(self) -> Position {
        Position::of(self.0)
    }

    /// The same so many positions on.
    #[inline]
    pub(super) fn plus(self, positions: u64) -> Self {
        Self(self.0.wrapping_add(Position::new(positions).bits()))
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

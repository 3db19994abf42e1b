//! Where items are put in a queue.

use std::fmt;

/// A number of so many bits, which then begins anew. It is kept in the upper ones of a word, whose lower ones
/// are for flags: so it wraps by itself, and what is in a word is compared without shifts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Position(u64);

const BITS: u32 = 38;
/// The distance of a position from the next, in a word: what is less are flags.
pub(super) const POSITION: u64 = 1 << (u64::BITS - BITS);

impl Position {
    #[inline]
    pub(super) fn new(number: u64) -> Self {
        Self(number.wrapping_mul(POSITION))
    }

    /// That of a word, whatever else is in it.
    #[inline]
    pub(super) fn of(word: u64) -> Self {
        Self(word & !(POSITION - 1))
    }

    /// That of a word without flags.
    #[inline]
    pub(super) fn from_bits(word: u64) -> Self {
        debug_assert!(word % POSITION == 0, "there are no flags beside the position");
        Self(word)
    }

    /// As a word without flags.
    #[inline]
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(super) fn number(self) -> u64 {
        self.0 / POSITION
    }

    /// So many positions on.
    #[inline]
    pub(super) fn plus(self, positions: u64) -> Self {
        Self(self.0.wrapping_add(Self::new(positions).0))
    }

    /// So many positions back.
    #[inline]
    pub(super) fn minus(self, positions: u64) -> Self {
        Self(self.0.wrapping_sub(Self::new(positions).0))
    }

    /// How many positions it is after an earlier one.
    #[inline]
    pub(super) fn since(self, earlier: Self) -> u64 {
        self.0.wrapping_sub(earlier.0) / POSITION
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

    #[test]
    fn positions_begin_anew() {
        let last = Position::new((1 << BITS) - 1);
        assert_eq!(last.plus(1), Position::new(0));
        assert_eq!(Position::new(2).minus(3), last);
        assert_eq!((Position::new(2).since(last), last.plus(3).number()), (3, 2));
    }

    #[test]
    fn flags_are_no_part_of_a_position() {
        let word = Position::new(7).bits() + 5;
        assert_eq!(Position::of(word), Position::from_bits(7 * POSITION));
    }
}

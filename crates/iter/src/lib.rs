//! Async iterator tools, after Python's `itertools` and its async namesake `aitertools`.
//!
//! An async iterator is a [`Stream`]; the functions here make streams, join and cut them, and
//! collect what they give. Arguments stand in Python's order. Predicates and functions are plain
//! closures; to wait inside a step, write the loop with [`anext`].
//!
//! Nothing here suspends by itself: a stream is pending when its source is. So a loop over
//! [`count`] or [`repeat`] gives other tasks a turn only where its body awaits.
//!
//! This crate knows no executor. It contains no `unsafe` code.
//!
//! | file | holds |
//! |---|---|
//! | `consume.rs` | [`anext`], [`alist`] |
//! | `source.rs` | [`iter`], [`count`], [`repeat`], [`repeat_n`] |
//! | `join.rs` | [`chain`], [`cycle`] |
//! | `cut.rs` | [`takewhile`], [`dropwhile`], [`filterfalse`] |
//! | `slice.rs` | [`islice`] |
//! | `step.rs` | [`enumerate`], [`accumulate`] |

#![forbid(unsafe_code)]

mod consume;
mod cut;
mod join;
mod slice;
mod source;
mod step;

pub use consume::{alist, anext};
pub use cut::{DropWhile, FilterFalse, TakeWhile, dropwhile, filterfalse, takewhile};
/// The trait of async iterators.
pub use futures_core::Stream;
pub use join::{Chain, Cycle, chain, cycle};
pub use slice::{Islice, islice};
pub use source::{Count, Iter, Repeat, RepeatN, count, iter, repeat, repeat_n};
pub use step::{Accumulate, Enumerate, accumulate, enumerate};

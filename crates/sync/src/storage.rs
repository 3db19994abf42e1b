//! What channels keep values and wakers in.
//!
//! Which thread may touch which cell when, and why nothing is lost or dropped twice, is in
//! `storage/README.md`. Like the waiters this is a part of the crate that needs `unsafe`; what it
//! offers the rest is safe.
//!
//! | file | holds |
//! |---|---|
//! | `storage/slot.rs` | a place for a value |
//! | `storage/single.rs` | [`single`]: one value, for a oneshot |
//! | `storage/shared.rs` | [`Shared`]: what many producers and one [`Consumer`] of a [`Queue`] share |
//! | `storage/position.rs` | where an item is put |
//! | `storage/word.rs` | what the word says by which producers take turns |
//! | `storage/tail.rs` | how it changes |
//! | `storage/signatures.rs` | which threads put and take |
//! | `storage/ring.rs` | [`Ring`]: a queue with a capacity |
//! | `storage/blocks.rs` | [`Blocks`]: one without |
//! | `storage/item.rs` | a value that many are to get |
//! | `storage/fanout.rs` | [`Fanout`]: the last values, for many readers |

mod blocks;
mod fanout;
mod item;
mod position;
mod ring;
mod shared;
mod signatures;
mod single;
mod slot;
mod tail;
mod word;

pub(crate) use self::blocks::Blocks;
pub(crate) use self::fanout::{FANOUT_MAX, Fanout, Missing};
pub(crate) use self::ring::Ring;
pub(crate) use self::shared::{Consumer, Queue, Shared};

pub(crate) use self::ring::Refused;
pub(crate) use self::shared::{Popped, channel};
pub(crate) use self::single::{Giver, Taken, Taker, single};
pub(crate) use self::word::CAPACITY_MAX;

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

mod single;
mod slot;

pub(crate) use self::single::{Giver, Taken, Taker, single};

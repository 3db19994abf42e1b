//! Waiters that live inside the futures that wait, or beside those that move.
//!
//! What a waiter goes through, who may touch which part of it when, and why no wake-up is lost, is
//! in `waiters/README.md`. This is the part of the crate that needs `unsafe`; what it offers the
//! rest is safe.
//!
//! | file | holds |
//! |---|---|
//! | `waiters/waiter.rs` | [`Waiter`]: one wait, inside a pinned future |
//! | `waiters/list.rs` | [`List`]: who waits, in order; it lives under its primitive's mutex |
//! | `waiters/boxed.rs` | [`BoxedWaiter`]: one wait, of a future that moves |
//! | `waiters/crowd.rs` | [`grant_crowd`]: all who wait now |
//! | `waiters/wake_list.rs` | [`WakeList`]: whom to wake once that mutex is released |

mod boxed;
mod crowd;
mod list;
#[cfg(all(test, not(loopwork_loom)))]
mod tests;
mod waiter;
mod wake_list;

pub(crate) use self::boxed::BoxedWaiter;
pub(crate) use self::crowd::grant_crowd;
pub(crate) use self::list::{Left, List};
pub(crate) use self::waiter::Waiter;
pub(crate) use self::wake_list::WakeList;

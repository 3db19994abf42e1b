//! Loopwork's time: clocks, the timer wheel, [`Sleep`] and [`Interval`].
//!
//! Whoever drives the timers calls [`Timers::advance`] with the current time and wakes what is due;
//! everything else here is data. This crate does not know who that is: it knows no executor, no
//! run queue, no thread and no file descriptor.
//!
//! A sleep that is over spends a unit of its task's budget, as [`loopwork_context::proceed`]
//! explains.
//!
//! | file | holds |
//! |---|---|
//! | `instant.rs` | [`Instant`]: nanoseconds since the process-wide origin, in saturating arithmetic |
//! | `clock/` | [`Clock`]: who says what time it is; the virtual clock and what holds it |
//! | `wheel/` | [`Wheel`](wheel::Wheel): the timer wheel, a plain `&mut` structure without a clock |
//! | `timers/` | [`Timers`]: a wheel for each worker, how others reach it, and "the current timers" |
//! | `sleep.rs` | [`Sleep`], [`SleepWith`] |
//! | `interval.rs` | [`Interval`], [`MissedTick`] |

//!
//! `unsafe` is in two files, `timers/shard.rs` and `timers/ticket.rs`.

#![deny(unsafe_code)]

mod clock;
mod instant;
mod interval;
mod sleep;
mod timers;
pub mod wheel;

pub use clock::{Clock, Hold};
pub use instant::Instant;
pub use interval::{Interval, MissedTick, Tick, interval, interval_at};
pub use sleep::{Sleep, SleepWith, sleep, sleep_until, sleep_with};
#[cfg(loopwork_loom)]
pub use timers::Memory;
pub use timers::{Alarm, Due, Entered, NoTimers, Timers};

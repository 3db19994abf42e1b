//! Ways to wait for tasks: `gather`, `wait`, `as_completed`, and to give way: `yield_now`.
//!
//! It knows nothing of run queues and file descriptors: it stands on `core`'s [`Task`].
//!
//! What is ready spends a unit of the waiting task's budget, as [`loopwork_context::proceed`]
//! explains; giving way spends nothing.
//!
//! | file | holds |
//! |---|---|
//! | `ensure.rs` | [`ensure_future`]: a future becomes a task, a task stays one |
//! | `gather.rs` | [`gather()`] and [`gather!`]: all results, in order |
//! | `family.rs` | what `gather` gathers: lists of tasks and tuples of them |
//! | `wait.rs` | [`wait`]: done and pending |
//! | `as_completed.rs` | [`as_completed`]: one after the other, as they end |
//! | `limit.rs` | [`with_limit`]: many futures, of which only so many run at once |
//! | `race.rs` | [`race()`] and [`race!`]: the first of several futures, in the calling task |
//! | `tally.rs` | what the ends of several tasks are counted in |
//! | `group/` | [`TaskGroup`]: tasks that begin and end together |
//! | `promise/` | [`Promise`]: a value that somebody sets and many await |
//! | `scope/` | [`CancelScope`]: what can be cancelled as one |
//! | `timeout.rs` | [`timeout()`], [`wait_for`], [`move_on_after`]: time limits |
//! | `shield.rs` | [`shield()`], [`shield_scope`]: keeping requests out |
//! | `yield_now.rs` | [`yield_now`] |
//!
//! [`Task`]: loopwork_core::Task

#![forbid(unsafe_code)]

mod as_completed;
mod ensure;
mod family;
mod gather;
mod group;
mod limit;
mod promise;
mod race;
mod scope;
mod shield;
mod tally;
mod timeout;
mod wait;
mod yield_now;

pub use as_completed::{AsCompleted, AsCompletedWithin, Next, NextWithin, as_completed};
pub use ensure::{create_task, ensure_future, spawn};
pub use family::{Family, Gatherable, TryFamily};
pub use gather::{Gather, GatherError, GatherExceptions, TryGather, gather, gather_all};
pub use group::{Failure, GroupError, GroupRun, NotStarted, Started, TaskGroup};
pub use limit::{Lanes, Limit, Limited, with_limit};
pub use promise::{InvalidState, Promise, PromiseError, PromiseWait};
pub use race::{Race, race};
pub use scope::{CancelScope, ScopeCancelled, ScopeOver, Scoped};
pub use shield::{Shield, ShieldFor, ShieldScope, shield, shield_scope};
pub use timeout::{
    MoveOn, TimeLimit, TimedOut, Timeout, fail_after, move_on_after, timeout, timeout_at,
    timeout_with, wait_for,
};
pub use wait::{ReturnWhen, Wait, wait};
pub use yield_now::{YieldNow, yield_now};

/// What macros expand to.
#[doc(hidden)]
pub mod __private {
    pub use crate::race::{Of2, Of3, Of4, Of5, Of6, Race2, Race3, Race4, Race5, Race6};
}

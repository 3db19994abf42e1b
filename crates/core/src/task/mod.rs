//! Tasks: one cell and one word each. See `README.md` beside this file.
//!
//! | file | holds |
//! |---|---|
//! | `state.rs` | the word and its transitions |
//! | `header.rs` | the type-erased front of a task |
//! | `cell.rs` | the cell, and all that knows the future's type |
//! | `arena/` | where cells lie, and how every task is found |
//! | `raw.rs` | counted references: spawning, ending, the output |
//! | `runnable.rs` | `Runnable`: one poll and what follows |
//! | `waker.rs` | the waker, and other ways to make a task ready |
//! | `watch.rs` | who waits for the end |
//! | `cancel.rs` | cancel requests, and why they were made |
//! | `extension.rs` | what few tasks have |
//! | `chain.rs` | ready tasks linked in a row |
//! | `stack.rs` | ready tasks that any thread pushes |
//! | `handle.rs` | `Task<T>` |
//! | `join.rs` | the await of a `Task<T>` |
//! | `into_task.rs` | `IntoTask`: futures and tasks alike |
//! | `told.rs` | a future that says how it ends |
//! | `shares.rs` | counting the ends of several, in lots |
//! | `roster.rs` | the names of several tasks |
//! | `any.rs` | `AnyTask`: a task without its type |
//! | `error.rs` | `TaskError` |

mod any;
pub(crate) mod arena;
mod cancel;
mod cell;
mod chain;
mod error;
mod extension;
mod handle;
mod header;
mod into_task;
mod join;
mod raw;
mod roster;
mod runnable;
mod shares;
mod stack;
mod state;
mod told;
mod waker;
mod watch;

pub use any::AnyTask;
pub(crate) use cancel::CURRENT_TASK;
pub(crate) use chain::{Chain, Fifo};
pub use error::TaskError;
pub use handle::{Looker, Task, Watch};
pub(crate) use header::{Birth, Header};
pub use header::{TaskId, TaskState};
pub use into_task::IntoTask;
pub use join::{Join, JoinMut};
pub(crate) use raw::RawTask;
pub use roster::Roster;
pub(crate) use runnable::{Ran, Runnable};
pub(crate) use shares::Bundle as Shares;
pub use shares::{Counted, Ends, Share, Stock};
pub(crate) use stack::Stack;
pub(crate) use state::Kind;
pub(crate) use told::{End as ToldEnd, Untold};
pub use told::{Told, after_end, polls, wake_joiner};
pub use waker::is_task_waker;

//! Tasks: one allocation and one word each. See `README.md` beside this file.
//!
//! | file | holds |
//! |---|---|
//! | `state.rs` | the word and its transitions |
//! | `header.rs` | the type-erased front of a task |
//! | `cell.rs` | the allocation, and all that knows the future's type |
//! | `chain.rs` | ready tasks linked in a row |
//! | `stack.rs` | ready tasks that any thread pushes |
//! | `raw.rs` | counted references, `Runnable`, the waker |
//! | `handle.rs` | `Task<T>` and its await |
//! | `into_task.rs` | `IntoTask`: futures and tasks alike |
//! | `any.rs` | `AnyTask`: a task without its type |
//! | `error.rs` | `TaskError` |

mod any;
mod cell;
mod chain;
mod error;
mod handle;
mod header;
mod into_task;
mod raw;
mod stack;
mod state;

pub use any::AnyTask;
pub(crate) use chain::{Chain, Fifo};
pub use error::TaskError;
pub(crate) use error::panic_message;
pub use handle::{Join, JoinMut, Looker, Task, Watch};
pub use header::TaskId;
pub(crate) use header::{Header, Kind};
pub use into_task::IntoTask;
pub use raw::is_task_waker;
pub(crate) use raw::{Birth, Ran, RawTask, Runnable};
pub(crate) use stack::Stack;
pub use state::TaskState;

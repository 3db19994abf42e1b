//! Loopwork's executor: tasks, the scheduler that runs them on many threads, and the contract with
//! whatever delivers events.
//!
//! It knows nothing of deadlines, file descriptors and the timer wheel: those belong to the
//! [`Driver`] that a [`Runtime`] is built with. Most programs use it through the `loopwork` crate.
//!
//! | file | holds |
//! |---|---|
//! | `runtime.rs` | [`Runtime`]: the threads, `block_on`, `run_forever`, `close` |
//! | `handle.rs` | [`Handle`]: spawn, call, stop, look, from any thread |
//! | `task/` | [`Task`], its state machine, its waker |
//! | `task_builder.rs` | [`TaskBuilder`]: a task that is told more than its future |
//! | `factory.rs` | [`TaskFactory`]: what is done with each task that is made |
//! | `scheduler/` | workers, queues, sleeping and waking, the callback lane, closing |
//! | `blocking.rs` | [`block_in_place`] |
//! | `callback.rs` | one callback, and the handle that cancels it |
//! | `driver.rs` | the [`Driver`] contract |
//! | `local/` | [`LocalSet`]: tasks that stay on one thread |
//! | `current.rs` | which worker and which task this thread is |
//! | `exception.rs` | where failures go that nobody receives |
//! | `panicked.rs` | [`Panicked`]: a panic that was caught |
//! | `shared_error.rs` | [`SharedError`]: an error that several look at |
//! | `metrics.rs` | what the workers did |
//! | `error.rs` | [`LoopError`], [`SubmitError`] |
//! | `flag.rs` | a yes or no that publishes |
//! | `model.rs` | what the loom models need of the inside |
//! | `random.rs` | where to begin stealing; a seed's shuffle |
//!
//! ```
//! use loopwork_core::{Builder, SleepDriver};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut runtime = Builder::new().workers(2).build(SleepDriver::new())?;
//! let handle = runtime.handle();
//! let sum = runtime.block_on(async move {
//!     let children: Vec<_> = (1..=4).map(|n| handle.spawn(async move { n * n })).collect();
//!     let mut sum = 0;
//!     for child in children {
//!         sum += child.await?;
//!     }
//!     Ok::<_, loopwork_core::TaskError>(sum)
//! })??;
//! assert_eq!(sum, 30);
//! # Ok(())
//! # }
//! ```

mod blocking;
mod callback;
mod current;
mod driver;
mod error;
mod exception;
mod factory;
mod flag;
mod handle;
mod local;
mod metrics;
#[cfg(loopwork_loom)]
#[doc(hidden)]
pub mod model;
mod panicked;
mod random;
mod runtime;
mod scheduler;
mod shared_error;
mod task;
mod task_builder;

pub use blocking::block_in_place;
#[doc(hidden)]
pub use callback::submit;
pub use callback::{CallHandle, Callback};
pub use current::current_task;
#[doc(hidden)]
pub use current::random_below;
pub use driver::{Driver, DriverHandle, Quiet, SleepDriver, Turn};
pub use error::{LoopError, SubmitError};
pub use exception::{ExceptionContext, ExceptionHandler, default_exception_handler};
pub use factory::{NewTask, TaskFactory, eager_task_factory};
pub use handle::Handle;
pub use local::{LocalJoin, LocalSet, LocalTask, spawn_local};
pub use loopwork_context::WaitReason;
pub use metrics::{Metrics, WorkerMetrics};
pub use panicked::Panicked;
pub use runtime::{Builder, Runtime};
pub use shared_error::SharedError;
pub use task::{AnyTask, IntoTask, Join, JoinMut, Task, TaskError, TaskId, TaskState};
#[doc(hidden)]
pub use task::{
    Counted, Ends, Looker, Roster, Share, Stock, Told, Watch, after_end, is_task_waker, polls,
    wake_joiner,
};
pub use task_builder::TaskBuilder;

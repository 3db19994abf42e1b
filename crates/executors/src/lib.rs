//! Executors of blocking work.
//!
//! Work that blocks does not belong on a thread that polls tasks. An [`Executor`] takes it as a
//! [`Job`] and runs it elsewhere; what the work gives arrives through a [`ConcurrentFuture`], which
//! a thread waits for and a task awaits. [`ThreadPoolExecutor`] is Python's.
//!
//! This crate knows no event loop: no tasks, no run queues, no file descriptors.
//!
//! | file | holds |
//! |---|---|
//! | `executor.rs` | the trait [`Executor`], and [`ExecutorExt`] with `submit` and `map` |
//! | `job.rs` | [`Job`]: a closure to be run once, which can be had back |
//! | `map.rs` | [`Map`]: results in the order of the arguments |
//! | `thread_pool.rs` | [`ThreadPoolExecutor`] and its builder |
//! | `pool.rs` | what the pool and its threads share |
//! | `error.rs` | the errors, which give back what was refused |
//!
//! [`ConcurrentFuture`]: loopwork_sync::ConcurrentFuture

#![forbid(unsafe_code)]

mod error;
mod executor;
mod job;
mod map;
mod pool;
mod thread_pool;

pub use error::{RejectReason, RejectedJob, ShutdownError, SubmitError};
pub use executor::{Executor, ExecutorExt};
pub use job::Job;
pub use map::Map;
pub use thread_pool::{PoolStatistics, ThreadPoolBuilder, ThreadPoolExecutor};

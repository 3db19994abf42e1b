#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
//!
//! # Map of this crate
//!
//! It composes the other crates and knows nothing of queues, bits and file descriptors.
//!
//! | file | holds |
//! |---|---|
//! | `event_loop.rs` | [`EventLoop`] and its [`Builder`] |
//! | `handle.rs` | [`Handle`]: the loop from anywhere |
//! | `current.rs` | which loop this thread runs |
//! | `background.rs` | [`BackgroundLoop`]: a loop on threads of its own |
//! | `run.rs` | [`run()`], and what `#[loopwork::main]` expands to |
//! | `test.rs` | what `#[loopwork::test]` expands to: seeds, virtual time |
//! | `call_later.rs` | [`TimerHandle`]: callbacks at a time |
//! | `drivers.rs` | joins the reactor and the timers |
//! | `default_executor.rs` | the executor of `run_in_executor(None, ..)` |

mod background;
mod call_later;
mod current;
mod default_executor;
mod drivers;
mod event_loop;
mod handle;
pub mod prelude;
mod run;
mod test;

pub use background::BackgroundLoop;
pub use call_later::TimerHandle;
pub use event_loop::{Builder, EventLoop};
pub use handle::Handle;
pub use loopwork_context::{
    CancelKind, CancelReason, Cancelled, CatchCancel, Checkpoint, Resume, catch_cancel, checkpoint,
    finally,
};
pub use loopwork_core::{
    AnyTask, CallHandle, ExceptionContext, ExceptionHandler, IntoTask, Join, JoinMut, LocalJoin,
    LocalSet, LocalTask, LoopError, Metrics, NewTask, Panicked, SharedError, SubmitError, Task,
    TaskBuilder, TaskError, TaskFactory, TaskId, TaskState, WaitReason, WorkerMetrics,
    block_in_place, current_task, default_exception_handler, eager_task_factory, spawn_local,
};
pub use loopwork_macros::{main, test};
pub use loopwork_tasks::{
    AsCompleted, AsCompletedWithin, CancelScope, Failure, Gather, GatherError, GatherExceptions,
    GroupError, GroupRun, InvalidState, Lanes, Limit, Limited, MoveOn, Next, NextWithin,
    NotStarted, Promise, PromiseError, PromiseWait, Race, ReturnWhen, ScopeCancelled, ScopeOver,
    Scoped, Shield, ShieldFor, ShieldScope, Started, TaskGroup, TimeLimit, TimedOut, Timeout,
    TryGather, Wait, YieldNow, as_completed, create_task, ensure_future, fail_after, gather,
    move_on_after, race, shield, shield_scope, spawn, timeout, timeout_at, timeout_with, wait,
    wait_for, with_limit, yield_now,
};
pub use loopwork_threadsafe::{ConcurrentError, ConcurrentFuture};
pub use loopwork_time::{
    Clock, Hold, Instant, Interval, MissedTick, Sleep, SleepWith, Tick, interval, interval_at,
    sleep, sleep_until, sleep_with,
};
pub use run::{all_tasks, run, run_coroutine_threadsafe};

/// Executors of blocking work: see [`Handle::run_in_executor`].
pub mod executors {
    pub use loopwork_executors::*;
}

/// Sockets, and readiness of any descriptor.
pub mod io {
    pub use loopwork_io::{Direction, Readiness, Ready};
}

/// TCP.
pub mod net {
    pub use loopwork_io::{TcpListener, TcpStream};
}

/// Async iterator tools, on `Stream`.
pub mod iter {
    pub use loopwork_iter::*;
}

/// Subprocesses.
pub mod process {
    pub use loopwork_process::*;
}

/// Locks, queues and channels, for any executor and for plain threads.
pub mod sync {
    pub use loopwork_sync::*;
}

/// Cancellation as seen from inside a poll: for authors of combinators.
pub mod context {
    pub use loopwork_context::{Request, request_visible, take_request};
}

#[doc(hidden)]
pub mod __private {
    pub use crate::run::block_on_main;
    pub use crate::test::{Outcome, Test};
}

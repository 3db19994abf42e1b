//! From nothing to a result: `run`, and what the macros expand to.

use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use loopwork_core::{AnyTask, LoopError, SubmitError};
use loopwork_threadsafe::ConcurrentFuture;

use crate::event_loop::{Builder, EventLoop};
use crate::handle::Handle;

/// Runs `main` on a new loop of all cores, and gives its output.
///
/// Afterwards, also after a panic, the tasks that are left are cancelled and awaited, the work of the
/// loop's own executor is awaited for as long as it takes, and the loop is closed.
///
/// # Errors
///
/// [`LoopError::Nested`] inside a loop, [`LoopError::Os`] if the loop cannot be built,
/// [`LoopError::Stopped`] if something called `stop()`.
///
/// # Panics
///
/// With `main`'s panic.
///
/// asyncio: `asyncio.run`.
///
/// ```
/// # fn main() -> Result<(), loopwork::LoopError> {
/// let answer = loopwork::run(async { 6 * 7 })?;
/// assert_eq!(answer, 42);
/// # Ok(()) }
/// ```
#[doc(alias = "asyncio.run")]
#[track_caller]
pub fn run<F: IntoFuture>(main: F) -> Result<F::Output, LoopError> {
    if Handle::current().is_ok() {
        return Err(LoopError::Nested);
    }
    run_on(EventLoop::new()?, main)
}

#[track_caller]
fn run_on<F: IntoFuture>(mut event_loop: EventLoop, main: F) -> Result<F::Output, LoopError> {
    // Unwind: the panic goes on after the teardown.
    let output = catch_unwind(AssertUnwindSafe(|| event_loop.run_until_complete(main)));
    let handle = event_loop.handle();
    let left = handle.all_tasks();
    // A task that calls `stop()` while it is cancelled only shortens the teardown.
    let torn_down = event_loop.run_until_complete(async move {
        left.iter().for_each(|task| _ = task.cancel());
        for task in left {
            task.ended().await;
        }
        handle.shutdown_default_executor().await;
    });
    drop(torn_down);
    event_loop.close();
    output.unwrap_or_else(|payload| resume_unwind(payload))
}

/// What `#[loopwork::main]` calls.
#[track_caller]
pub fn block_on_main<F: Future>(workers: Option<usize>, main: F) -> F::Output {
    let mut builder = EventLoop::builder();
    if let Some(workers) = workers {
        builder = builder.workers(workers);
    }
    block_on(builder, main)
}

/// Runs `main` on the loop that `builder` makes.
///
/// # Panics
///
/// If that cannot be, or is cut short.
#[track_caller]
pub(crate) fn block_on<F: Future>(builder: Builder, main: F) -> F::Output {
    if Handle::current().is_ok() {
        panic!("cannot run `main`: {}", LoopError::Nested);
    }
    match builder.build().and_then(|event_loop| run_on(event_loop, main)) {
        Ok(output) => output,
        Err(error) => panic!("cannot run `main` to its end: {error}"),
    }
}

/// Every task of the loop that runs here which has not ended. None outside a loop.
///
/// asyncio: `all_tasks`.
#[must_use]
pub fn all_tasks() -> Vec<AnyTask> {
    Handle::current().map_or_else(|_| Vec::new(), |handle| handle.all_tasks())
}

/// Runs `future` as a task on `handle`'s loop, from any thread, and gives a future that a thread can
/// block on and a task can await.
///
/// Cancelling what is returned requests the task's cancellation; dropping it detaches the task.
///
/// # Errors
///
/// Hands the future back if the loop is closed.
///
/// asyncio: `run_coroutine_threadsafe`.
#[track_caller]
pub fn run_coroutine_threadsafe<F>(
    future: F,
    handle: &Handle,
) -> Result<ConcurrentFuture<F::Output>, SubmitError<F>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    loopwork_threadsafe::run_coroutine_threadsafe(future, handle.core())
}

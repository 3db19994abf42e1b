//! From nothing to a result: `run`, and what the macros expand to.

use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use loopwork_core::{AnyTask, LoopError, SubmitError};
use loopwork_process::interrupt::end_interrupted;
use loopwork_threadsafe::ConcurrentFuture;

use crate::event_loop::{Builder, EventLoop};
use crate::handle::Handle;
use crate::runner::Runner;

/// Runs `main` on a new loop of all cores, and gives its output.
///
/// Afterwards, also after a panic, the loop is torn down as by [`Runner::close`]: the tasks that are left
/// are cancelled and awaited, the work of the loop's own executor is awaited for as long as it takes,
/// and the loop is closed.
///
/// The first Ctrl-C cancels `main`, as [`Runner::run`] says.
///
/// # Errors
///
/// [`LoopError::Nested`] inside a loop, [`LoopError::Os`] if the loop cannot be built,
/// [`LoopError::Stopped`] if something called `stop()`, [`LoopError::Cancelled`] if `main` was cancelled as
/// a task, and [`LoopError::Interrupted`] if that was by Ctrl-C.
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
    run_with(Runner::new(), |runner| runner.run(main))
}

/// Runs, and tears down whatever came of it.
#[track_caller]
fn run_with<R>(
    mut runner: Runner,
    body: impl FnOnce(&mut Runner) -> Result<R, LoopError>,
) -> Result<R, LoopError> {
    // Unwind: the panic goes on after the teardown.
    let output = catch_unwind(AssertUnwindSafe(|| body(&mut runner)));
    runner.close();
    output.unwrap_or_else(|payload| resume_unwind(payload))
}

/// What `#[loopwork::main]` calls. If Ctrl-C has cancelled `main`, the process ends as by that signal.
#[track_caller]
pub fn block_on_main<F: Future>(workers: Option<usize>, main: F) -> F::Output {
    let mut builder = EventLoop::builder();
    if let Some(workers) = workers {
        builder = builder.workers(workers);
    }
    match run_with(Runner::with_builder(builder), |runner| runner.run(main)) {
        Err(LoopError::Interrupted) => end_interrupted(),
        result => unwrap(result),
    }
}

/// Runs `main` on the loop that `builder` makes. Ctrl-C does what it did.
///
/// # Panics
///
/// If that cannot be, or is cut short.
#[track_caller]
pub(crate) fn block_on<F: Future>(builder: Builder, main: F) -> F::Output {
    let runner = Runner::with_builder(builder);
    unwrap(run_with(runner, |runner| runner.get_loop()?.run_until_complete(main)))
}

#[track_caller]
fn unwrap<T>(result: Result<T, LoopError>) -> T {
    match result {
        Ok(output) => output,
        Err(error @ LoopError::Nested) => panic!("cannot run `main`: {error}"),
        Err(error) => panic!("cannot run `main` to its end: {error}"),
    }
}

/// Every task of the loop that runs here which has not ended. None outside a loop.
///
/// It stops nobody: tasks that begin or end meanwhile are in it or not.
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

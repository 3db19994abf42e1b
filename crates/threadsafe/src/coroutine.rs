//! Futures from any thread.

use std::future::Future;
use std::panic::Location;

use loopwork_core::{Handle, IntoTask, SubmitError, Task, TaskError};
use loopwork_sync::{CancelPolicy, Completer, ConcurrentFuture};

/// Runs `future` as a task on `handle`'s loop, from any thread, and gives a future that a thread can
/// block on and a task can await.
///
/// Cancelling the future that is returned requests the task's cancellation, and makes the future
/// cancelled at once: that the task has ended is what [`ConcurrentFuture::stopped`] waits for. A
/// task that is cancelled otherwise, or whose loop closes first, cancels the future. A panic
/// crosses over. Dropping the future that is returned detaches the task.
///
/// As in asyncio the future is pending until the task has ended; it is never `running`.
///
/// # Errors
///
/// Hands the future back if the loop is closed.
///
/// asyncio: `run_coroutine_threadsafe`.
///
/// ```
/// use loopwork_core::{Builder, SleepDriver};
/// use loopwork_threadsafe::run_coroutine_threadsafe;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut runtime = Builder::new().workers(2).build(SleepDriver::new())?;
/// let handle = runtime.handle();
/// let other = std::thread::spawn(move || {
///     let future = run_coroutine_threadsafe(async { 6 * 7 }, &handle).expect("the loop is open");
///     let answer = future.result(None);
///     handle.stop();
///     answer
/// });
/// runtime.run_forever()?;
/// assert_eq!(other.join().unwrap()?, 42);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn run_coroutine_threadsafe<F>(
    future: F,
    handle: &Handle,
) -> Result<ConcurrentFuture<F::Output>, SubmitError<F>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let task = future.into_task(handle, Location::caller())?;
    let (completer, concurrent) = ConcurrentFuture::channel(CancelPolicy::UntilDone);
    let cancelled = task.as_any();
    completer.on_cancel(move || _ = cancelled.cancel());
    // The hook holds the task, and the task the hook, until the task has ended: which it does, at
    // the latest when its loop closes.
    task.looker().on_end(move |_| complete(completer, &task));
    Ok(concurrent)
}

/// Hands the task's result over. A future that was cancelled meanwhile does not want it.
fn complete<T: Send + 'static>(completer: Completer<T>, task: &Task<T>) {
    match task.take_result() {
        Ok(value) => drop(completer.set_result(value)),
        Err(error) => match TaskError::into_panic(error) {
            Ok(payload) => drop(completer.set_panic(payload)),
            Err(_cancelled) => completer.set_cancelled(),
        },
    }
}

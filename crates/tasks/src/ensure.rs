//! Futures become tasks.

use std::future::Future;
use std::panic::Location;

use loopwork_core::{Handle, IntoTask, LoopError, Task, Told, Watch};

/// Makes a task of `future` on the loop that runs here, and schedules it.
///
/// The task is not run before this returns. The loop keeps it alive until it ends; dropping the
/// [`Task`] detaches it.
///
/// asyncio: `create_task`.
///
/// # Panics
///
/// Outside a loop, or if the loop is being closed.
#[track_caller]
pub fn create_task<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    ensure_future(future)
}

/// [`create_task`] under its Rust name.
///
/// # Panics
///
/// As [`create_task`].
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    ensure_future(future)
}

/// Makes a task of a future on the loop that runs here; a [`Task`] is given back as it is.
///
/// asyncio: `ensure_future`.
///
/// # Panics
///
/// Outside a loop, or if the loop is being closed.
#[track_caller]
pub fn ensure_future<A: IntoTask>(awaitable: A) -> Task<A::Output> {
    let location = Location::caller();
    match Handle::current() {
        Ok(handle) => into_task(awaitable, &handle, location),
        Err(error) => panic!("cannot create a task: {error}"),
    }
}

#[track_caller]
pub(crate) fn into_task<A: IntoTask>(
    awaitable: A,
    handle: &Handle,
    location: &'static Location<'static>,
) -> Task<A::Output> {
    match awaitable.into_task(handle, location) {
        Ok(task) => task,
        Err(_refused) => panic!("cannot create a task: {}", LoopError::Closed),
    }
}

/// As [`into_task`], and `told` is told of the end.
#[track_caller]
pub(crate) fn into_told<A: IntoTask>(
    awaitable: A,
    handle: &Handle,
    location: &'static Location<'static>,
    told: impl Told,
) -> (Task<A::Output>, Option<Watch>) {
    match awaitable.into_told(handle, location, told) {
        Ok(made) => made,
        Err(_refused) => panic!("cannot create a task: {}", LoopError::Closed),
    }
}

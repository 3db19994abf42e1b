//! Futures that become tasks, and tasks that are tasks already.

use std::future::Future;
use std::panic::Location;

use super::handle::Task;
use crate::error::SubmitError;
use crate::handle::Handle;

/// What can be made a task: any future that may move between threads, or a [`Task`] as it is.
///
/// `gather`, `wait`, `as_completed` and `ensure_future` take it, as asyncio's take coroutines and
/// tasks alike. This is why [`Task`] becomes a future ([`IntoFuture`]) but is none.
#[doc(alias = "ensure_future")]
pub trait IntoTask {
    /// The task's output.
    type Output: Send + 'static;

    /// Spawns the future on `handle`'s loop, or gives the task back, whichever loop it is of.
    ///
    /// # Errors
    ///
    /// Hands the future back if the loop is closed.
    fn into_task(
        self,
        handle: &Handle,
        location: &'static Location<'static>,
    ) -> Result<Task<Self::Output>, SubmitError<Self>>
    where
        Self: Sized;
}

impl<F> IntoTask for F
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = F::Output;

    fn into_task(
        self,
        handle: &Handle,
        location: &'static Location<'static>,
    ) -> Result<Task<F::Output>, SubmitError<F>> {
        handle.spawn_task(self, location)
    }
}

impl<T: Send + 'static> IntoTask for Task<T> {
    type Output = T;

    fn into_task(
        self,
        _: &Handle,
        _: &'static Location<'static>,
    ) -> Result<Self, SubmitError<Self>> {
        Ok(self)
    }
}

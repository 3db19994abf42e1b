//! Futures that become tasks, and tasks that are tasks already.

use std::future::Future;
use std::panic::Location;

use super::handle::{Task, Watch};
use super::told::{Telling, Told};
use crate::error::SubmitError;
use crate::handle::Handle;

/// A task, and what takes back who is told of its end, if that is of use.
type Watched<T> = (Task<T>, Option<Watch>);

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

    /// As [`into_task`](IntoTask::into_task), and `told` is told of the end. What is returned beside
    /// the task takes `told` back, if the task has not ended and was a task before.
    ///
    /// # Errors
    ///
    /// As for `into_task`; then `told` is dropped.
    #[doc(hidden)]
    fn into_told<D: Told>(
        self,
        handle: &Handle,
        location: &'static Location<'static>,
        told: D,
    ) -> Result<Watched<Self::Output>, SubmitError<Self>>
    where
        Self: Sized,
    {
        let task = self.into_task(handle, location)?;
        let watch = task.tell(told);
        Ok((task, watch))
    }
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

    #[inline]
    fn into_told<D: Told>(
        self,
        handle: &Handle,
        location: &'static Location<'static>,
        told: D,
    ) -> Result<Watched<F::Output>, SubmitError<F>> {
        // No hook: the end of the future says what is to be said.
        match handle.spawn_task(Telling::new(self, told), location) {
            Ok(task) => Ok((task, None)),
            Err(refused) => Err(SubmitError(refused.into_inner().into_inner())),
        }
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

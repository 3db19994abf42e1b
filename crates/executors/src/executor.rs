//! What every executor can do.

use std::sync::Arc;

use loopwork_sync::ConcurrentFuture;

use crate::error::{RejectReason, RejectedJob, ShutdownError, SubmitError};
use crate::job::Job;
use crate::map::Map;

/// Runs blocking work away from the threads that poll tasks.
///
/// Python's `concurrent.futures.Executor`, cut to what can be called through `dyn Executor`; its
/// `submit` and `map` are in [`ExecutorExt`].
#[doc(alias = "concurrent.futures.Executor")]
pub trait Executor: Send + Sync {
    /// Takes a job, to be run once and soon. Does not wait for room or for the job.
    ///
    /// A job that was taken is run, or dropped, which cancels the future it reports to.
    ///
    /// # Errors
    ///
    /// The very job that was given, with the reason, if it is not taken.
    fn execute(&self, job: Job) -> Result<(), RejectedJob>;

    /// Takes no more jobs. Those already taken are still run; if `wait`, this blocks until they
    /// are.
    ///
    /// May be called again, to wait after all.
    ///
    /// # Errors
    ///
    /// If it cannot wait. The executor is shut down all the same.
    ///
    /// # Panics
    ///
    /// With `wait`, on a thread that is polling tasks.
    fn shutdown(&self, wait: bool) -> Result<(), ShutdownError>;
}

/// What callers want of an [`Executor`]: closures that return something.
pub trait ExecutorExt: Executor {
    /// Has `work` run, and gives the future of what it returns.
    ///
    /// Cancelling the future before the work starts keeps it from running; afterwards it is
    /// refused. Dropping the future lets the work go on. A panic of the work reaches the future.
    ///
    /// # Errors
    ///
    /// The closure, if the executor does not take it.
    ///
    /// # Panics
    ///
    /// If the executor breaks its contract and gives back another job than it was given.
    fn submit<F, T>(&self, work: F) -> Result<ConcurrentFuture<T>, SubmitError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (job, future) = Job::reporting(work);
        match self.execute(job) {
            Ok(()) => Ok(future),
            Err(rejected) => {
                let (job, reason) = rejected.into_parts();
                let work = job.into_closure::<F, T>();
                Err(SubmitError::new(
                    work.expect("an executor gives back what it was given"),
                    reason,
                ))
            }
        }
    }

    /// Has `work` run on each item, all submitted now, and gives the results in the items' order.
    ///
    /// # Errors
    ///
    /// If the executor refuses one of them; those submitted before are cancelled if they have not
    /// started.
    fn map<F, I, T>(&self, work: F, items: I) -> Result<Map<T>, RejectReason>
    where
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        I: IntoIterator,
        I::Item: Send + 'static,
        T: Send + 'static,
    {
        let work = Arc::new(work);
        let mut map = Map::new();
        for item in items {
            let work = work.clone();
            map.push(self.submit(move || work(item)).map_err(SubmitError::into_reason)?);
        }
        Ok(map)
    }
}

impl<E: Executor + ?Sized> ExecutorExt for E {}

//! A piece of work, on its way to a thread.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use loopwork_sync::{CancelPolicy, Completer, ConcurrentFuture};

/// A closure that an executor runs once, or drops.
///
/// Dropping a job without running it cancels the future it reports to.
#[must_use = "a job does nothing unless run"]
pub struct Job {
    work: Box<dyn Work>,
}

trait Work: Send {
    fn run(self: Box<Self>);
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl Job {
    /// A job that reports to nobody. If it panics, that ends in whoever runs it.
    pub fn new(work: impl FnOnce() + Send + 'static) -> Self {
        Self { work: Box::new(Bare(work)) }
    }

    /// A job and the future of what its closure gives.
    ///
    /// The job does not run if the future was cancelled before it started. Once it runs it can no
    /// longer be cancelled. If the closure panics, the panic goes to the future.
    pub fn reporting<F, T>(work: F) -> (Self, ConcurrentFuture<T>)
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (completer, future) = ConcurrentFuture::channel(CancelPolicy::WhilePending);
        (Self { work: Box::new(Reporting { work, completer }) }, future)
    }

    /// Runs the job on this thread.
    pub fn run(self) {
        self.work.run();
    }

    /// The closure that was given to [`Job::reporting`] with these types.
    pub(crate) fn into_closure<F, T>(self) -> Option<F>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let reporting = self.work.into_any().downcast::<Reporting<F, T>>().ok()?;
        Some(reporting.work)
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}

struct Bare<F>(F);

impl<F: FnOnce() + Send + 'static> Work for Bare<F> {
    fn run(self: Box<Self>) {
        (self.0)();
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

struct Reporting<F, T> {
    work: F,
    completer: Completer<T>,
}

impl<F, T> Work for Reporting<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn run(self: Box<Self>) {
        let Self { work, completer } = *self;
        if !completer.set_running_or_notify_cancel() {
            return;
        }
        // Unwind: the closure is consumed, so nothing it left half done can be seen again, except
        // what it shares with others; that is theirs to judge, as with `std::thread::spawn`.
        // A running job cannot be cancelled, so neither outcome is refused.
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(value) => drop(completer.set_result(value)),
            Err(payload) => drop(completer.set_panic(payload)),
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

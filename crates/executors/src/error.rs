//! Why an executor refused something. Work that was refused comes back.

use std::error::Error;
use std::fmt;
use std::io;

use crate::job::Job;

/// Why an executor takes no job.
#[derive(Debug)]
#[non_exhaustive]
pub enum RejectReason {
    /// It was shut down.
    ShutDown,
    /// The initializer of one of its threads panicked: Python's `BrokenThreadPool`.
    Broken,
    /// It has no thread, and the system gave it none.
    NoThread(io::Error),
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShutDown => f.write_str("the executor is shut down"),
            Self::Broken => f.write_str("the initializer of the executor's threads panicked"),
            Self::NoThread(error) => write!(f, "the executor could not start a thread: {error}"),
        }
    }
}

impl Error for RejectReason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoThread(error) => Some(error),
            Self::ShutDown | Self::Broken => None,
        }
    }
}

/// A job that an executor refused.
#[derive(Debug)]
pub struct RejectedJob {
    job: Job,
    reason: RejectReason,
}

impl RejectedJob {
    /// For an executor that refuses `job`.
    pub fn new(job: Job, reason: RejectReason) -> Self {
        Self { job, reason }
    }

    /// Why it was refused.
    pub fn reason(&self) -> &RejectReason {
        &self.reason
    }

    /// The job, to be run elsewhere.
    pub fn into_job(self) -> Job {
        self.job
    }

    pub(crate) fn into_parts(self) -> (Job, RejectReason) {
        (self.job, self.reason)
    }
}

impl fmt::Display for RejectedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reason, f)
    }
}

impl Error for RejectedJob {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}

/// A closure that an executor refused.
pub struct SubmitError<F> {
    work: F,
    reason: RejectReason,
}

impl<F> SubmitError<F> {
    /// `work`, not accepted because of `reason`: for executors of other kinds.
    pub fn new(work: F, reason: RejectReason) -> Self {
        Self { work, reason }
    }

    /// Why it was refused.
    pub fn reason(&self) -> &RejectReason {
        &self.reason
    }

    /// The closure, which was not run.
    pub fn into_inner(self) -> F {
        self.work
    }

    pub(crate) fn into_reason(self) -> RejectReason {
        self.reason
    }
}

impl<F> fmt::Debug for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitError").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl<F> fmt::Display for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reason, f)
    }
}

impl<F> Error for SubmitError<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}

/// The executor is shut down now, but its end was not waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownError {
    /// The caller is a thread of the executor, which would wait for itself.
    OwnThread,
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a thread of the executor cannot wait for the executor's end")
    }
}

impl Error for ShutdownError {}

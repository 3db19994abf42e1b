//! Python's thread pool.

use std::fmt;
use std::sync::Arc;
use std::thread;

use loopwork_sync::ConcurrentFuture;

use crate::error::{RejectReason, RejectedJob, ShutdownError, SubmitError};
use crate::executor::{Executor, ExecutorExt};
use crate::job::Job;
use crate::map::Map;
use crate::pool::{Initializer, Pool};

/// Runs blocking work on threads of its own.
///
/// Python's `concurrent.futures.ThreadPoolExecutor`. No thread exists before the first job; an
/// idle thread is used again, and while none is idle another is started, up to
/// [`max_workers`](ThreadPoolBuilder::max_workers). Beyond that, jobs wait in a queue without
/// limit, and start in the order in which they were submitted. A job that panics harms neither
/// its thread nor others.
///
/// Dropping the executor shuts it down without waiting: jobs already submitted are still run, and
/// its threads end after them. (So it is in Python when an executor is collected; what `with`
/// does there at its end is [`shutdown`](Self::shutdown).)
///
/// ```
/// use loopwork_executors::ThreadPoolExecutor;
///
/// let pool = ThreadPoolExecutor::builder().max_workers(2).build();
/// let sum = pool.submit(|| (1..=100).sum::<i32>()).unwrap();
/// assert_eq!(sum.result(None).unwrap(), 5050);
/// pool.shutdown(true, false).unwrap();
/// assert!(pool.submit(|| ()).is_err());
/// ```
#[doc(alias = "concurrent.futures.ThreadPoolExecutor")]
pub struct ThreadPoolExecutor {
    pool: Arc<Pool>,
}

impl ThreadPoolExecutor {
    /// A pool with the builder's defaults.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Settings for a pool.
    pub fn builder() -> ThreadPoolBuilder {
        ThreadPoolBuilder {
            max_workers: default_workers(),
            thread_name_prefix: "loopwork-job".to_owned(),
            initializer: None,
        }
    }

    /// Has `work` run on a thread of the pool; see [`ExecutorExt::submit`].
    ///
    /// # Errors
    ///
    /// The closure, if the pool is shut down or broken, or has no thread and gets none.
    pub fn submit<F, T>(&self, work: F) -> Result<ConcurrentFuture<T>, SubmitError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        ExecutorExt::submit(self, work)
    }

    /// Has `work` run on each item, and gives the results in order; see [`ExecutorExt::map`].
    ///
    /// ```
    /// let pool = loopwork_executors::ThreadPoolExecutor::new();
    /// let squares: Vec<i32> = pool.map(|n| n * n, 1..=4).unwrap().map(Result::unwrap).collect();
    /// assert_eq!(squares, [1, 4, 9, 16]);
    /// ```
    ///
    /// # Errors
    ///
    /// If the pool refuses one of the items.
    pub fn map<F, I, T>(&self, work: F, items: I) -> Result<Map<T>, RejectReason>
    where
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        I: IntoIterator,
        I::Item: Send + 'static,
        T: Send + 'static,
    {
        ExecutorExt::map(self, work, items)
    }

    /// Takes no more jobs.
    ///
    /// If `cancel_futures`, jobs that have not started are cancelled; otherwise they are still
    /// run. If `wait`, this blocks until the jobs are run and the threads have ended. May be called
    /// again.
    ///
    /// # Errors
    ///
    /// [`ShutdownError::OwnThread`] with `wait`, in one of the pool's own jobs: the pool is shut
    /// down, but a thread cannot wait for its own end.
    ///
    /// # Panics
    ///
    /// With `wait`, on a thread that is polling tasks; nothing has happened then.
    #[track_caller]
    pub fn shutdown(&self, wait: bool, cancel_futures: bool) -> Result<(), ShutdownError> {
        if wait {
            loopwork_context::assert_may_block("`ThreadPoolExecutor::shutdown`");
        }
        self.pool.close();
        if cancel_futures {
            self.pool.discard_queued();
        }
        if wait {
            if self.pool.is_own_thread() {
                return Err(ShutdownError::OwnThread);
            }
            self.pool.wait_for_end();
        }
        Ok(())
    }

    /// Whether the pool takes no more jobs.
    pub fn is_shut_down(&self) -> bool {
        self.pool.is_shut_down()
    }

    /// How many threads there may be.
    pub fn max_workers(&self) -> usize {
        self.pool.max_workers()
    }

    /// What the pool is doing, as of now.
    pub fn statistics(&self) -> PoolStatistics {
        let counts = self.pool.counts();
        PoolStatistics { threads: counts.threads, idle: counts.idle, queued: counts.queued }
    }
}

impl Executor for ThreadPoolExecutor {
    fn execute(&self, job: Job) -> Result<(), RejectedJob> {
        self.pool.execute(job)
    }

    fn shutdown(&self, wait: bool) -> Result<(), ShutdownError> {
        ThreadPoolExecutor::shutdown(self, wait, false)
    }
}

impl Default for ThreadPoolExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for ThreadPoolExecutor {
    fn drop(&mut self) {
        self.pool.close();
    }
}

impl fmt::Debug for ThreadPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolExecutor")
            .field("max_workers", &self.max_workers())
            .field("shut_down", &self.is_shut_down())
            .field("statistics", &self.statistics())
            .finish()
    }
}

/// Settings for a [`ThreadPoolExecutor`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ThreadPoolBuilder {
    max_workers: usize,
    thread_name_prefix: String,
    initializer: Option<Initializer>,
}

impl ThreadPoolBuilder {
    /// How many threads there may be. Default: the machine's parallelism plus 4, at most 32.
    ///
    /// # Panics
    ///
    /// If it is zero.
    #[track_caller]
    pub fn max_workers(mut self, max_workers: usize) -> Self {
        assert!(max_workers > 0, "`max_workers` must be at least 1");
        self.max_workers = max_workers;
        self
    }

    /// What the threads' names begin with; a hyphen and a number follow. Default: `loopwork-job`.
    pub fn thread_name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.thread_name_prefix = prefix.into();
        self
    }

    /// What each thread calls before its first job.
    ///
    /// If it panics, the pool is broken: jobs that have not started are cancelled, and further
    /// ones are refused.
    pub fn initializer(mut self, initializer: impl Fn() + Send + Sync + 'static) -> Self {
        self.initializer = Some(Arc::new(initializer));
        self
    }

    /// The pool. No thread is started yet.
    pub fn build(self) -> ThreadPoolExecutor {
        let pool = Pool::new(self.max_workers, self.thread_name_prefix, self.initializer);
        ThreadPoolExecutor { pool }
    }
}

impl fmt::Debug for ThreadPoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolBuilder")
            .field("max_workers", &self.max_workers)
            .field("thread_name_prefix", &self.thread_name_prefix)
            .field("initializer", &self.initializer.is_some())
            .finish()
    }
}

/// What a [`ThreadPoolExecutor`] was doing at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// Threads that exist.
    pub threads: usize,
    /// Threads that wait for a job, or are about to.
    pub idle: usize,
    /// Jobs that no thread has taken.
    pub queued: usize,
}

/// Python's default: work that mostly waits may well have more threads than processors, and a
/// machine with many processors should not get very many threads by accident.
fn default_workers() -> usize {
    const EXTRA: usize = 4;
    const MOST: usize = 32;
    let processors = thread::available_parallelism().map_or(1, usize::from);
    MOST.min(processors + EXTRA)
}

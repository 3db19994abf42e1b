//! Task groups: nothing in them outlives them. See `README.md` beside this file.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | [`TaskGroup`]: what its body and children use |
//! | `run.rs` | a group from its begin to its end |
//! | `child.rs` | the future of a child |
//! | `start.rs` | children that say when they are ready |
//! | `shared.rs` | what all of them share |
//! | `error.rs` | all that has failed |

mod child;
mod error;
mod run;
mod shared;
mod start;

use std::error::Error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::sync::Arc;

use loopwork_context::{CancelReason, ScopeId};
use loopwork_core::{SharedError, SubmitError, Task};
use loopwork_time::Instant;

pub use self::error::{Failure, GroupError};
pub use self::run::GroupRun;
use self::shared::Shared;
pub use self::start::{NotStarted, Started};
use crate::scope::State;

/// Tasks that begin and end together.
///
/// [`run`](TaskGroup::run) runs a body, which makes children, and waits for them all: when it is
/// ready, nothing of the group is left. The first that fails, a child or the body, cancels all others;
/// they are waited for, and the error holds everything that has failed. A child that was cancelled has
/// not failed.
///
/// A request from outside goes to the body, where it may be caught; if it is not, all children are
/// cancelled and waited for, and then the task that runs the group is. If something has failed
/// meanwhile the errors are given, and the request comes at the next wait.
///
/// Clones are handles of the same group, for children that make children and for other tasks. A group
/// is entered once.
///
/// asyncio: `TaskGroup`; trio: a nursery.
///
/// ```
/// use loopwork_tasks::TaskGroup;
///
/// # use std::io;
/// # async fn fetch(page: u32) -> io::Result<u32> { Ok(page) }
/// # loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap().block_on(async {
/// let pages = TaskGroup::new().run(|group| async move {
///     let first = group.create_task(fetch(1));
///     let second = group.create_task(fetch(2));
///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(first.await?? + second.await??)
/// });
/// assert_eq!(pages.await.unwrap(), 3);
/// # }).unwrap();
/// ```
#[doc(alias = "asyncio.TaskGroup")]
#[doc(alias = "nursery")]
#[derive(Clone)]
pub struct TaskGroup(Arc<Shared>);

impl TaskGroup {
    /// A group without children.
    #[must_use]
    pub fn new() -> Self {
        Self::with(None)
    }

    /// A group of which at most `limit` children run at once. The others wait for their turn, in the
    /// order in which they were made.
    ///
    /// # Panics
    ///
    /// If `limit` is 0.
    ///
    /// ```
    /// use loopwork_tasks::TaskGroup;
    ///
    /// # async fn crawl(page: u32) -> std::io::Result<()> { Ok(()) }
    /// # async fn example() -> Result<(), loopwork_tasks::GroupError> {
    /// TaskGroup::with_limit(8)
    ///     .run(|group| async move {
    ///         (0..1000).for_each(|page| drop(group.create_task(crawl(page))));
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .await
    /// # }
    /// ```
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        assert!(limit > 0, "a group with a limit of 0 would wait for ever: allow 1 or more");
        Self::with(Some(limit))
    }

    fn with(limit: Option<usize>) -> Self {
        Self(Arc::new(Shared::new(
            State::new(ScopeId::unique(), Instant::FAR_FUTURE, false),
            limit,
        )))
    }

    /// Runs `body` with the group, waits for all children, and gives the body's value.
    ///
    /// Dropping what this gives drops the body and cancels the children, without waiting.
    ///
    /// # Errors
    ///
    /// [`GroupError`] with all that has failed.
    ///
    /// # Panics
    ///
    /// If the group was entered before. Polled outside a loop.
    #[track_caller]
    pub fn run<B, F, R, E>(&self, body: B) -> GroupRun<F::IntoFuture, R>
    where
        B: FnOnce(Self) -> F,
        F: IntoFuture<Output = Result<R, E>>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.0.body.enter();
        GroupRun::new(self.0.clone(), body(self.clone()).into_future())
    }

    /// Makes a task of `future` that belongs to the group.
    ///
    /// If it ends with an `Err` or a panic, the group fails. The task that is given is for its value,
    /// or to cancel this child alone; it need not be awaited, nor kept. A child of a group that is
    /// being cancelled begins, and is cancelled at its first wait.
    ///
    /// asyncio: `TaskGroup.create_task`.
    ///
    /// # Panics
    ///
    /// If the group has not been entered, or is over: [`try_create_task`](TaskGroup::try_create_task)
    /// hands the future back instead.
    #[track_caller]
    pub fn create_task<F, T, E>(&self, future: F) -> Task<Result<T, SharedError>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        match self.try_create_task(future) {
            Ok(task) => task,
            Err(_refused) => panic!(
                "cannot create a task in this group: it is not running. Use it inside the body of \
                 `TaskGroup::run`, or `try_create_task`, which hands the future back"
            ),
        }
    }

    /// As [`create_task`](TaskGroup::create_task), from anywhere.
    ///
    /// # Errors
    ///
    /// Hands the future back if the group has not been entered, or is over, or its loop is closed.
    #[track_caller]
    pub fn try_create_task<F, T, E>(
        &self,
        future: F,
    ) -> Result<Task<Result<T, SharedError>>, SubmitError<F>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.0.create(future)
    }

    /// Cancels the body and all children. That is no failure: if nothing has failed, and the body had
    /// not ended, the error of [`run`](TaskGroup::run) holds no failures. True unless the group is
    /// over.
    ///
    /// asyncio: `TaskGroup.cancel` (3.15); trio: `nursery.cancel_scope.cancel`.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.0.cancel(&CancelReason::unspoken(), true)
    }

    /// As [`cancel`](TaskGroup::cancel), and says why.
    #[track_caller]
    pub fn cancel_with(&self, reason: impl Into<CancelReason>) -> bool {
        self.0.cancel(&reason.into(), true)
    }
}

impl Default for TaskGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! One after the other, as they end.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use loopwork_context::{WaitReason, hold_back, proceed, waits_for};
use loopwork_core::{Handle, IntoTask, Task, Watch};
use loopwork_time::{Sleep, sleep};

use crate::ensure::into_task;
use crate::tally::{Tally, Until};
use crate::timeout::TimedOut;

/// Gives tasks back as they end, the first to end first.
///
/// It is a [`Stream`] of tasks that are done; [`AsCompleted::next`] does without the trait. Futures
/// become tasks of the loop that runs here: now, or at the first poll if none runs yet. Breaking
/// off and going on later loses nothing. Cancelling or dropping it cancels no task.
/// [`timeout`](AsCompleted::timeout) limits how long it goes on, and [`with_limit`](crate::with_limit)
/// how many of the futures run at once.
///
/// Each is given back once. Clones of one task are given back one by one, as many as were given:
/// asyncio gives one of them.
///
/// asyncio: `as_completed`.
///
/// ```
/// # async fn example(tasks: Vec<loopwork_core::Task<u32>>) -> Result<(), loopwork_core::TaskError> {
/// let mut completed = loopwork_tasks::as_completed(tasks);
/// while let Some(task) = completed.next().await {
///     println!("{}", task.await?);
/// }
/// # Ok(()) }
/// ```
///
/// # Panics
///
/// When it is polled outside a loop, if it was given futures.
#[doc(alias = "asyncio.as_completed")]
#[track_caller]
pub fn as_completed<I>(awaitables: I) -> AsCompleted<I::Item>
where
    I: IntoIterator,
    I::Item: IntoTask,
{
    AsCompleted::new(awaitables.into_iter().collect(), usize::MAX)
}

/// The stream of [`as_completed`].
#[must_use = "streams do nothing unless polled"]
pub struct AsCompleted<A: IntoTask> {
    /// Those that were not begun yet, the last first.
    waiting: Vec<A>,
    /// How many may run at once.
    limit: usize,
    tasks: Vec<Option<Watched<A::Output>>>,
    tally: Arc<Tally>,
    /// How many were not given back yet.
    left: usize,
    location: &'static Location<'static>,
    /// The last poll was pending.
    waited: bool,
}

/// A task that was not given back, and its registration if it had not ended when it was made.
type Watched<T> = (Task<T>, Option<Watch>);

impl<A: IntoTask> AsCompleted<A> {
    #[track_caller]
    pub(crate) fn new(mut waiting: Vec<A>, limit: usize) -> Self {
        let left = waiting.len();
        waiting.reverse();
        let mut completed = Self {
            waiting,
            limit,
            tasks: Vec::with_capacity(left),
            tally: Tally::new(left, Until::Next),
            left,
            location: Location::caller(),
            waited: false,
        };
        if let Ok(handle) = Handle::current() {
            completed.begin(&handle);
        }
        completed
    }

    /// The next task that has ended; `None` after the last.
    ///
    /// Dropping the future loses nothing.
    #[expect(clippy::should_implement_trait, reason = "streams are not iterators")]
    pub fn next(&mut self) -> Next<'_, A> {
        Next(self)
    }

    /// Gives up `duration` from now: what has not ended by then is not waited for any longer.
    ///
    /// # Panics
    ///
    /// Outside an event loop, whose clock it needs.
    ///
    /// asyncio: the `timeout` of `as_completed`.
    ///
    /// ```
    /// # async fn example(tasks: Vec<loopwork_core::Task<u32>>) {
    /// use std::time::Duration;
    ///
    /// let mut completed = loopwork_tasks::as_completed(tasks).timeout(Duration::from_secs(1));
    /// while let Some(next) = completed.next().await {
    ///     match next {
    ///         Ok(task) => println!("{:?}", task.result()),
    ///         Err(timed_out) => println!("{timed_out}: the others run on"),
    ///     }
    /// }
    /// # }
    /// ```
    #[track_caller]
    pub fn timeout(self, duration: Duration) -> AsCompletedWithin<A> {
        AsCompletedWithin { completed: self, sleep: Some(sleep(duration)) }
    }

    /// Begins as many as may run.
    #[track_caller]
    fn begin(&mut self, handle: &Handle) {
        let given_back = self.left_out();
        while self.tasks.len() - given_back < self.limit {
            let Some(awaitable) = self.waiting.pop() else { return };
            let task = into_task(awaitable, handle, self.location);
            let watch = self.tally.watch(self.tasks.len(), &task, |_| false);
            self.tasks.push(Some((task, watch)));
        }
    }

    /// How many were given back.
    fn left_out(&self) -> usize {
        self.tasks.len() + self.waiting.len() - self.left
    }

    fn poll_task(&mut self, cx: &mut Context<'_>) -> Poll<Option<Task<A::Output>>> {
        let progress = ready!(proceed(cx));
        if self.left == 0 {
            progress.made();
            return Poll::Ready(None);
        }
        if self.tasks.is_empty() {
            match Handle::current() {
                Ok(handle) => self.begin(&handle),
                Err(error) => panic!("`as_completed` has to make tasks: {error}"),
            }
        }
        if !self.tally.poll_any(cx) {
            waits_for(WaitReason::Join);
            self.waited = true;
            return Poll::Pending;
        }
        ready!(hold_back(cx, self.waited));
        self.waited = false;
        let index = self.tally.take_next().expect("only its owner takes from it");
        self.left -= 1;
        let (task, _fired) = self.tasks[index].take().expect("a task ends once");
        if !self.waiting.is_empty() {
            match Handle::current() {
                Ok(handle) => self.begin(&handle),
                Err(error) => panic!("`as_completed` has to make tasks: {error}"),
            }
        }
        progress.made();
        Poll::Ready(Some(task))
    }
}

// Nothing is pinned: tasks are reached through their handles.
impl<A: IntoTask> Unpin for AsCompleted<A> {}

impl<A: IntoTask> Stream for AsCompleted<A> {
    type Item = Task<A::Output>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_task(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<A: IntoTask> Drop for AsCompleted<A> {
    fn drop(&mut self) {
        self.tally.forget();
        for (_task, watch) in self.tasks.drain(..).flatten() {
            if let Some(watch) = watch {
                watch.remove();
            }
        }
    }
}

impl<A: IntoTask> fmt::Debug for AsCompleted<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.left).finish_non_exhaustive()
    }
}

/// The future of [`AsCompleted::next`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Next<'a, A: IntoTask>(&'a mut AsCompleted<A>);

impl<A: IntoTask> Future for Next<'_, A> {
    type Output = Option<Task<A::Output>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_task(cx)
    }
}

/// The stream of [`AsCompleted::timeout`]: of tasks that are done, and, if its time is up before the
/// last of them, of one error at its end.
///
/// What has ended when the time is up is given back first. Then no task is cancelled:
/// [`into_inner`](AsCompletedWithin::into_inner) goes on without a limit.
#[must_use = "streams do nothing unless polled"]
pub struct AsCompletedWithin<A: IntoTask> {
    completed: AsCompleted<A>,
    /// Until its time is up.
    sleep: Option<Sleep>,
}

impl<A: IntoTask> AsCompletedWithin<A> {
    /// The next task that has ended, or that the time is up; `None` after the last, and after the
    /// error.
    ///
    /// Dropping the future loses nothing.
    #[expect(clippy::should_implement_trait, reason = "streams are not iterators")]
    pub fn next(&mut self) -> NextWithin<'_, A> {
        NextWithin(self)
    }

    /// What was not given back, without the limit.
    pub fn into_inner(self) -> AsCompleted<A> {
        self.completed
    }

    fn poll_task(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Task<A::Output>, TimedOut>>> {
        let Some(sleep) = &mut self.sleep else { return Poll::Ready(None) };
        if let Poll::Ready(next) = self.completed.poll_task(cx) {
            return Poll::Ready(next.map(Ok));
        }
        ready!(Pin::new(sleep).poll(cx));
        self.sleep = None;
        Poll::Ready(Some(Err(TimedOut::new())))
    }
}

impl<A: IntoTask> Unpin for AsCompletedWithin<A> {}

impl<A: IntoTask> Stream for AsCompletedWithin<A> {
    type Item = Result<Task<A::Output>, TimedOut>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_task(cx)
    }
}

impl<A: IntoTask> fmt::Debug for AsCompletedWithin<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompletedWithin")
            .field("left", &self.completed.left)
            .field("expired", &self.sleep.is_none())
            .finish_non_exhaustive()
    }
}

/// The future of [`AsCompletedWithin::next`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct NextWithin<'a, A: IntoTask>(&'a mut AsCompletedWithin<A>);

impl<A: IntoTask> Future for NextWithin<'_, A> {
    type Output = Option<Result<Task<A::Output>, TimedOut>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_task(cx)
    }
}

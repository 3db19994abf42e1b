//! One after the other, as they end.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use loopwork_context::{WaitReason, spending, waits_for};
use loopwork_core::{Handle, IntoTask, Task, Watch};

use crate::ensure::into_task;
use crate::tally::{Tally, Until};

/// Gives tasks back as they end, the first to end first.
///
/// It is a [`Stream`] of tasks that are done; [`AsCompleted::next`] does without the trait. Futures
/// become tasks of the loop that runs here: now, or at the first poll if none runs yet. Breaking
/// off and going on later loses nothing. Cancelling or dropping it cancels no task.
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
#[track_caller]
pub fn as_completed<I>(awaitables: I) -> AsCompleted<I::Item>
where
    I: IntoIterator,
    I::Item: IntoTask,
{
    let mut completed = AsCompleted {
        waiting: awaitables.into_iter().collect(),
        tasks: Vec::new(),
        tally: None,
        left: 0,
        location: Location::caller(),
    };
    completed.left = completed.waiting.len();
    if let Ok(handle) = Handle::current() {
        completed.begin(&handle);
    }
    completed
}

/// The stream of [`as_completed`].
#[must_use = "streams do nothing unless polled"]
pub struct AsCompleted<A: IntoTask> {
    waiting: Vec<A>,
    tasks: Vec<Option<Watched<A::Output>>>,
    tally: Option<Arc<Tally>>,
    /// How many were not given back yet.
    left: usize,
    location: &'static Location<'static>,
}

/// A task that was not given back, and its registration if it had not ended when it was made.
type Watched<T> = (Task<T>, Option<Watch>);

impl<A: IntoTask> AsCompleted<A> {
    /// The next task that has ended; `None` after the last.
    ///
    /// Dropping the future loses nothing.
    #[expect(clippy::should_implement_trait, reason = "streams are not iterators")]
    pub fn next(&mut self) -> Next<'_, A> {
        Next(self)
    }

    #[track_caller]
    fn begin(&mut self, handle: &Handle) {
        let tally = Tally::new(self.left, Until::Next);
        let location = self.location;
        for (index, awaitable) in self.waiting.drain(..).enumerate() {
            let task = into_task(awaitable, handle, location);
            let watch = tally.watch(index, &task, |_| false);
            self.tasks.push(Some((task, watch)));
        }
        self.tally = Some(tally);
    }

    fn poll_task(&mut self, cx: &mut Context<'_>) -> Poll<Option<Task<A::Output>>> {
        spending(cx, |cx| self.poll_ended(cx))
    }

    fn poll_ended(&mut self, cx: &Context<'_>) -> Poll<Option<Task<A::Output>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if self.tally.is_none() {
            match Handle::current() {
                Ok(handle) => self.begin(&handle),
                Err(error) => panic!("`as_completed` has to make tasks: {error}"),
            }
        }
        let ended = self.tally.as_ref().and_then(|tally| tally.poll_next(cx));
        let Some(index) = ended else {
            waits_for(WaitReason::Join);
            return Poll::Pending;
        };
        self.left -= 1;
        let (task, _fired) = self.tasks[index].take().expect("a task ends once");
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

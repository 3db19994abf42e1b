//! Many futures, of which only so many run at once.
//!
//! A future that ends begins the next: on its thread, without waking who waits for all of them.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use loopwork_context::Request;
use loopwork_core::{AnyTask, Handle, IntoTask, Task, TaskError, Told, Watch};
use loopwork_shim::sync::Mutex;
use pin_project_lite::pin_project;

use crate::as_completed::AsCompleted;
use crate::family::{
    Came, Counter, Family, Gatherable, Spawner, TryFamily, error_of, first_error_of, forward,
    try_take,
};
use crate::gather::{Gather, GatherError, gather_all};
use crate::tally::{Decision, Part, Parts, Tally};

/// [`gather()`](crate::gather()) and [`as_completed`](crate::as_completed()) of which at most `limit`
/// futures run at once.
///
/// The others are not tasks until it is their turn, which is in the order they were given in. What is
/// dropped or has failed before begins none that had not begun.
///
/// asyncio has no such thing; a `Semaphore` in each coroutine is the usual way.
///
/// # Panics
///
/// If `limit` is 0.
///
/// ```
/// use loopwork_tasks::with_limit;
///
/// # async fn fetch(page: u32) -> std::io::Result<u32> { Ok(page) }
/// # loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap().block_on(async {
/// let pages = with_limit(8).gather((0..100).map(fetch)).errors_fail().await;
/// assert_eq!(pages.unwrap().len(), 100);
/// # }).unwrap();
/// ```
#[must_use = "a limit is for what is gathered with it"]
pub fn with_limit(limit: usize) -> Limit {
    assert!(limit > 0, "with a limit of 0 nothing would ever run: allow 1 or more");
    Limit(limit)
}

/// How many may run at once: see [`with_limit`].
#[derive(Debug, Clone, Copy)]
#[must_use = "a limit is for what is gathered with it"]
pub struct Limit(usize);

impl Limit {
    /// [`gather()`](crate::gather()) with this limit: the values in the order of the futures.
    ///
    /// When the awaiting task is cancelled, so are those that have begun; the others never begin. When
    /// one fails, and that ends the wait, or the future is dropped, those that have begun run on.
    ///
    /// # Panics
    ///
    /// As [`gather()`](crate::gather()).
    #[track_caller]
    pub fn gather<I>(self, futures: I) -> Gather<Limited<I::Item>>
    where
        I: IntoIterator,
        I::Item: Future<Output: Send> + Send + 'static,
    {
        gather_all(Limited { limit: self.0, futures: futures.into_iter().collect() })
    }

    /// [`as_completed`](crate::as_completed()) with this limit. What was begun and not given back yet
    /// counts: one more begins when one is given back, so that who reads slowly is not overrun.
    ///
    /// # Panics
    ///
    /// As [`as_completed`](crate::as_completed()).
    #[track_caller]
    pub fn as_completed<I>(self, futures: I) -> AsCompleted<I::Item>
    where
        I: IntoIterator,
        I::Item: Future<Output: Send> + Send + 'static,
    {
        AsCompleted::new(futures.into_iter().collect(), self.0)
    }
}

/// Futures of which so many may run at once: what [`Limit::gather`] gathers.
pub struct Limited<F> {
    limit: usize,
    futures: Vec<F>,
}

impl<F> fmt::Debug for Limited<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<F> Gatherable for Limited<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Family = Lanes<F>;

    fn spawn(self, spawner: Spawner<'_>) -> (Lanes<F>, Vec<Watch>) {
        let Self { limit, futures: mut waiting } = self;
        let count = waiting.len();
        waiting.reverse();
        let parts = (count > 0).then_some(spawner.parts);
        let lanes = Lanes {
            count,
            shared: Arc::new(Shared {
                handle: spawner.handle.clone(),
                location: spawner.location,
                row: Mutex::new(Row { waiting, parts, tasks: Vec::new(), is_error: None }),
            }),
        };
        for _ in 0..limit.min(count) {
            lanes.shared.begin_next();
        }
        (lanes, spawner.watches)
    }
}

/// The tasks of [`Limit::gather`], begun or not.
pub struct Lanes<F: Future> {
    count: usize,
    shared: Arc<Shared<F>>,
}

impl<F: Future> fmt::Debug for Lanes<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("count", &self.count).finish_non_exhaustive()
    }
}

struct Shared<F: Future> {
    handle: Handle,
    location: &'static Location<'static>,
    row: Mutex<Row<F>>,
}

struct Row<F: Future> {
    /// The next one last.
    waiting: Vec<F>,
    /// Of those that wait. While it is there, not all have ended.
    parts: Option<Parts>,
    /// Those that have begun.
    tasks: Vec<Task<F::Output>>,
    /// Whether an output counts as a failure.
    is_error: Option<fn(&F::Output) -> bool>,
}

impl<F> Shared<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    /// One more begins, if any waits.
    fn begin_next(self: &Arc<Self>) {
        let mut row = self.row.lock();
        let Some(future) = row.waiting.pop() else { return };
        let last = row.waiting.is_empty();
        let Some(parts) = &mut row.parts else { return };
        let part = parts.make();
        // None is made any more: all have ended when those that were made have.
        let used = if last { row.parts.take() } else { None };
        let next = Next { shared: Some(self.clone()), part: Some(part), returned: false };
        let lane = Lane { future, is_error: row.is_error, next };
        // No code but the scheduler's runs in this: a lane that is refused comes back whole.
        let refused = match lane.into_task(&self.handle, self.location) {
            Ok(task) => {
                row.tasks.push(task);
                None
            }
            Err(refused) => Some((refused.into_inner(), mem::take(&mut row.waiting))),
        };
        let closed = refused.as_ref().and_then(|_| row.parts.take());
        drop(row);
        if let Some((mut lane, waiting)) = refused {
            // The loop is closed: nothing begins any more.
            (lane.next.shared, lane.next.part) = (None, None);
            drop((lane, waiting));
        }
        drop((used, closed));
    }

    fn begun(&self) -> Vec<Task<F::Output>> {
        mem::take(&mut self.row.lock().tasks)
    }
}

impl<F: Future> Shared<F> {
    /// Those that have not begun never do.
    fn stop(&self) {
        let (waiting, parts) = {
            let mut row = self.row.lock();
            (mem::take(&mut row.waiting), row.parts.take())
        };
        drop((waiting, parts));
    }
}

pin_project! {
    /// One that has begun.
    struct Lane<F>
    where
        F: Future,
        F: Send,
        F: 'static,
        F::Output: Send,
    {
        #[pin]
        future: F,
        is_error: Option<fn(&F::Output) -> bool>,
        // Last: what the future owns is gone before.
        next: Next<F>,
    }
}

impl<F> Future for Lane<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(part) = &this.next.part {
            part.polled();
        }
        let polled = this.future.poll(cx);
        if let Poll::Ready(output) = &polled {
            if !this.is_error.is_some_and(|is_error| is_error(output)) {
                this.next.returned = true;
            }
        }
        polled
    }
}

/// Begins the next one when it is dropped; then its own end counts.
struct Next<F: Future<Output: Send> + Send + 'static> {
    shared: Option<Arc<Shared<F>>>,
    part: Option<Part>,
    returned: bool,
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Next<F> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.begin_next();
        }
        if let Some(part) = self.part.take() {
            part.ended(self.returned, false);
        }
    }
}

impl<F: Future> Drop for Lanes<F> {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl<F> Lanes<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    fn results<R>(self, mut result: impl FnMut(Option<Task<F::Output>>) -> R) -> Vec<R> {
        let mut begun = self.shared.begun().into_iter();
        (0..self.count).map(|_| result(begun.next())).collect()
    }
}

impl<F> Family for Lanes<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Output = Vec<F::Output>;
    type Results = Vec<Result<F::Output, TaskError>>;

    fn ending(&self, decision: Came) -> Vec<AnyTask> {
        let row = self.shared.row.lock();
        let tasks = match decision.0 {
            Decision::Open => &[],
            Decision::All => &row.tasks[..],
            Decision::One(index) => &row.tasks[index..=index],
        };
        tasks.iter().filter(|task| !task.done()).map(Task::as_any).collect()
    }

    fn forward(&self, request: &Request) {
        self.shared.stop();
        let tasks = self.shared.row.lock().tasks.iter().map(Task::as_any).collect();
        forward(tasks, request);
    }

    fn ignore_failures(&self) {
        self.shared.row.lock().tasks.iter().for_each(Task::ignore_failure);
    }

    fn error(&self, index: usize) -> TaskError {
        error_of(&self.shared.row.lock().tasks[index])
    }

    fn has_answered(&self, index: usize) -> bool {
        self.shared.row.lock().tasks[index].has_answered()
    }

    fn take(self) -> Result<Vec<F::Output>, TaskError> {
        self.take_results().into_iter().collect()
    }

    fn take_results(self) -> Self::Results {
        self.results(|task| match task {
            Some(mut task) => task.take_joined(),
            None => Err(TaskError::never_began()),
        })
    }
}

impl<F, T, E> TryFamily for Lanes<F>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    type Values = Vec<T>;
    type Error = E;

    fn watch_errors(&self, tally: &Counter) -> Vec<Watch> {
        let tally: &Arc<Tally> = &tally.0;
        let mut row = self.shared.row.lock();
        row.is_error = Some(Result::is_err);
        let watch = |(index, task)| tally.watch_error(index, task);
        row.tasks.iter().enumerate().filter_map(watch).collect()
    }

    fn failed(&self) -> Option<usize> {
        let is_failed = |task: &Task<Result<T, E>>| task.looker().value_is(Result::is_err);
        self.shared.row.lock().tasks.iter().position(is_failed)
    }

    fn first_error(&self, index: usize) -> GatherError<E> {
        first_error_of(&self.shared.row.lock().tasks[index])
    }

    fn take_values(self) -> Result<Vec<T>, GatherError<E>> {
        let results = self.results(|task| match task {
            Some(task) => try_take(task),
            None => Err(GatherError::Task(TaskError::never_began())),
        });
        results.into_iter().collect()
    }
}

//! Time limits.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use loopwork_context::ScopeId;
use loopwork_time::Instant;
use pin_project_lite::pin_project;

use crate::scope::{Edge, ScopeOver, State};

/// Runs `future` for `duration` at most; then cancels it.
///
/// The time runs from the moment when this is first polled and `future` has to wait: no clock is read for
/// what is ready at once. [`timeout_at`] takes the end instead.
///
/// The limit is a scope of its own. When its time is up, a request becomes visible inside: a task
/// that is awaited there is cancelled *and waited for*, a [`catch_cancel`] may clean up, so that it can
/// take longer than `duration` until this is ready. What nobody takes is dropped. A task that answers
/// with a value, or a catcher that refuses, makes this `Ok`.
///
/// The future runs in the calling task. It is polled once at least; a limit of zero takes effect at its
/// first wait, and a future that never waits is never interrupted. Of two limits around
/// one wait that are up together the outer one reports, and the inner one is cancelled by it.
///
/// Dropping what this gives drops `future`.
///
/// # Errors
///
/// [`TimedOut`] if the limit, and nothing else, has ended `future`.
///
/// # Panics
///
/// If it has to wait outside an event loop, whose clock it needs.
///
/// asyncio: `timeout`; there the time runs from the call, and that of `wait_for` from its first step. trio: a
/// limit runs from when it is entered.
///
/// [`catch_cancel`]: loopwork_context::catch_cancel
///
/// ```
/// use std::time::Duration;
/// use loopwork_tasks::timeout;
/// # use loopwork_time::{Clock, Timers, sleep};
/// # let timers = Timers::new(Clock::real(), 1);
/// # let _entered = timers.enter(); // an event loop does this
/// # let future = async {
/// assert_eq!(timeout(Duration::from_secs(1), async { 7 }).await, Ok(7));
/// # };
/// # use std::{future::Future, pin::pin, task::{Context, Waker}};
/// # assert!(pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready());
/// ```
#[doc(alias = "TimeoutError")]
#[track_caller]
#[inline]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout { edge: Edge::within(duration), inside: Some(future.into_future()) }
}

/// Runs `future` until `deadline` at most: see [`timeout`].
///
/// # Errors
///
/// [`TimedOut`] if the limit, and nothing else, has ended `future`.
///
/// asyncio: `timeout_at`.
#[inline]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout { edge: Edge::new(deadline), inside: Some(future.into_future()) }
}

/// [`timeout`] for a future that moves its own limit: `body` is given a [`TimeLimit`].
///
/// asyncio: `async with timeout(..) as limit`.
///
/// # Errors
///
/// [`TimedOut`] if the limit, and nothing else, has ended the future.
///
/// # Panics
///
/// Outside an event loop, whose clock it needs.
///
/// ```
/// use std::time::Duration;
/// use loopwork_tasks::timeout_with;
///
/// # async fn example() -> Result<(), loopwork_tasks::TimedOut> {
/// timeout_with(Duration::from_secs(5), |limit| async move {
///     // .. the user has shown signs of life:
///     limit.reschedule(None).expect("time was not up");
/// })
/// .await
/// # }
/// ```
#[track_caller]
pub fn timeout_with<F: IntoFuture>(
    duration: Duration,
    body: impl FnOnce(TimeLimit) -> F,
) -> Timeout<F::IntoFuture> {
    let limit = TimeLimit(State::new(ScopeId::unique(), Instant::now() + duration, false));
    limit.0.enter();
    let edge = Edge::of(limit.0.clone(), false);
    Timeout { edge, inside: Some(body(limit).into_future()) }
}

/// Awaits `awaitable`, a future or a [`Task`](loopwork_core::Task), for `duration` at most.
///
/// A task whose time is up is cancelled and waited for: if it ends with a value all the same, that is
/// given. A request to the awaiting task is forwarded to the task it waits for, as by any await.
///
/// Dropping what this gives drops a future, and detaches a task.
///
/// # Errors
///
/// [`TimedOut`] if the limit, and nothing else, has ended the wait.
///
/// # Panics
///
/// Outside an event loop, whose clock it needs.
///
/// asyncio: `wait_for`. Different: a future whose time is up from the beginning is polled once.
///
/// ```
/// use std::time::Duration;
/// use loopwork_tasks::{create_task, wait_for};
///
/// # async fn slow() -> u32 { 1 }
/// # async fn example() {
/// let task = create_task(slow());
/// match wait_for(task, Duration::from_secs(1)).await {
///     Ok(Ok(value)) => println!("{value}"),
///     Ok(Err(error)) => println!("it failed: {error}"),
///     Err(timed_out) => println!("{timed_out}"),
/// }
/// # }
/// ```
#[track_caller]
#[inline]
pub fn wait_for<A: IntoFuture>(awaitable: A, duration: Duration) -> Timeout<A::IntoFuture> {
    timeout(duration, awaitable)
}

/// [`timeout`], by trio's name.
///
/// # Errors
///
/// [`TimedOut`] if the limit, and nothing else, has ended `future`.
///
/// # Panics
///
/// Outside an event loop, whose clock it needs.
///
/// trio: `fail_after`.
#[track_caller]
pub fn fail_after<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    timeout(duration, future)
}

/// Runs `future` for `duration` at most, and goes on in either case: `None` if its time was up. See
/// [`timeout`].
///
/// # Panics
///
/// Outside an event loop, whose clock it needs.
///
/// trio: `move_on_after`.
///
/// ```
/// # async fn refresh() {} async fn example() {
/// use std::time::Duration;
/// use loopwork_tasks::move_on_after;
///
/// if move_on_after(Duration::from_millis(50), refresh()).await.is_none() {
///     println!("never mind");
/// }
/// # }
/// ```
#[track_caller]
pub fn move_on_after<F: IntoFuture>(duration: Duration, future: F) -> MoveOn<F::IntoFuture> {
    MoveOn { timeout: timeout(duration, future) }
}

pin_project! {
    /// The future of [`timeout`], [`timeout_at`] and [`wait_for`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F> {
        edge: Edge,
        #[pin]
        inside: Option<F>,
    }
}

impl<F> Timeout<F> {
    /// A handle to move the limit with, or to ask how it stands. The time runs from now on, if it did not.
    pub fn limit(&mut self) -> TimeLimit {
        TimeLimit(self.edge.state().clone())
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, TimedOut>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.edge.poll(this.inside, cx).map_err(|_| TimedOut(()))
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("edge", &self.edge).finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`move_on_after`].
    #[must_use = "futures do nothing unless awaited"]
    #[derive(Debug)]
    pub struct MoveOn<F> {
        #[pin]
        timeout: Timeout<F>,
    }
}

impl<F: Future> Future for MoveOn<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().timeout.poll(cx).map(Result::ok)
    }
}

/// A time limit, from anywhere. Clones are of the same limit.
///
/// asyncio: `Timeout`.
#[derive(Debug, Clone)]
pub struct TimeLimit(Arc<State>);

impl TimeLimit {
    /// When its time is up.
    ///
    /// asyncio: `Timeout.when`.
    #[must_use]
    pub fn when(&self) -> Option<Instant> {
        self.0.when()
    }

    /// Moves the limit, or takes it away.
    ///
    /// # Errors
    ///
    /// If what it limits is over, or its time was up before.
    ///
    /// asyncio: `Timeout.reschedule`.
    pub fn reschedule(&self, when: Option<Instant>) -> Result<(), ScopeOver> {
        self.0.reschedule(when)
    }

    /// Whether its time was up before what it limits had ended.
    ///
    /// asyncio: `Timeout.expired`.
    #[must_use]
    pub fn expired(&self) -> bool {
        self.0.expired()
    }
}

/// A time limit has ended what it limits.
///
/// asyncio: `TimeoutError`.
#[doc(alias = "TimeoutError")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimedOut(());

impl TimedOut {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time limit has passed")
    }
}

impl std::error::Error for TimedOut {}

impl From<TimedOut> for io::Error {
    fn from(timed_out: TimedOut) -> Self {
        Self::new(io::ErrorKind::TimedOut, timed_out)
    }
}

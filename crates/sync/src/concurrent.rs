//! The future of work that runs elsewhere: Python's `concurrent.futures.Future`.
//!
//! How its two ends agree is told, and argued, in `concurrent/README.md`.
//!
//! | file | holds |
//! |---|---|
//! | `concurrent/state.rs` | what both ends share, its phases, the transition that ends it |
//! | `concurrent/look.rs` | how a task looks at it, and waits |
//! | `concurrent/completer.rs` | [`Completer`], the producing end |
//! | `concurrent/stopped.rs` | [`Stopped`]: waiting until the work has let go |
//! | `concurrent/error.rs` | [`ConcurrentError`] |

mod completer;
mod error;
mod look;
mod state;
mod stopped;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use loopwork_context::WaitReason;
use loopwork_shim::sync::MutexGuard;

pub use self::completer::Completer;
pub use self::error::ConcurrentError;
use self::state::{By, Outcome, Phase, Shared, State};
pub use self::stopped::Stopped;
use crate::spin::spin_then;
use crate::waiters::BoxedWaiter;

/// Until when [`ConcurrentFuture::cancel`] is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelPolicy {
    /// Until the work starts, which then cannot be stopped: an executor's job.
    WhilePending,
    /// Until the work is done. [`Completer::on_cancel`] forwards the wish to the work: a task.
    UntilDone,
}

impl CancelPolicy {
    /// What a task that awaits such work waits for.
    fn reason(self) -> WaitReason {
        match self {
            Self::WhilePending => WaitReason::Executor,
            Self::UntilDone => WaitReason::Join,
        }
    }
}

/// The result, to come, of work that runs elsewhere; waited for by a thread or awaited by a task.
///
/// Python's `concurrent.futures.Future`. A plain thread blocks in [`result`](Self::result); a task
/// awaits the future itself, on any executor. It is pending, then running, and in the end finished
/// or cancelled.
///
/// Clones are handles of the same future. The value is moved out once, to the first who takes it;
/// later takers get an error that [says so](ConcurrentError::is_already_taken). With `T: Clone`,
/// [`result_cloned`](Self::result_cloned) leaves it in place.
///
/// Dropping handles detaches: the work goes on. A cancel request that reaches a task while it
/// awaits this future is forwarded to [`cancel`](Self::cancel).
///
/// ```
/// use loopwork_sync::{CancelPolicy, ConcurrentFuture};
///
/// let (completer, future) = ConcurrentFuture::channel(CancelPolicy::WhilePending);
/// std::thread::spawn(move || {
///     if completer.set_running_or_notify_cancel() {
///         completer.set_result(6 * 7).unwrap();
///     }
/// });
/// assert_eq!(future.result(None).unwrap(), 42);
/// ```
#[doc(alias = "concurrent.futures.Future")]
#[doc(alias = "wrap_future")]
pub struct ConcurrentFuture<T> {
    shared: Arc<Shared<T>>,
    waiter: BoxedWaiter,
    /// The handle a done-callback gets: it never has to wait.
    known_done: bool,
}

impl<T> ConcurrentFuture<T> {
    /// A pending future and the end that completes it.
    pub fn channel(policy: CancelPolicy) -> (Completer<T>, Self) {
        let shared = Shared::new(policy);
        (Completer::new(shared.clone()), Self::handle(shared, false))
    }

    /// Blocks this thread until the future is done, and moves its value out.
    ///
    /// `None` waits without limit; a zero time-out only looks.
    ///
    /// # Errors
    ///
    /// [`ConcurrentError`]: the work panicked, was cancelled, or was not done in time (it goes on:
    /// a time-out cancels nothing); or the value was taken before.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks, whether or not the future is done: `.await` it there.
    /// A zero time-out, and the handle that a done-callback gets, may be used anywhere.
    #[track_caller]
    pub fn result(&self, timeout: Option<Duration>) -> Result<T, ConcurrentError> {
        self.assert_may_wait("`ConcurrentFuture::result`", timeout);
        self.wait_done(timeout)?.take().expect("the future is done")
    }

    /// [`result`](Self::result) by clone: the value stays for others.
    ///
    /// `T::clone` runs under the future's lock and must not use the future.
    ///
    /// # Errors
    ///
    /// As [`result`](Self::result).
    ///
    /// # Panics
    ///
    /// As [`result`](Self::result).
    #[track_caller]
    pub fn result_cloned(&self, timeout: Option<Duration>) -> Result<T, ConcurrentError>
    where
        T: Clone,
    {
        self.assert_may_wait("`ConcurrentFuture::result_cloned`", timeout);
        let mut state = self.wait_done(timeout)?;
        // Unwind: a clone that panics leaves the value where it is.
        let read = state.read(|outcome| match outcome {
            Outcome::Value(value) => Some(value.clone()),
            _ => None,
        });
        read.expect("the future is done")
    }

    /// Moves the value out if the future is done; `None` if it is not. Never blocks.
    ///
    /// # Errors
    ///
    /// As [`result`](Self::result), without the time-out.
    pub fn try_result(&self) -> Option<Result<T, ConcurrentError>> {
        self.shared.state.lock().take()
    }

    /// Blocks this thread until the future is done, and tells how the work failed.
    ///
    /// `Ok(None)` if it gave a value, which stays; `Ok(Some(_))` with the panic otherwise.
    ///
    /// # Errors
    ///
    /// If the work was cancelled, or not done in time.
    ///
    /// # Panics
    ///
    /// As [`result`](Self::result).
    #[track_caller]
    pub fn exception(
        &self,
        timeout: Option<Duration>,
    ) -> Result<Option<ConcurrentError>, ConcurrentError> {
        self.assert_may_wait("`ConcurrentFuture::exception`", timeout);
        match &self.wait_done(timeout)?.phase {
            Phase::Cancelled => Err(ConcurrentError::cancelled()),
            Phase::Finished(Outcome::Panicked(panicked)) => {
                Ok(Some(ConcurrentError::panicked(panicked.clone())))
            }
            _ => Ok(None),
        }
    }

    /// Cancels the future, if its [`CancelPolicy`] still allows that. Never blocks.
    ///
    /// True if the future is cancelled now, by this call or before; false if it is finished, or
    /// running and not to be stopped. An accepted call ends the future at once: who waits gets
    /// the error, and done-callbacks run on this thread. Work that was running is asked to stop,
    /// and may go on for a while: see [`stopped`](Self::stopped).
    pub fn cancel(&self) -> bool {
        self.shared.settle(By::Consumer, Phase::Cancelled).is_ok() || self.cancelled()
    }

    /// Cancels, then blocks this thread until the work cannot run any more.
    ///
    /// What [`cancel`](Self::cancel) said comes back. Where it was refused, this waits for the
    /// work to finish by itself.
    ///
    /// # Errors
    ///
    /// If the work had not stopped in time.
    ///
    /// # Panics
    ///
    /// As [`result`](Self::result).
    #[track_caller]
    pub fn cancel_and_wait(&self, timeout: Option<Duration>) -> Result<bool, ConcurrentError> {
        self.assert_may_wait("`ConcurrentFuture::cancel_and_wait`", timeout);
        let accepted = self.cancel();
        drop(self.wait_until(timeout, |state| state.is_stopped(self.shared.policy))?);
        Ok(accepted)
    }

    /// Waits until the work behind this future cannot run any more.
    ///
    /// A cancelled future is done at once, while its work may still be cleaning up. This waits
    /// until the producing end has let go. Dropping the future leaves.
    pub fn stopped(&self) -> Stopped<'_, T> {
        Stopped::new(self)
    }

    /// Whether the future was cancelled.
    pub fn cancelled(&self) -> bool {
        matches!(self.shared.state.lock().phase, Phase::Cancelled)
    }

    /// Whether the future is finished or cancelled.
    pub fn done(&self) -> bool {
        self.shared.state.lock().phase.is_terminal()
    }

    /// Whether the work has started and is not done.
    pub fn running(&self) -> bool {
        matches!(self.shared.state.lock().phase, Phase::Running)
    }

    /// Calls `callback` with this future when it is done.
    ///
    /// Callbacks run in the order they were added, on the thread that completes or cancels the
    /// future; if it is done already, at once on this thread. One that panics is reported on
    /// standard error, and the others still run. Dropping this handle does not remove it.
    ///
    /// ```
    /// use loopwork_sync::{CancelPolicy, ConcurrentFuture};
    ///
    /// let (completer, future) = ConcurrentFuture::channel(CancelPolicy::UntilDone);
    /// let (sender, seen) = std::sync::mpsc::channel();
    /// future.add_done_callback(move |future| sender.send(future.result(None).unwrap()).unwrap());
    /// completer.set_result(3).unwrap();
    /// assert_eq!(seen.recv(), Ok(3));
    /// ```
    pub fn add_done_callback(&self, callback: impl FnOnce(&Self) + Send + 'static) {
        let mut state = self.shared.state.lock();
        if state.phase.is_terminal() {
            drop(state);
            self.shared.call(Box::new(callback));
        } else {
            state.callbacks.push(Box::new(callback));
        }
    }

    fn handle(shared: Arc<Shared<T>>, known_done: bool) -> Self {
        Self { shared, waiter: BoxedWaiter::default(), known_done }
    }

    #[track_caller]
    fn assert_may_wait(&self, what: &str, timeout: Option<Duration>) {
        if !self.known_done && timeout != Some(Duration::ZERO) {
            loopwork_context::assert_may_block(what);
        }
    }

    fn wait_done(
        &self,
        timeout: Option<Duration>,
    ) -> Result<MutexGuard<'_, State<T>>, ConcurrentError> {
        self.wait_until(timeout, |state| state.phase.is_terminal())
    }

    fn wait_until(
        &self,
        timeout: Option<Duration>,
        ready: impl Fn(&State<T>) -> bool,
    ) -> Result<MutexGuard<'_, State<T>>, ConcurrentError> {
        // A deadline beyond the clock's range never comes.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let seen = self.shared.notices();
        let state = self.shared.state.lock();
        if ready(&state) {
            return Ok(state);
        }
        drop(state);
        spin_then(timeout, || self.shared.notices() != seen, || self.block_until(deadline, ready))
    }

    fn block_until(
        &self,
        deadline: Option<Instant>,
        ready: impl Fn(&State<T>) -> bool,
    ) -> Result<MutexGuard<'_, State<T>>, ConcurrentError> {
        let mut state = self.shared.state.lock();
        while !ready(&state) {
            match deadline {
                None => self.shared.changed.wait(&mut state),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(ConcurrentError::timed_out());
                    }
                    self.shared.changed.wait_for(&mut state, left);
                }
            }
        }
        Ok(state)
    }

    fn state_name(&self) -> &'static str {
        match self.shared.state.lock().phase {
            Phase::Pending => "pending",
            Phase::Running => "running",
            Phase::Finished(_) => "finished",
            Phase::Cancelled => "cancelled",
        }
    }
}

impl<T> Future for ConcurrentFuture<T> {
    type Output = Result<T, ConcurrentError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let polled = this.shared.look(&mut this.waiter, cx, State::take);
        if polled.is_pending() && loopwork_context::request_visible() {
            // The request stays visible: whoever surrounds this poll takes it and drops the
            // wait; a task that nobody surrounds ends cancelled.
            this.cancel();
        }
        polled
    }
}

impl<T> Clone for ConcurrentFuture<T> {
    /// Another handle of the same future.
    fn clone(&self) -> Self {
        Self::handle(self.shared.clone(), self.known_done)
    }
}

impl<T> Drop for ConcurrentFuture<T> {
    fn drop(&mut self) {
        self.shared.leave(&mut self.waiter);
    }
}

impl<T> fmt::Debug for ConcurrentFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrentFuture").field("state", &self.state_name()).finish()
    }
}

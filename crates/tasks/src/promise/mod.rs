//! A value that somebody sets and many await: asyncio's `Future`. `README.md` beside this file has
//! the protocol.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | [`Promise`]: set, look, cancel, be told |
//! | `line.rs` | who is told of the end, in one order |
//! | `shared.rs` | what its handles share: the decision, and what follows from it |
//! | `wait.rs` | [`PromiseWait`]: an await of it |
//! | `error.rs` | [`PromiseError`], [`InvalidState`] |

mod error;
mod line;
mod shared;
mod wait;

use std::error::Error;
use std::fmt;
use std::future::IntoFuture;
use std::panic::Location;
use std::sync::Arc;

use loopwork_context::CancelReason;
use loopwork_core::{CallHandle, Handle, SharedError};

pub use self::error::{InvalidState, PromiseError};
use self::shared::{Outcome, Shared};
pub use self::wait::PromiseWait;

/// A value that is not there yet: somebody sets it, once, and everybody who has a handle may await it.
///
/// Clones are handles of the same promise, and any of them sets, cancels, awaits or looks, from any
/// thread. It is set once: to a value, to an error, or to cancelled. Who awaits gets a clone of what
/// was set, in the order in which they began to wait. What was done before it was set is seen by
/// whoever finds it done.
///
/// Cancelling a task that awaits a promise does not cancel the promise. In asyncio it does, so that
/// one of several waiters ends the wait of all: a hazard that is left out on purpose.
///
/// An error that nobody has looked at is reported to the loop's exception handler when the last handle
/// is dropped. Looking is awaiting it, or asking for the `result` or the `exception`.
///
/// Whoever might set it holds a handle like everybody else: a promise cannot know that nobody will.
/// Where that matters, a [`oneshot`](loopwork_sync::oneshot) channel has ends that differ.
///
/// asyncio: `Future`.
///
/// ```
/// use loopwork_tasks::{Promise, create_task};
///
/// # loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap().block_on(async {
/// let answer = Promise::<u32>::new();
/// let first = create_task(answer.clone().into_future());
/// let second = create_task(answer.clone().into_future());
/// answer.set_result(42).unwrap();
/// assert_eq!((first.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (42, 42));
///
/// let refused = answer.set_result(43).unwrap_err();
/// assert_eq!(refused.into_inner(), 43);
/// # use std::future::IntoFuture;
/// # }).unwrap();
/// ```
#[doc(alias = "asyncio.Future")]
#[doc(alias = "create_future")]
pub struct Promise<T, E = SharedError>(Arc<Shared<T, E>>);

impl<T, E> Promise<T, E> {
    /// A promise of the loop that runs here: done-callbacks are run by that loop, and reports go to its
    /// exception handler.
    ///
    /// # Panics
    ///
    /// Outside a loop. `Handle::create_future` makes one for a loop that does not run here.
    ///
    /// asyncio: `loop.create_future`.
    #[expect(clippy::new_without_default, reason = "it needs a loop")]
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        match Handle::current() {
            Ok(handle) => Self::of(handle, Location::caller()),
            Err(error) => panic!(
                "a promise belongs to a loop: {error}, or make it by `Handle::create_future`"
            ),
        }
    }

    /// A promise of this loop.
    #[doc(hidden)]
    #[must_use]
    pub fn of(handle: Handle, made_at: &'static Location<'static>) -> Self {
        Self(Arc::new(Shared::new(handle, made_at)))
    }

    /// Sets the value: all who await the promise get it, and its done-callbacks are due.
    ///
    /// # Errors
    ///
    /// Gives the value back if the promise is done.
    ///
    /// asyncio: `Future.set_result`.
    pub fn set_result(&self, value: T) -> Result<(), InvalidState<T>> {
        match self.settle(Outcome::Value(value)) {
            Err(Outcome::Value(value)) => Err(InvalidState(value)),
            _ => Ok(()),
        }
    }

    /// Sets an error: all who await the promise get it, and its done-callbacks are due.
    ///
    /// # Errors
    ///
    /// Gives the error back if the promise is done.
    ///
    /// asyncio: `Future.set_exception`.
    #[doc(alias = "set_exception")]
    pub fn set_error(&self, error: E) -> Result<(), InvalidState<E>>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        match self.settle(Outcome::Error { error, share: SharedError::new }) {
            Err(Outcome::Error { error, .. }) => Err(InvalidState(error)),
            _ => Ok(()),
        }
    }

    /// Cancels the promise: all who await it get [`PromiseError::Cancelled`], and its done-callbacks
    /// are due. True unless it is done.
    ///
    /// The tasks that await it are not cancelled thereby.
    ///
    /// asyncio: `Future.cancel`.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.settle(Outcome::Cancelled(CancelReason::unspoken())).is_ok()
    }

    /// As [`cancel`](Promise::cancel), and says why.
    ///
    /// asyncio: `Future.cancel(msg)`.
    #[track_caller]
    pub fn cancel_with(&self, reason: impl Into<CancelReason>) -> bool {
        self.settle(Outcome::Cancelled(reason.into())).is_ok()
    }

    /// Whether it has a value or an error, or was cancelled.
    ///
    /// asyncio: `Future.done`.
    #[must_use]
    pub fn done(&self) -> bool {
        self.0.outcome().is_some()
    }

    /// Whether it was cancelled.
    ///
    /// asyncio: `Future.cancelled`.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        matches!(self.0.outcome(), Some(Outcome::Cancelled(_)))
    }

    /// A clone of its value.
    ///
    /// # Errors
    ///
    /// Its error; or that it was cancelled, or is not done.
    ///
    /// asyncio: `Future.result`.
    pub fn result(&self) -> Result<T, PromiseError<E>>
    where
        T: Clone,
        E: Clone,
    {
        match self.0.outcome() {
            None => Err(PromiseError::NotDone),
            Some(Outcome::Value(value)) => Ok(value.clone()),
            Some(Outcome::Error { error, .. }) => {
                self.0.be_seen();
                Err(PromiseError::Failed(error.clone()))
            }
            Some(Outcome::Cancelled(reason)) => Err(PromiseError::Cancelled(reason.clone())),
        }
    }

    /// A clone of its error, or `None` if it has a value.
    ///
    /// # Errors
    ///
    /// That it was cancelled, or is not done.
    ///
    /// asyncio: `Future.exception`.
    pub fn exception(&self) -> Result<Option<E>, PromiseError<E>>
    where
        E: Clone,
    {
        match self.0.outcome() {
            None => Err(PromiseError::NotDone),
            Some(Outcome::Value(_)) => Ok(None),
            Some(Outcome::Error { error, .. }) => {
                self.0.be_seen();
                Ok(Some(error.clone()))
            }
            Some(Outcome::Cancelled(reason)) => Err(PromiseError::Cancelled(reason.clone())),
        }
    }

    /// Where it was made.
    #[must_use]
    pub fn made_at(&self) -> &'static Location<'static> {
        self.0.made_at
    }
}

impl<T> Promise<T> {
    /// As [`set_error`](Promise::set_error), with any error.
    ///
    /// # Errors
    ///
    /// Gives the error back if the promise is done.
    ///
    /// asyncio: `Future.set_exception`.
    ///
    /// ```
    /// # loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap().block_on(async {
    /// use loopwork_tasks::Promise;
    ///
    /// let page = Promise::<String>::new();
    /// page.set_exception("no such page").unwrap();
    /// assert_eq!(page.await.unwrap_err().to_string(), "no such page");
    /// # }).unwrap();
    /// ```
    pub fn set_exception(
        &self,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Result<(), InvalidState<SharedError>> {
        self.set_error(SharedError::new(error))
    }
}

impl<T: Send + Sync + 'static, E: Send + Sync + 'static> Promise<T, E> {
    /// Calls `callback` with the promise once it is done, in the loop's callback order: after the
    /// callbacks that became due before it, never beside another one. If the promise is done, the
    /// callback is due now. Those of one promise run in the order in which they were added.
    ///
    /// The handle that is given cancels the callback. If nobody has the promise any more before it was
    /// set, or if the loop closes before the callback could run, it is dropped, and its handle says
    /// that it was cancelled. A callback that panics is reported to the exception handler. One that
    /// holds a handle of this promise keeps it alive until it is set.
    ///
    /// asyncio: `Future.add_done_callback`; `remove_done_callback` is [`CallHandle::cancel`].
    ///
    /// ```
    /// # loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap().block_on(async {
    /// use loopwork_tasks::{Promise, yield_now};
    ///
    /// let answer = Promise::<u32>::new();
    /// let printed = answer.add_done_callback(|answer| println!("{:?}", answer.result()));
    /// answer.set_result(42).unwrap();
    /// yield_now().await;
    /// assert!(!printed.cancelled());
    /// # }).unwrap();
    /// ```
    #[doc(alias = "remove_done_callback")]
    pub fn add_done_callback(&self, callback: impl FnOnce(&Self) + Send + 'static) -> CallHandle {
        self.be_told(callback)
    }
}

impl<T, E> Clone for Promise<T, E> {
    /// Another handle of the same promise.
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone, E: Clone> IntoFuture for Promise<T, E> {
    type Output = Result<T, PromiseError<E>>;
    type IntoFuture = PromiseWait<T, E>;

    fn into_future(self) -> PromiseWait<T, E> {
        PromiseWait::new(self)
    }
}

impl<T: Clone, E: Clone> IntoFuture for &Promise<T, E> {
    type Output = Result<T, PromiseError<E>>;
    type IntoFuture = PromiseWait<T, E>;

    fn into_future(self) -> PromiseWait<T, E> {
        PromiseWait::new(self.clone())
    }
}

impl<T, E> fmt::Debug for Promise<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Promise");
        match self.0.outcome() {
            None => debug.field("state", &format_args!("pending")),
            Some(Outcome::Value(_)) => debug.field("state", &format_args!("a value")),
            Some(Outcome::Error { .. }) => debug.field("state", &format_args!("an error")),
            Some(Outcome::Cancelled(reason)) => {
                debug.field("state", &format_args!("cancelled, {reason}"))
            }
        };
        debug.field("made_at", &format_args!("{}", self.0.made_at)).finish()
    }
}

//! A channel for one value.
//!
//! For the answer to a request, or the end of some work: each side is one task or thread, and the
//! value crosses once. For many values there is [`mpsc`](crate::mpsc), for "look again" without a
//! value [`Notify`](crate::Notify). asyncio has no such type; there a `Future` serves.
//!
//! A channel is one allocation. Sending takes one atomic operation if the receiver has not begun to
//! wait, receiving then none; where it waits they are three in all.
//!
//! ```
//! use loopwork_sync::oneshot;
//!
//! let (sender, receiver) = oneshot::channel();
//! std::thread::spawn(move || sender.send("done").unwrap());
//! assert_eq!(futures::executor::block_on(receiver), Ok("done"));
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `oneshot/error.rs` | why there is no value |

mod error;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use loopwork_context::{WaitReason, hold_back, proceed, spending, waits_for};

pub use self::error::{RecvError, TryRecvError};
use crate::blocking;
use crate::storage::{Giver, Taken, Taker, single};

/// A channel for one value: either end may be used on any thread and any executor.
///
/// ```
/// # futures::executor::block_on(async {
/// let (sender, receiver) = loopwork_sync::oneshot::channel();
/// sender.send(1).unwrap();
/// assert_eq!(receiver.await, Ok(1));
/// # });
/// ```
#[must_use = "a channel is of use with both ends"]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (giver, taker) = single();
    (Sender { giver }, Receiver { taker, waited: false })
}

/// The end that sends the value.
///
/// Dropping it without sending ends the receiver's wait with a [`RecvError`].
pub struct Sender<T> {
    giver: Giver<T>,
}

impl<T> Sender<T> {
    /// Sends the value and wakes the receiver. Never waits.
    ///
    /// # Errors
    ///
    /// The value, if the receiver was dropped or closed. Success does not say that the value will be
    /// received: the receiver may be dropped with the value unread.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::oneshot::channel();
    /// drop(receiver);
    /// assert_eq!(sender.send("nobody is there"), Err("nobody is there"));
    /// ```
    #[inline]
    pub fn send(self, value: T) -> Result<(), T> {
        self.giver.give(value)
    }

    /// Whether the receiver was dropped or closed, so that nobody would get the value.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::oneshot::channel::<i32>();
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.giver.is_shut()
    }

    /// Waits until the receiver is dropped or closed: for who would rather stop than make a value that
    /// nobody wants.
    ///
    /// Dropping the future changes nothing.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (mut sender, receiver) = loopwork_sync::oneshot::channel::<i32>();
    /// std::thread::spawn(|| drop(receiver));
    /// sender.closed().await;
    /// # });
    /// ```
    pub async fn closed(&mut self) {
        let mut waited = false;
        poll_fn(|cx| {
            ready!(hold_back(cx, waited));
            let polled = self.poll_closed(cx);
            waited = polled.is_pending();
            polled
        })
        .await;
    }

    /// [`closed`](Sender::closed) for who writes futures by hand: the last to poll is woken.
    ///
    /// ```
    /// # use std::task::{Context, Waker};
    /// let (mut sender, receiver) = loopwork_sync::oneshot::channel::<i32>();
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert!(sender.poll_closed(&mut cx).is_pending());
    /// drop(receiver);
    /// assert!(sender.poll_closed(&mut cx).is_ready());
    /// ```
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        spending(cx, |cx| {
            let polled = self.giver.poll_shut(cx);
            if polled.is_pending() {
                waits_for(WaitReason::Event);
            }
            polled
        })
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("closed", &self.is_closed()).finish()
    }
}

/// The end that receives the value: a future of `Result<T, RecvError>`.
///
/// Dropping it closes the channel: a value that was sent already is dropped, one sent later comes
/// back to the sender. Awaited again after it gave the value, it fails with [`RecvError`]. A receiver that
/// is polled by `&mut`, in a `select`, and given up there still is the receiver.
///
/// A cancel request that reaches the waiting task before the value does is met first: the value is not
/// taken. It is dropped along with the receiver; or, if that was awaited by `&mut`, it is there for the
/// next await.
#[must_use = "futures do nothing unless awaited"]
pub struct Receiver<T> {
    taker: Taker<T>,
    /// It was pending when it was polled last.
    waited: bool,
}

impl<T> Receiver<T> {
    /// Takes the value if it was sent.
    ///
    /// # Errors
    ///
    /// Whether the value may still come.
    ///
    /// ```
    /// use loopwork_sync::oneshot::{self, TryRecvError};
    ///
    /// let (sender, mut receiver) = oneshot::channel();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.taker.take() {
            Taken::Value(value) => Ok(value),
            Taken::NotYet => Err(TryRecvError::Empty),
            Taken::Never => Err(TryRecvError::Closed),
        }
    }

    /// Waits for the value by blocking this thread.
    ///
    /// # Errors
    ///
    /// If the sender was dropped without sending, or the channel closed.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks: await the receiver there.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::oneshot::channel();
    /// std::thread::spawn(move || sender.send(1));
    /// assert_eq!(receiver.blocking_recv(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        blocking::wait_for("`Receiver::blocking_recv`", self)
    }

    /// Refuses a value not yet sent. One that was sent before can still be received.
    ///
    /// ```
    /// use loopwork_sync::oneshot::{self, TryRecvError};
    ///
    /// let (sender, mut receiver) = oneshot::channel();
    /// receiver.close();
    /// assert_eq!(sender.send(1), Err(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn close(&mut self) {
        self.taker.shut();
    }

    /// Whether no value can be sent any more: it was sent, or an end was dropped or closed.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::oneshot::channel();
    /// assert!(!receiver.is_closed());
    /// sender.send(1).unwrap();
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.taker.is_over()
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let progress = ready!(proceed(cx));
        if progress.holds_back() && this.waited {
            return this.wait_overtaken(cx);
        }
        let taken = this.taker.poll_take(cx);
        this.waited = matches!(taken, Taken::NotYet);
        let received = match taken {
            Taken::Value(value) => Ok(value),
            Taken::Never => Err(RecvError(())),
            Taken::NotYet => {
                waits_for(WaitReason::Event);
                return Poll::Pending;
            }
        };
        progress.made();
        Poll::Ready(received)
    }
}

impl<T> Receiver<T> {
    /// Takes nothing, since a cancel request came first.
    #[cold]
    fn wait_overtaken(&mut self, cx: &Context<'_>) -> Poll<Result<T, RecvError>> {
        waits_for(WaitReason::Event);
        if self.taker.poll_over(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

// The value is never pinned.
impl<T> Unpin for Receiver<T> {}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("closed", &self.is_closed()).finish()
    }
}

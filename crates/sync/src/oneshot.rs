//! A channel for one value.
//!
//! ```
//! use loopwork_sync::oneshot;
//!
//! let (sender, receiver) = oneshot::channel();
//! std::thread::spawn(move || sender.send("done").unwrap());
//! assert_eq!(futures::executor::block_on(receiver), Ok("done"));
//! ```

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_context::WaitReason;
use loopwork_shim::sync::Mutex;

use crate::blocking;
use crate::tickets::poll_attempts;

/// A channel for one value: either end may be used on any thread and any executor.
///
/// asyncio has no such type; there a `Future` serves.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let state = State { value: None, open: true, receiver: None };
    let shared = Arc::new(Mutex::new(state));
    (Sender { shared: shared.clone() }, Receiver { shared })
}

/// The waiter is one by type, so the state holds its waker instead of a list.
struct State<T> {
    value: Option<T>,
    /// Neither was a value sent, nor an end dropped or closed: only then may a value come.
    open: bool,
    receiver: Option<Waker>,
}

/// The end that sends the value.
///
/// Dropping it without sending ends the receiver's wait with a [`RecvError`].
pub struct Sender<T> {
    shared: Arc<Mutex<State<T>>>,
}

impl<T> Sender<T> {
    /// Sends the value and wakes the receiver. Never waits.
    ///
    /// # Errors
    ///
    /// The value, if the receiver was dropped or closed.
    pub fn send(self, value: T) -> Result<(), T> {
        let mut state = self.shared.lock();
        if !state.open {
            return Err(value);
        }
        state.value = Some(value);
        state.open = false;
        Ok(())
        // Dropping `self` wakes the receiver.
    }

    /// Whether the receiver was dropped or closed, so that nobody would get the value.
    pub fn is_closed(&self) -> bool {
        !self.shared.lock().open
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.open = false;
        let receiver = state.receiver.take();
        drop(state);
        if let Some(waker) = receiver {
            waker.wake();
        }
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
/// back to the sender. Awaited again after it gave the value, it fails with [`RecvError`].
#[must_use = "futures do nothing unless awaited"]
pub struct Receiver<T> {
    shared: Arc<Mutex<State<T>>>,
}

impl<T> Receiver<T> {
    /// Takes the value if it was sent.
    ///
    /// # Errors
    ///
    /// Whether the value may still come.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let mut state = self.shared.lock();
        match state.value.take() {
            Some(value) => Ok(value),
            None if state.open => Err(TryRecvError::Empty),
            None => Err(TryRecvError::Closed),
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
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        blocking::wait_for("`Receiver::blocking_recv`", self)
    }

    /// Refuses a value not yet sent. One that was sent before can still be received.
    pub fn close(&mut self) {
        self.shared.lock().open = false;
    }

    /// Whether no value can be sent any more: it was sent, or an end was dropped or closed.
    pub fn is_closed(&self) -> bool {
        !self.shared.lock().open
    }

    fn attempt(&mut self, waker: Option<Waker>) -> Poll<Result<T, RecvError>> {
        let mut state = self.shared.lock();
        if !state.open {
            let value = state.value.take();
            let unused = state.receiver.take();
            drop(state);
            drop(unused);
            return Poll::Ready(value.ok_or(RecvError(())));
        }
        let replaced = waker.map(|waker| state.receiver.replace(waker));
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        poll_attempts(cx, WaitReason::Event, |waker| this.attempt(waker))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.open = false;
        let unread = state.value.take();
        let unused = state.receiver.take();
        drop(state);
        drop((unread, unused));
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("closed", &self.is_closed()).finish()
    }
}

/// No value will come: the sender was dropped, the channel closed, or the value taken before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError(());

/// Why [`Receiver::try_recv`] has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryRecvError {
    /// Not yet.
    Empty,
    /// And never: the sender was dropped, the channel closed, or the value taken before.
    Closed,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel closed without a value")
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no value was sent yet",
            Self::Closed => "the channel closed without a value",
        })
    }
}

impl Error for RecvError {}
impl Error for TryRecvError {}

//! The sender as a sink.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_sink::Sink;
use loopwork_context::{WaitReason, proceed, waits_for};

use super::{Bounded, SendError, Sender, Unbounded};
use crate::waiters::BoxedWaiter;

/// A [`Sender`] as a `Sink`: made by [`Sender::into_sink`].
///
/// It is ready when it has reserved room for one value, and what was sent is flushed at once. Closing it
/// drops the sender. Dropping it leaves those who wait, and gives back room that was not used.
///
/// It need not be pinned: where it has to wait, its place among those who wait is in a box, which it
/// keeps.
#[must_use = "sinks do nothing unless something is sent"]
pub struct SenderSink<T> {
    /// None once it was closed.
    sender: Option<Sender<T, Bounded>>,
    waiter: BoxedWaiter,
    /// Whether there is room for one value.
    reserved: bool,
}

impl<T> Sender<T, Bounded> {
    /// This sender as a `Sink`, for combinators such as `forward` and `send_all`.
    ///
    /// ```
    /// use futures::{SinkExt, StreamExt, stream};
    ///
    /// # futures::executor::block_on(async {
    /// let (sender, receiver) = loopwork_sync::mpsc::channel(1);
    /// let sent = stream::iter(1..=3).map(Ok).forward(sender.into_sink());
    /// let (sent, sum) = futures::join!(sent, receiver.fold(0, async |sum, n| sum + n));
    /// assert_eq!((sent, sum), (Ok(()), 6));
    /// # });
    /// ```
    pub fn into_sink(self) -> SenderSink<T> {
        SenderSink { sender: Some(self), waiter: BoxedWaiter::default(), reserved: false }
    }
}

impl<T> SenderSink<T> {
    /// The sender again, without what was reserved; none if the sink was closed.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::mpsc::channel(1);
    /// let sender = sender.into_sink().into_inner().unwrap();
    /// sender.try_send(1).unwrap();
    /// ```
    #[must_use]
    pub fn into_inner(mut self) -> Option<Sender<T, Bounded>> {
        self.leave();
        self.sender.take()
    }

    fn poll_reserve(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        let Some(sender) = &self.sender else { return Poll::Ready(Err(SendError(()))) };
        if self.reserved {
            return Poll::Ready(Ok(()));
        }
        let progress = ready!(proceed(cx));
        let shared = sender.shared();
        let fits = self.waiter.is_idle() && shared.reserve(1, false).is_ok();
        let polled = match fits {
            true => Poll::Ready(Ok(())),
            false => shared.poll_reserve(1, self.waiter.make(), cx),
        };
        match polled {
            Poll::Ready(reserved) => {
                progress.made();
                self.reserved = reserved.is_ok();
                Poll::Ready(reserved.map_err(|_closed| SendError(())))
            }
            Poll::Pending => {
                waits_for(WaitReason::Queue);
                Poll::Pending
            }
        }
    }

    /// It neither waits nor has room from now on.
    fn leave(&mut self) {
        let Some(sender) = &self.sender else { return };
        if !self.waiter.is_idle() {
            sender.shared().leave(1, self.waiter.make());
        }
        if std::mem::take(&mut self.reserved) {
            sender.shared().give_back(1);
        }
    }
}

impl<T> Sink<T> for SenderSink<T> {
    type Error = SendError<()>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        self.get_mut().poll_reserve(cx)
    }

    /// # Errors
    ///
    /// If the receiver was dropped, or the sink was closed. The value is dropped.
    ///
    /// # Panics
    ///
    /// If the sink is not ready.
    fn start_send(self: Pin<&mut Self>, value: T) -> Result<(), SendError<()>> {
        let this = self.get_mut();
        let Some(sender) = &this.sender else { return Err(SendError(())) };
        assert!(
            this.reserved,
            "the sink is not ready: poll `poll_ready` first, or use `SinkExt::send`"
        );
        this.reserved = false;
        sender.shared().push_reserved(value).map_err(|_dropped| SendError(()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        let this = self.get_mut();
        this.leave();
        this.sender = None;
        Poll::Ready(Ok(()))
    }
}

// Values are never pinned.
impl<T> Unpin for SenderSink<T> {}

impl<T> Drop for SenderSink<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Always ready. Closing it does nothing: drop the sender.
///
/// ```
/// use futures::SinkExt;
///
/// # futures::executor::block_on(async {
/// let (mut sender, mut receiver) = loopwork_sync::mpsc::unbounded_channel();
/// SinkExt::send(&mut sender, 1).await.unwrap();
/// assert_eq!(receiver.recv().await, Some(1));
/// # });
/// ```
impl<T> Sink<T> for Sender<T, Unbounded> {
    type Error = SendError<T>;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, value: T) -> Result<(), SendError<T>> {
        self.send(value)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        Poll::Ready(Ok(()))
    }
}

impl<T> fmt::Debug for SenderSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SenderSink")
            .field("sender", &self.sender)
            .field("reserved", &self.reserved)
            .finish_non_exhaustive()
    }
}

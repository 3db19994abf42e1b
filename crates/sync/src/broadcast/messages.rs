//! The receiver as a stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use loopwork_context::proceed;
use pin_project_lite::pin_project;

use super::{Receiver, RecvError};
use crate::notify::{Notified, Notify};
use crate::wait::Wait;

pin_project! {
    /// The values of a [`Receiver`] as a `Stream`: made by [`Receiver::into_stream`].
    ///
    /// An item is a value, or [`RecvError::Lagged`]. The stream ends when all senders were dropped. Its place
    /// among those who wait is a part of it, so that it has to be pinned.
    #[must_use = "streams do nothing unless polled"]
    pub struct Messages<T> {
        receiver: Receiver<T>,
        #[pin]
        waits: Option<Wait<Notified<Arc<Notify>>>>,
    }
}

impl<T> Messages<T> {
    pub(super) fn new(receiver: Receiver<T>) -> Self {
        Self { receiver, waits: None }
    }

    /// The receiver again. Nothing is lost by that.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::broadcast::channel(4);
    /// let messages = receiver.into_stream();
    /// sender.send(1).unwrap();
    /// assert_eq!(messages.into_inner().try_recv(), Ok(1));
    /// ```
    pub fn into_inner(self) -> Receiver<T> {
        self.receiver
    }
}

impl<T: Clone> Stream for Messages<T> {
    type Item = Result<T, RecvError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            if let Some(notified) = this.waits.as_mut().as_pin_mut() {
                // It spends the unit of the item that has come.
                ready!(notified.poll(cx));
                this.waits.set(None);
                if let Some(received) = this.receiver.attempt() {
                    return Poll::Ready(item(received));
                }
            }
            let progress = ready!(proceed(cx));
            if let Some(received) = this.receiver.attempt() {
                progress.made();
                return Poll::Ready(item(received));
            }
            let notified = this.receiver.sent().clone().notified_owned();
            if let Some(received) = this.receiver.attempt() {
                progress.made();
                return Poll::Ready(item(received));
            }
            drop(progress);
            this.waits.set(Some(notified));
        }
    }
}

fn item<T>(received: Result<T, RecvError>) -> Option<Result<T, RecvError>> {
    match received {
        Err(RecvError::Closed) => None,
        received => Some(received),
    }
}

impl<T> fmt::Debug for Messages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("receiver", &self.receiver).finish()
    }
}

//! The receiver as a stream.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use loopwork_context::proceed;
use pin_project_lite::pin_project;

use super::{Receiver, Shared};
use crate::notify::{Notified, Notify};
use crate::wait::Wait;

pin_project! {
    /// The values of a [`Receiver`] as a `Stream`: made by [`Receiver::into_stream`].
    ///
    /// The stream ends when all senders were dropped and the last change was seen. Its place among those
    /// who wait is a part of it, so that it has to be pinned.
    #[must_use = "streams do nothing unless polled"]
    pub struct Changes<T> {
        receiver: Receiver<T>,
        #[pin]
        waits: Option<Wait<Notified<Changed<T>>>>,
    }
}

/// Who is notified of a change.
struct Changed<T>(Arc<Shared<T>>);

impl<T> Deref for Changed<T> {
    type Target = Notify;

    fn deref(&self) -> &Notify {
        &self.0.changed
    }
}

impl<T> Receiver<T> {
    /// The values that this receiver has not seen, as a `Stream`. To begin with the value that is there
    /// now, call [`mark_changed`](Receiver::mark_changed) first.
    ///
    /// An item is the latest value: those in between may be missed. `T::clone` runs with the value locked
    /// for writers.
    ///
    /// ```
    /// use futures::StreamExt;
    ///
    /// # futures::executor::block_on(async {
    /// let (sender, receiver) = loopwork_sync::watch::channel(0);
    /// let mut changes = std::pin::pin!(receiver.into_stream());
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// assert_eq!(changes.next().await, Some(2));
    /// drop(sender);
    /// assert_eq!(changes.next().await, None);
    /// # });
    /// ```
    pub fn into_stream(self) -> Changes<T> {
        Changes { receiver: self, waits: None }
    }
}

impl<T> Changes<T> {
    /// The receiver again. Nothing is lost by that.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::watch::channel(0);
    /// let changes = receiver.into_stream();
    /// sender.send(1).unwrap();
    /// assert_eq!(changes.into_inner().has_changed(), Ok(true));
    /// ```
    pub fn into_inner(self) -> Receiver<T> {
        self.receiver
    }
}

impl<T: Clone> Receiver<T> {
    /// The latest value if it was not seen; `Some(None)` if there will be none.
    fn attempt(&mut self) -> Option<Option<T>> {
        let version = self.shared.version();
        if version.differs_from(self.seen) {
            return Some(Some(self.borrow_and_update().clone()));
        }
        version.has_ended().then_some(None)
    }
}

impl<T: Clone> Stream for Changes<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut this = self.project();
        loop {
            if let Some(notified) = this.waits.as_mut().as_pin_mut() {
                // It spends the unit of the value that has come.
                ready!(notified.poll(cx));
                this.waits.set(None);
                if let Some(value) = this.receiver.attempt() {
                    return Poll::Ready(value);
                }
            }
            let progress = ready!(proceed(cx));
            let notified = Notified::of(Changed(this.receiver.shared.clone()));
            if let Some(value) = this.receiver.attempt() {
                progress.made();
                return Poll::Ready(value);
            }
            drop(progress);
            this.waits.set(Some(notified));
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Changes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("receiver", &self.receiver).finish()
    }
}

//! The end that receives.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use loopwork_context::{WaitReason, hold_back, spending, try_proceed, waits_for};

use super::kind::Ends;
use super::{Bounded, Kind, TryRecvError, Unbounded};
use crate::blocking;
use crate::storage::{Consumer, Popped};

/// The end that receives. It is a `Stream`, too.
///
/// Dropping it closes the channel: what was sent and not received is dropped, and senders that wait, or
/// come later, get their values back.
///
/// ```
/// # futures::executor::block_on(async {
/// let (sender, mut receiver) = loopwork_sync::mpsc::channel(1);
/// std::thread::spawn(move || sender.blocking_send("hello"));
/// assert_eq!(receiver.recv().await, Some("hello"));
/// assert_eq!(receiver.recv().await, None);
/// # });
/// ```
pub struct Receiver<T, K: Kind = Bounded> {
    consumer: Consumer<K::Queue<T>, Ends>,
}

/// The [`Receiver`] of an [`unbounded_channel`](super::unbounded_channel).
pub type UnboundedReceiver<T> = Receiver<T, Unbounded>;

impl<T, K: Kind> Receiver<T, K> {
    pub(super) fn new(consumer: Consumer<K::Queue<T>, Ends>) -> Self {
        Self { consumer }
    }

    /// The next value, in the order they were sent; none when all senders were dropped, or the channel
    /// was closed, and all that was sent was received.
    ///
    /// Dropping the future takes nothing.
    ///
    /// asyncio: `Queue.get`.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, mut receiver) = loopwork_sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, Some(1));
    /// assert_eq!(receiver.recv().await, None);
    /// # });
    /// ```
    #[doc(alias = "get")]
    #[inline]
    pub async fn recv(&mut self) -> Option<T> {
        match self.recv_at_once() {
            Some(value) => Some(value),
            None => self.wait_for_one().await,
        }
    }

    /// What nearly every call is: a part of who awaits it, which has nothing of it in its memory.
    #[inline(always)]
    fn recv_at_once(&mut self) -> Option<T> {
        let progress = try_proceed()?;
        let value = self.consumer.pop()?;
        self.made_room();
        progress.made();
        Some(value)
    }

    async fn wait_for_one(&mut self) -> Option<T> {
        let mut waited = false;
        poll_fn(|cx| {
            // What a cancel request has overtaken takes nothing.
            ready!(hold_back(cx, waited));
            let polled = self.poll_recv(cx);
            waited = polled.is_pending();
            polled
        })
        .await
    }

    /// Appends up to `limit` values to `buffer`, as many as are there, and waits if there is none. How
    /// many they were: 0 when none will come any more, or if `limit` is 0.
    ///
    /// Dropping the future takes nothing. All of them spend one unit of the task's budget.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, mut receiver) = loopwork_sync::mpsc::unbounded_channel();
    /// (0..5).try_for_each(|n| sender.send(n)).unwrap();
    /// let mut buffer = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut buffer, 3).await, 3);
    /// assert_eq!(receiver.recv_many(&mut buffer, 3).await, 2);
    /// assert_eq!(buffer, [0, 1, 2, 3, 4]);
    /// # });
    /// ```
    pub async fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let mut waited = false;
        poll_fn(|cx| {
            ready!(hold_back(cx, waited));
            let polled = self.poll_recv_many(cx, buffer, limit);
            waited = polled.is_pending();
            polled
        })
        .await
    }

    /// The next value if it is there.
    ///
    /// asyncio: `Queue.get_nowait`.
    ///
    /// # Errors
    ///
    /// Whether one may still come.
    ///
    /// ```
    /// use loopwork_sync::mpsc::{self, TryRecvError};
    ///
    /// let (sender, mut receiver) = mpsc::channel(1);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.try_send(1).unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    #[doc(alias = "get_nowait")]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.consumer.try_pop() {
            Popped::Item(value) => {
                self.made_room();
                Ok(value)
            }
            Popped::Empty => Err(TryRecvError::Empty),
            Popped::Over => Err(TryRecvError::Closed),
        }
    }

    /// The next value; blocks this thread while there is none.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks: await [`recv`](Receiver::recv) there.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::mpsc::unbounded_channel();
    /// std::thread::spawn(move || sender.send(1));
    /// assert_eq!(receiver.blocking_recv(), Some(1));
    /// assert_eq!(receiver.blocking_recv(), None);
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        blocking::wait_for("`Receiver::blocking_recv`", self.recv())
    }

    /// [`recv`](Receiver::recv) for who writes futures by hand: the last to poll is woken.
    ///
    /// ```
    /// # use std::task::{Context, Poll, Waker};
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel(1);
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert!(receiver.poll_recv(&mut cx).is_pending());
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.poll_recv(&mut cx), Poll::Ready(Some(1)));
    /// ```
    #[inline]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        spending(cx, |cx| self.poll_next_value(cx))
    }

    #[inline]
    fn poll_next_value(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let polled = self.consumer.poll_pop(cx);
        match polled {
            Poll::Ready(Some(_)) => self.made_room(),
            Poll::Ready(None) => {}
            Poll::Pending => waits_for(WaitReason::Queue),
        }
        polled
    }

    /// [`recv_many`](Receiver::recv_many) for who writes futures by hand: the last to poll is woken.
    ///
    /// ```
    /// # use std::task::{Context, Poll, Waker};
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel(2);
    /// let mut cx = Context::from_waker(Waker::noop());
    /// let mut buffer = Vec::new();
    /// assert!(receiver.poll_recv_many(&mut cx, &mut buffer, 9).is_pending());
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.poll_recv_many(&mut cx, &mut buffer, 9), Poll::Ready(1));
    /// ```
    pub fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        if limit == 0 {
            return Poll::Ready(0);
        }
        spending(cx, |cx| {
            let first = match self.consumer.poll_pop(cx) {
                Poll::Ready(Some(value)) => value,
                Poll::Ready(None) => return Poll::Ready(0),
                Poll::Pending => {
                    waits_for(WaitReason::Queue);
                    return Poll::Pending;
                }
            };
            buffer.push(first);
            let mut count = 1;
            while count < limit {
                let Some(value) = self.consumer.pop() else { break };
                buffer.push(value);
                count += 1;
            }
            self.made_room();
            Poll::Ready(count)
        })
    }

    /// Refuses what is not yet sent. What was sent before, and what is sent by permits that were given
    /// before, can still be received.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel(2);
    /// sender.try_send(1).unwrap();
    /// receiver.close();
    /// assert!(sender.try_send(2).is_err());
    /// assert_eq!(receiver.blocking_recv(), Some(1));
    /// assert_eq!(receiver.blocking_recv(), None);
    /// ```
    #[doc(alias = "shutdown")]
    pub fn close(&mut self) {
        self.consumer.close();
        self.tell();
    }

    /// How many values were sent and not received.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::mpsc::channel(2);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.len(), 1);
    /// ```
    #[doc(alias = "qsize")]
    pub fn len(&self) -> usize {
        self.consumer.shared().len()
    }

    /// Whether all that was sent was received.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::mpsc::channel(2);
    /// assert!(receiver.is_empty());
    /// sender.try_send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    #[doc(alias = "empty")]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it was closed. It is not if only the senders have gone.
    ///
    /// ```
    /// let (_sender, mut receiver) = loopwork_sync::mpsc::channel::<i32>(2);
    /// assert!(!receiver.is_closed());
    /// receiver.close();
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.consumer.shared().is_closed()
    }

    /// There is room for those who wait for it.
    #[inline]
    fn made_room(&self) {
        K::made_room(self.consumer.shared());
    }

    /// It was closed: tells those who wait for room, or for that.
    fn tell(&self) {
        let shared = self.consumer.shared();
        if !loopwork_shim::weaken!("mpsc-close") {
            K::closed(shared);
        }
        shared.beside.closed.notify_waiters();
    }
}

impl<T, K: Kind> Drop for Receiver<T, K> {
    fn drop(&mut self) {
        // Unwind: what a destructor that panics leaves is dropped with the channel.
        self.consumer.go();
        self.tell();
        while let Popped::Item(value) = self.consumer.try_pop() {
            drop(value);
        }
    }
}

// Values are never pinned.
impl<T, K: Kind> Unpin for Receiver<T, K> {}

impl<T, K: Kind> Stream for Receiver<T, K> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.get_mut().poll_recv(cx)
    }
}

impl<T, K: Kind> fmt::Debug for Receiver<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("closed", &self.is_closed())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

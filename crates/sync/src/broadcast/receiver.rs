//! The end that receives.

use std::fmt;
use std::sync::Arc;

use super::{Messages, RecvError, Shared, TryRecvError};
use crate::blocking;
use crate::notify::Notify;
use crate::spend::spend;
use crate::storage::Missing;

/// An end that gets every value that is sent while it is there.
///
/// Dropping it drops what nobody else is to get.
///
/// ```
/// # futures::executor::block_on(async {
/// let (sender, mut receiver) = loopwork_sync::broadcast::channel(4);
/// std::thread::spawn(move || sender.send("hello"));
/// assert_eq!(receiver.recv().await, Ok("hello"));
/// # });
/// ```
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// The position of the next value.
    next: u64,
}

impl<T> Receiver<T> {
    /// The caller has counted it.
    pub(super) fn new(shared: Arc<Shared<T>>, next: u64) -> Self {
        Self { shared, next }
    }

    /// One more receiver, which gets what is sent from now on, and nothing of what this one has not seen yet.
    ///
    /// # Panics
    ///
    /// If there are 2,097,151 receivers.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// let mut another = receiver.resubscribe();
    /// assert!(another.try_recv().is_err());
    /// assert_eq!(sender.receiver_count(), 2);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn resubscribe(&self) -> Self {
        let next = self.shared.ring.subscribe();
        Self::new(self.shared.clone(), next)
    }

    /// How many values it has not seen, those included that it has lost.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::broadcast::channel(2);
    /// (0..3).for_each(|n| assert!(sender.send(n).is_ok()));
    /// assert_eq!(receiver.len(), 3);
    /// ```
    pub fn len(&self) -> usize {
        self.shared.ring.unseen(self.next)
    }

    /// Whether it has seen all values.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::broadcast::channel(2);
    /// assert!(receiver.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all senders have gone. What they have sent may be there yet.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::broadcast::channel::<i32>(2);
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.shared.ring.is_closed()
    }

    /// Whether both get the same values.
    ///
    /// ```
    /// let (_sender, receiver) = loopwork_sync::broadcast::channel::<i32>(2);
    /// assert!(receiver.same_channel(&receiver.resubscribe()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    pub(super) fn sent(&self) -> &Arc<Notify> {
        &self.shared.sent
    }
}

impl<T: Clone> Receiver<T> {
    /// The next value.
    ///
    /// Dropping the future takes nothing.
    ///
    /// # Errors
    ///
    /// [`Lagged`](RecvError::Lagged) if values were lost: the next call gives the oldest that is kept.
    /// [`Closed`](RecvError::Closed) if all senders were dropped, and it has got all they have sent.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use loopwork_sync::broadcast::{self, RecvError};
    ///
    /// let (sender, mut receiver) = broadcast::channel(1);
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, Err(RecvError::Lagged(1)));
    /// assert_eq!(receiver.recv().await, Ok(2));
    /// assert_eq!(receiver.recv().await, Err(RecvError::Closed));
    /// # });
    /// ```
    pub async fn recv(&mut self) -> Result<T, RecvError> {
        // Before a value is taken: a future that is dropped here has taken none.
        spend().await;
        if let Some(received) = self.attempt() {
            return received;
        }
        loop {
            let notified = self.shared.sent.notified();
            if let Some(received) = self.shared.attempt(&mut self.next) {
                return received;
            }
            notified.await;
        }
    }

    /// None if there is nothing yet.
    pub(super) fn attempt(&mut self) -> Option<Result<T, RecvError>> {
        self.shared.attempt(&mut self.next)
    }

    /// The next value if it is there.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv), and [`Empty`](TryRecvError::Empty) if there is nothing yet.
    ///
    /// ```
    /// use loopwork_sync::broadcast::{self, TryRecvError};
    ///
    /// let (sender, mut receiver) = broadcast::channel(1);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.shared.ring.take(&mut self.next).map_err(|missing| match missing {
            Missing::Empty => TryRecvError::Empty,
            Missing::Closed => TryRecvError::Closed,
            Missing::Lagged(lost) => TryRecvError::Lagged(lost),
        })
    }

    /// The next value; blocks this thread while there is none.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv).
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks: await [`recv`](Receiver::recv) there.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::broadcast::channel(1);
    /// std::thread::spawn(move || sender.send(1));
    /// assert_eq!(receiver.blocking_recv(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        blocking::wait_for("`Receiver::blocking_recv`", self.recv())
    }

    /// The values as a `Stream`, which ends when all senders were dropped.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use futures::StreamExt;
    ///
    /// let (sender, receiver) = loopwork_sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// drop(sender);
    /// let messages: Vec<_> = receiver.into_stream().collect().await;
    /// assert_eq!(messages, [Ok(1)]);
    /// # });
    /// ```
    pub fn into_stream(self) -> Messages<T> {
        Messages::new(self)
    }
}

impl<T: Clone> Shared<T> {
    /// None if there is nothing yet.
    #[inline]
    fn attempt(&self, next: &mut u64) -> Option<Result<T, RecvError>> {
        match self.ring.take(next) {
            Ok(value) => Some(Ok(value)),
            Err(Missing::Empty) => None,
            Err(Missing::Closed) => Some(Err(RecvError::Closed)),
            Err(Missing::Lagged(lost)) => Some(Err(RecvError::Lagged(lost))),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let (unread, last) = self.shared.ring.leave(self.next);
        if last {
            self.shared.closed.notify_waiters();
        }
        drop(unread);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("closed", &self.is_closed())
            .finish()
    }
}

//! The ends that send.

use std::fmt;
use std::sync::Arc;

use loopwork_shim::atomic::Ordering;

use super::kind::Shared;
use super::{Bounded, Kind, SendError, Unbounded};
use crate::spend::spend;

/// An end that sends: clone it for more of them.
///
/// When the last is dropped, the receiver gets what was sent, and then none.
///
/// ```
/// # futures::executor::block_on(async {
/// let (sender, mut receiver) = loopwork_sync::mpsc::channel(2);
/// let another = sender.clone();
/// sender.send(1).await.unwrap();
/// another.send(2).await.unwrap();
/// drop((sender, another));
/// assert_eq!((receiver.recv().await, receiver.recv().await), (Some(1), Some(2)));
/// assert_eq!(receiver.recv().await, None);
/// # });
/// ```
pub struct Sender<T, K: Kind = Bounded> {
    shared: Arc<Shared<T, K>>,
}

/// The [`Sender`] of an [`unbounded_channel`](super::unbounded_channel).
pub type UnboundedSender<T> = Sender<T, Unbounded>;

impl<T, K: Kind> Sender<T, K> {
    /// The first.
    pub(super) fn new(shared: Arc<Shared<T, K>>) -> Self {
        Self { shared }
    }

    #[inline]
    pub(super) fn shared(&self) -> &Shared<T, K> {
        &self.shared
    }

    /// Waits until the receiver is dropped or closes the channel.
    ///
    /// Dropping the future leaves.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, receiver) = loopwork_sync::mpsc::channel::<i32>(1);
    /// std::thread::spawn(|| drop(receiver));
    /// sender.closed().await;
    /// # });
    /// ```
    pub async fn closed(&self) {
        let notified = self.shared.beside.closed.notified();
        if self.is_closed() {
            spend().await;
        } else {
            notified.await;
        }
    }

    /// Whether the receiver was dropped or has closed the channel.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::mpsc::channel::<i32>(1);
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Whether both send to the same receiver.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::mpsc::channel::<i32>(1);
    /// assert!(sender.same_channel(&sender.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// A sender that does not keep the channel from ending.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel::<i32>(1);
    /// let weak = sender.downgrade();
    /// drop(sender);
    /// assert_eq!(receiver.blocking_recv(), None);
    /// assert!(weak.upgrade().is_none());
    /// ```
    pub fn downgrade(&self) -> WeakSender<T, K> {
        WeakSender { shared: self.shared.clone() }
    }
}

impl<T> Sender<T, Unbounded> {
    /// Sends a value. Never waits.
    ///
    /// # Errors
    ///
    /// The value, if the receiver was dropped or closed the channel.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// drop(receiver);
    /// assert_eq!(sender.send(2).unwrap_err().0, 2);
    /// ```
    #[doc(alias = "put_nowait")]
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.shared.push(value).map_err(SendError)
    }
}

impl<T, K: Kind> Clone for Sender<T, K> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed: this one is there, so that it does not become none meanwhile.
        self.shared.beside.senders.fetch_add(1, Ordering::Relaxed);
        Self { shared: self.shared.clone() }
    }
}

impl<T, K: Kind> Drop for Sender<T, K> {
    fn drop(&mut self) {
        // Ordering: AcqRel: what the others have sent is before the end. [edge: mpsc-senders]
        if self.shared.beside.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.end();
        }
    }
}

impl<T, K: Kind> fmt::Debug for Sender<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("closed", &self.is_closed())
            .field("len", &self.shared.len())
            .finish_non_exhaustive()
    }
}

/// A [`Sender`] that does not keep the channel from ending: made by [`Sender::downgrade`].
pub struct WeakSender<T, K: Kind = Bounded> {
    shared: Arc<Shared<T, K>>,
}

impl<T, K: Kind> WeakSender<T, K> {
    /// A sender, unless all of them have gone.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::mpsc::unbounded_channel();
    /// let weak = sender.downgrade();
    /// weak.upgrade().expect("one is there").send(1).unwrap();
    /// drop(sender);
    /// assert!(weak.upgrade().is_none());
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T, K>> {
        let senders = &self.shared.beside.senders;
        // Ordering: Relaxed: a guess.
        let mut count = senders.load(Ordering::Relaxed);
        while count > 0 {
            // Ordering: Relaxed: as in `clone`: one is there in this very exchange.
            match senders.compare_exchange(count, count + 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(Sender { shared: self.shared.clone() }),
                Err(now) => count = now,
            }
        }
        None
    }
}

impl<T, K: Kind> Clone for WeakSender<T, K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T, K: Kind> fmt::Debug for WeakSender<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

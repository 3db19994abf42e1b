//! The end that sends.

use std::fmt;
use std::sync::Arc;

use super::{Receiver, SendError, Shared};
use crate::spend::spend;

/// An end that sends: clone it for more of them.
///
/// When the last is dropped, the receivers get what was sent, and then an error.
///
/// ```
/// let (sender, mut receiver) = loopwork_sync::broadcast::channel(4);
/// sender.clone().send(1).unwrap();
/// drop(sender);
/// assert_eq!(receiver.blocking_recv(), Ok(1));
/// assert!(receiver.blocking_recv().is_err());
/// ```
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// The caller has counted it.
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    /// Sends a value to all receivers there are, and says how many. Never waits: a receiver that has not
    /// seen the oldest value kept may lose it.
    ///
    /// # Errors
    ///
    /// The value, if there is no receiver.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::broadcast::channel(4);
    /// assert_eq!(sender.send(1), Ok(1));
    /// drop(receiver);
    /// assert_eq!(sender.send(2).unwrap_err().0, 2);
    /// ```
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let (receivers, lost) = self.shared.ring.push(value).map_err(SendError)?;
        if !loopwork_shim::weaken!("broadcast-tell") {
            self.shared.sent.notify_waiters();
        }
        drop(lost);
        Ok(receivers)
    }

    /// One more receiver, which gets what is sent from now on.
    ///
    /// # Panics
    ///
    /// If there are 2,097,151 receivers.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// let mut late = sender.subscribe();
    /// sender.send(2).unwrap();
    /// assert_eq!(late.try_recv(), Ok(2));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        let next = self.shared.ring.subscribe();
        Receiver::new(self.shared.clone(), next)
    }

    /// How many receivers there are.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::broadcast::channel::<i32>(4);
    /// let _another = sender.subscribe();
    /// assert_eq!(sender.receiver_count(), 2);
    /// ```
    pub fn receiver_count(&self) -> usize {
        self.shared.ring.readers()
    }

    /// How many values are kept that not all receivers have got.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// receiver.try_recv().unwrap();
    /// assert_eq!(sender.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.shared.ring.len()
    }

    /// Whether all receivers have got all values.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::broadcast::channel(4);
    /// assert!(sender.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!sender.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until there is no receiver.
    ///
    /// Dropping the future leaves.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, receiver) = loopwork_sync::broadcast::channel::<i32>(4);
    /// std::thread::spawn(|| drop(receiver));
    /// sender.closed().await;
    /// # });
    /// ```
    pub async fn closed(&self) {
        spend().await;
        loop {
            let notified = self.shared.closed.notified();
            if self.receiver_count() == 0 {
                return;
            }
            notified.await;
        }
    }

    /// Whether both send to the same receivers.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::broadcast::channel::<i32>(4);
    /// assert!(sender.same_channel(&sender.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.ring.add_writer();
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.shared.ring.remove_writer() && !loopwork_shim::weaken!("broadcast-end") {
            self.shared.sent.notify_waiters();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("len", &self.len())
            .field("receivers", &self.receiver_count())
            .finish()
    }
}

//! The end that changes the value.

use std::fmt;
use std::mem;
use std::sync::Arc;

use loopwork_shim::atomic::Ordering;

use super::{ENDED, Receiver, Ref, SendError, Shared};
use crate::spend::spend;

/// An end that changes the value: clone it for more of them.
///
/// When the last is dropped, the receivers see the value that was last sent, and learn that it will not
/// change any more.
///
/// ```
/// let (sender, receiver) = loopwork_sync::watch::channel(1);
/// sender.send(2).unwrap();
/// drop(sender);
/// assert_eq!(*receiver.borrow(), 2);
/// assert!(receiver.has_changed().is_err());
/// ```
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// The first.
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    /// Replaces the value, and wakes who waits for that. The value before is dropped.
    ///
    /// It blocks this thread while somebody holds a [`Ref`]; one that this thread holds would block it for ever.
    ///
    /// # Errors
    ///
    /// The value, if there is no receiver: the one before stays. [`send_replace`](Sender::send_replace) does
    /// not mind.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// drop(receiver);
    /// assert_eq!(sender.send(3).unwrap_err().0, 3);
    /// assert_eq!(*sender.borrow(), 2);
    /// ```
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        drop(self.send_replace(value));
        Ok(())
    }

    /// Replaces the value, with or without receivers, and gives back the one before. Blocks as
    /// [`send`](Sender::send) does.
    ///
    /// ```
    /// let (sender, _) = loopwork_sync::watch::channel(1);
    /// assert_eq!(sender.send_replace(2), 1);
    /// assert_eq!(*sender.subscribe().borrow(), 2);
    /// ```
    pub fn send_replace(&self, mut value: T) -> T {
        self.send_modify(|current| mem::swap(current, &mut value));
        value
    }

    /// Changes the value in place, with or without receivers. Blocks as [`send`](Sender::send) does.
    ///
    /// `modify` runs with the value locked: it must not [`borrow`](Sender::borrow) it, and others wait
    /// for it.
    ///
    /// # Panics
    ///
    /// If `modify` does. What it has changed stays, and nobody is told of it.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::watch::channel(vec![1]);
    /// sender.send_modify(|values| values.push(2));
    /// assert_eq!(*receiver.borrow(), [1, 2]);
    /// ```
    pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// Changes the value in place; `modify` says whether it did, so that receivers are to be told. That is
    /// what it returns, too. All else is as with [`send_modify`](Sender::send_modify).
    ///
    /// # Panics
    ///
    /// If `modify` does. What it has changed stays, and nobody is told of it.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::watch::channel(5);
    /// let raise = |to| sender.send_if_modified(|value| *value < to && { *value = to; true });
    /// assert!(!raise(3));
    /// assert_eq!(receiver.has_changed(), Ok(false));
    /// assert!(raise(7));
    /// assert_eq!(receiver.has_changed(), Ok(true));
    /// ```
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        let mut value = self.shared.value.write();
        let modified = modify(&mut value);
        if modified {
            self.shared.change();
        }
        drop(value);
        if modified && !loopwork_shim::weaken!("watch-tell") {
            self.shared.changed.notify_waiters();
        }
        modified
    }

    /// The value as it is now. Blocks this thread while somebody changes it.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::watch::channel(1);
    /// assert_eq!(*sender.borrow(), 1);
    /// ```
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref::new(self.shared.value.read_recursive(), false)
    }

    /// One more receiver, which has seen the value as it is now.
    ///
    /// ```
    /// let (sender, _) = loopwork_sync::watch::channel(1);
    /// let receiver = sender.subscribe();
    /// sender.send(2).unwrap();
    /// assert_eq!(receiver.has_changed(), Ok(true));
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        // Ordering: Relaxed: a count.
        self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        Receiver::new(self.shared.clone())
    }

    /// Waits until there is no receiver.
    ///
    /// Dropping the future leaves.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, receiver) = loopwork_sync::watch::channel(1);
    /// std::thread::spawn(|| drop(receiver));
    /// sender.closed().await;
    /// # });
    /// ```
    pub async fn closed(&self) {
        spend().await;
        loop {
            let notified = self.shared.closed.notified();
            if self.is_closed() {
                return;
            }
            notified.await;
        }
    }

    /// Whether there is no receiver.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::watch::channel(1);
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// let _receiver = sender.subscribe();
    /// assert!(!sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// How many receivers there are.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::watch::channel(1);
    /// let _another = receiver.clone();
    /// assert_eq!(sender.receiver_count(), 2);
    /// ```
    pub fn receiver_count(&self) -> usize {
        // Ordering: Acquire: what the last of them did before it went.
        self.shared.receivers.load(Ordering::Acquire)
    }

    /// Whether both change the same value.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::watch::channel(1);
    /// assert!(sender.same_channel(&sender.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed: this one is there, so that it does not become none meanwhile.
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel: what the others have sent is before the end.
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Ordering: Release: as a change. [edge: watch-version]
            self.shared.version.fetch_or(ENDED, Ordering::Release);
            if !loopwork_shim::weaken!("watch-end") {
                self.shared.changed.notify_waiters();
            }
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("value", &*self.borrow())
            .field("receivers", &self.receiver_count())
            .finish()
    }
}

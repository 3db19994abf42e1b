//! The end that sees the value.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use loopwork_shim::atomic::Ordering;
use loopwork_shim::sync::RwLockReadGuard;

use super::{RecvError, Shared, Version};
use crate::spend::spend;

/// An end that sees the value: clone it for more of them.
///
/// It remembers which change it has seen. A clone has seen the same.
///
/// ```
/// # futures::executor::block_on(async {
/// let (sender, mut receiver) = loopwork_sync::watch::channel(0);
/// sender.send(1).unwrap();
/// sender.send(2).unwrap();
/// receiver.changed().await.unwrap();
/// assert_eq!(*receiver.borrow_and_update(), 2);
/// drop(sender);
/// assert!(receiver.changed().await.is_err());
/// # });
/// ```
pub struct Receiver<T> {
    pub(super) shared: Arc<Shared<T>>,
    pub(super) seen: Version,
}

impl<T> Receiver<T> {
    /// The caller has counted it.
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        let seen = shared.version();
        Self { shared, seen }
    }

    /// The value as it is now. A change that was not seen stays unseen. Blocks this thread while a
    /// sender changes the value.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// assert_eq!(receiver.has_changed(), Ok(true));
    /// ```
    pub fn borrow(&self) -> Ref<'_, T> {
        let value = self.shared.value.read_recursive();
        let has_changed = self.shared.version().differs_from(self.seen);
        Ref::new(value, has_changed)
    }

    /// The value as it is now, which it has seen by that. Blocks this thread while a sender changes the
    /// value.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow_and_update(), 2);
    /// assert_eq!(receiver.has_changed(), Ok(false));
    /// ```
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let value = self.shared.value.read_recursive();
        let version = self.shared.version();
        let has_changed = version.differs_from(self.seen);
        self.seen = version;
        Ref::new(value, has_changed)
    }

    /// Whether there is a change it has not seen.
    ///
    /// # Errors
    ///
    /// If all senders were dropped, so that there will be no more.
    ///
    /// ```
    /// let (sender, receiver) = loopwork_sync::watch::channel(1);
    /// assert_eq!(receiver.has_changed(), Ok(false));
    /// drop(sender);
    /// assert!(receiver.has_changed().is_err());
    /// ```
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        let version = self.shared.version();
        if version.has_ended() { Err(RecvError(())) } else { Ok(version.differs_from(self.seen)) }
    }

    /// Waits for a change it has not seen, and has seen it then.
    ///
    /// Dropping the future leaves, and what was not seen stays so.
    ///
    /// # Errors
    ///
    /// If it has seen the last change and all senders were dropped.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, mut receiver) = loopwork_sync::watch::channel(1);
    /// std::thread::spawn(move || sender.send(2));
    /// receiver.changed().await.unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// # });
    /// ```
    pub async fn changed(&mut self) -> Result<(), RecvError> {
        spend().await;
        loop {
            let notified = self.shared.changed.notified();
            let version = self.shared.version();
            if version.differs_from(self.seen) {
                self.seen = version;
                return Ok(());
            }
            if version.has_ended() {
                return Err(RecvError(()));
            }
            notified.await;
        }
    }

    /// Waits until the value is as `condition` wants it, which has seen it then. It is asked at once, and
    /// after each change, except for those that others have overtaken.
    ///
    /// Dropping the future leaves; what it has looked at has been seen.
    ///
    /// `condition` runs with the value locked for writers.
    ///
    /// # Errors
    ///
    /// If all senders were dropped and the last value is not as wanted.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, mut receiver) = loopwork_sync::watch::channel(1);
    /// std::thread::spawn(move || (2..=5).try_for_each(|n| sender.send(n)));
    /// assert!(*receiver.wait_for(|value| *value >= 4).await.unwrap() >= 4);
    /// assert!(receiver.wait_for(|value| *value > 5).await.is_err());
    /// # });
    /// ```
    pub async fn wait_for(
        &mut self,
        mut condition: impl FnMut(&T) -> bool,
    ) -> Result<Ref<'_, T>, RecvError> {
        spend().await;
        loop {
            let notified = self.shared.changed.notified();
            {
                let value = self.shared.value.read_recursive();
                let version = self.shared.version();
                let has_changed = version.differs_from(self.seen);
                self.seen = version;
                if condition(&value) {
                    return Ok(Ref::new(value, has_changed));
                }
                if version.has_ended() {
                    return Err(RecvError(()));
                }
            }
            notified.await;
        }
    }

    /// Takes the value as it is now for one it has not seen: [`changed`](Receiver::changed) is ready then.
    ///
    /// ```
    /// let (_sender, mut receiver) = loopwork_sync::watch::channel(1);
    /// receiver.mark_changed();
    /// assert_eq!(receiver.has_changed(), Ok(true));
    /// ```
    pub fn mark_changed(&mut self) {
        self.seen = self.shared.version().another();
    }

    /// Takes the value as it is now for one it has seen.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// receiver.mark_unchanged();
    /// assert_eq!(receiver.has_changed(), Ok(false));
    /// ```
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.version();
    }

    /// Whether both see the same value.
    ///
    /// ```
    /// let (_sender, receiver) = loopwork_sync::watch::channel(1);
    /// assert!(receiver.same_channel(&receiver.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed: a count.
        self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        Self { shared: self.shared.clone(), seen: self.seen }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel: what the others did is before the last has gone.
        if self.shared.receivers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.closed.notify_waiters();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.borrow();
        f.debug_struct("Receiver")
            .field("value", &*value)
            .field("has_changed", &value.has_changed())
            .finish()
    }
}

/// The value of a [`watch`](super), which does not change while this is held.
///
/// Senders wait for it by blocking their thread, so let go of it soon; it cannot be held across an `await` in a
/// task that may move between threads. Several on one thread are fine.
pub struct Ref<'a, T> {
    value: RwLockReadGuard<'a, T>,
    has_changed: bool,
}

impl<'a, T> Ref<'a, T> {
    pub(super) fn new(value: RwLockReadGuard<'a, T>, has_changed: bool) -> Self {
        Self { value, has_changed }
    }

    /// Whether the receiver had not seen this value before. False for a sender's.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert!(receiver.borrow_and_update().has_changed());
    /// assert!(!receiver.borrow_and_update().has_changed());
    /// ```
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

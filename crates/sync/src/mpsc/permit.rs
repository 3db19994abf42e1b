//! Room that was reserved.

use std::fmt;
use std::mem;

use super::{Bounded, Sender};

/// Room for one value. Made by [`reserve`](Sender::reserve) and the like.
///
/// Dropping it unused gives the room to who waits for it. As long as it is there, the receiver of a channel
/// that was closed does not come to the end.
///
/// ```
/// # futures::executor::block_on(async {
/// let (sender, mut receiver) = loopwork_sync::mpsc::channel(1);
/// let permit = sender.reserve().await.unwrap();
/// assert!(sender.try_send(1).is_err(), "the room is taken");
/// permit.send(2);
/// assert_eq!(receiver.recv().await, Some(2));
/// # });
/// ```
#[must_use = "room is kept for nobody until the permit is used or dropped"]
pub struct Permit<'a, T> {
    sender: &'a Sender<T, Bounded>,
}

impl<'a, T> Permit<'a, T> {
    /// The caller has reserved the place.
    pub(super) fn new(sender: &'a Sender<T, Bounded>) -> Self {
        Self { sender }
    }

    /// Sends a value. Never waits, and works also if the channel was closed meanwhile. If the receiver
    /// was dropped, the value is, too.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel(1);
    /// let permit = sender.try_reserve().unwrap();
    /// receiver.close();
    /// permit.send(1);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn send(self, value: T) {
        let sender = self.sender;
        mem::forget(self);
        // A value that comes back is dropped.
        let _nobody_wants_it = sender.shared().push_reserved(value);
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        self.sender.shared().give_back(1);
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Room for several values: an iterator of [`Permit`]s. Made by [`reserve_many`](Sender::reserve_many).
///
/// Dropping it gives back what is left.
///
/// ```
/// # futures::executor::block_on(async {
/// let (sender, mut receiver) = loopwork_sync::mpsc::channel(3);
/// let permits = sender.reserve_many(3).await.unwrap();
/// for (n, permit) in permits.enumerate() {
///     permit.send(n);
/// }
/// assert_eq!(receiver.recv().await, Some(0));
/// # });
/// ```
#[must_use = "room is kept for nobody until the permits are used or dropped"]
pub struct Permits<'a, T> {
    sender: &'a Sender<T, Bounded>,
    left: usize,
}

impl<'a, T> Permits<'a, T> {
    /// The caller has reserved the places.
    pub(super) fn new(sender: &'a Sender<T, Bounded>, left: usize) -> Self {
        Self { sender, left }
    }
}

impl<'a, T> Iterator for Permits<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        self.left = self.left.checked_sub(1)?;
        Some(Permit::new(self.sender))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for Permits<'_, T> {}

impl<T> Drop for Permits<'_, T> {
    fn drop(&mut self) {
        if self.left > 0 {
            self.sender.shared().give_back(self.left);
        }
    }
}

impl<T> fmt::Debug for Permits<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permits").field("left", &self.left).finish_non_exhaustive()
    }
}

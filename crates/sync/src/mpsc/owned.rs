//! Room that was reserved, together with its sender.

use std::fmt;

use super::{Bounded, SendError, Sender, TrySendError};
use crate::storage::Refused;

/// Room for one value, and the sender that it was reserved by: it may go anywhere. Made by
/// [`reserve_owned`](Sender::reserve_owned).
///
/// Dropping it unused gives the room to who waits for it, and drops the sender.
///
/// ```
/// # futures::executor::block_on(async {
/// let (sender, mut receiver) = loopwork_sync::mpsc::channel(1);
/// let permit = sender.reserve_owned().await.unwrap();
/// std::thread::spawn(move || permit.send("from another thread"));
/// assert!(receiver.recv().await.is_some());
/// # });
/// ```
#[must_use = "room is kept for nobody until the permit is used or dropped"]
pub struct OwnedPermit<T> {
    /// None once the room was used or given back.
    sender: Option<Sender<T, Bounded>>,
}

impl<T> OwnedPermit<T> {
    /// The caller has reserved the place.
    fn new(sender: Sender<T, Bounded>) -> Self {
        Self { sender: Some(sender) }
    }

    /// Sends a value, and gives the sender back. Never waits, and works also if the channel was closed
    /// meanwhile. If the receiver was dropped, the value is, too.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel(2);
    /// let sender = sender.try_reserve_owned().unwrap().send(1);
    /// sender.try_send(2).unwrap();
    /// assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(1), Ok(2)));
    /// ```
    pub fn send(mut self, value: T) -> Sender<T, Bounded> {
        let sender = self.take();
        // A value that comes back is dropped.
        let _nobody_wants_it = sender.shared().push_reserved(value);
        sender
    }

    /// Gives the room to who waits for it, and the sender back.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::mpsc::channel(1);
    /// let sender = sender.try_reserve_owned().unwrap().release();
    /// sender.try_send(1).unwrap();
    /// ```
    pub fn release(mut self) -> Sender<T, Bounded> {
        let sender = self.take();
        sender.shared().give_back(1);
        sender
    }

    fn take(&mut self) -> Sender<T, Bounded> {
        self.sender.take().expect("the sender is there until the permit is used")
    }
}

impl<T> Sender<T, Bounded> {
    /// [`reserve`](Sender::reserve) for a permit that may go anywhere: it has the sender with it, which
    /// [`send`](OwnedPermit::send) gives back.
    ///
    /// Dropping the future leaves, and drops the sender; room that it was given already goes to who waits
    /// next.
    ///
    /// # Errors
    ///
    /// If the receiver was dropped or closed the channel.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel(1);
    /// let sender = sender.reserve_owned().await.unwrap().send(1);
    /// assert_eq!(receiver.recv().await, Some(1));
    /// drop(receiver);
    /// assert!(sender.reserve_owned().await.is_err());
    /// # });
    /// ```
    pub async fn reserve_owned(self) -> Result<OwnedPermit<T>, SendError<()>> {
        self.places(1).await?;
        Ok(OwnedPermit::new(self))
    }

    /// [`try_reserve`](Sender::try_reserve) for a permit that may go anywhere.
    ///
    /// # Errors
    ///
    /// The sender, and whether there is no room now or the channel is closed.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::mpsc::channel(1);
    /// sender.try_send(1).unwrap();
    /// let sender = sender.try_reserve_owned().unwrap_err().into_inner();
    /// assert_eq!(sender.capacity(), 0);
    /// ```
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        match self.shared().reserve(1, false) {
            Ok(()) => Ok(OwnedPermit::new(self)),
            Err(Refused::Full) => Err(TrySendError::Full(self)),
            Err(Refused::Closed) => Err(TrySendError::Closed(self)),
        }
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.shared().give_back(1);
        }
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}

//! Sending into a channel with a capacity.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use loopwork_context::{WaitReason, try_proceed};

use super::{Bounded, Permit, Permits, SendError, Sender, TrySendError};
use crate::blocking;
use crate::spend::spend;
use crate::storage::Refused;
use crate::wait::{Source, Wait};
use crate::waiters::Waiter;

impl<T> Sender<T, Bounded> {
    /// Sends a value, and waits while there is no room.
    ///
    /// Dropping the future before it is ready sends nothing, and drops the value; its place goes to who
    /// waits next. To keep the value [`reserve`](Sender::reserve) first.
    ///
    /// asyncio: `Queue.put`.
    ///
    /// # Errors
    ///
    /// The value, if the receiver was dropped or closed the channel.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel(1);
    /// sender.send(1).await.unwrap();
    /// assert_eq!(receiver.recv().await, Some(1));
    /// drop(receiver);
    /// assert_eq!(sender.send(2).await.unwrap_err().0, 2);
    /// # });
    /// ```
    #[doc(alias = "put")]
    #[inline]
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        match self.send_at_once(value) {
            Ok(()) => Ok(()),
            Err(value) => Wait::new(Sending { sender: self, value: Some(value) }).await,
        }
    }

    /// What nearly every call is: a part of who awaits it, which has nothing of it in its memory.
    #[inline(always)]
    fn send_at_once(&self, value: T) -> Result<(), T> {
        let Some(progress) = try_proceed() else { return Err(value) };
        match self.shared().push(value) {
            Ok(()) => {
                progress.made();
                Ok(())
            }
            Err((value, _)) => Err(value),
        }
    }

    /// Sends a value if there is room and nobody waits for it.
    ///
    /// asyncio: `Queue.put_nowait`.
    ///
    /// # Errors
    ///
    /// The value, and whether there is no room now or the channel is closed.
    ///
    /// ```
    /// use loopwork_sync::mpsc::{self, TrySendError};
    ///
    /// let (sender, receiver) = mpsc::channel(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    /// drop(receiver);
    /// assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
    /// ```
    #[doc(alias = "put_nowait")]
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.shared().push(value).map_err(|(value, refused)| match refused {
            Refused::Full => TrySendError::Full(value),
            Refused::Closed => TrySendError::Closed(value),
        })
    }

    /// Sends a value, and blocks this thread while there is no room.
    ///
    /// # Errors
    ///
    /// The value, if the receiver was dropped or closed the channel.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks: await [`send`](Sender::send) there.
    ///
    /// ```
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel(1);
    /// let thread = std::thread::spawn(move || (0..3).try_for_each(|n| sender.blocking_send(n)));
    /// while receiver.blocking_recv().is_some() {}
    /// thread.join().unwrap().unwrap();
    /// ```
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        blocking::wait_for("`Sender::blocking_send`", self.send(value))
    }

    /// Sends all of `items` in order, from the front, and waits while there is no room. Values of other
    /// senders may come in between.
    ///
    /// It sends as many at once as there is room for, by one atomic operation. What was sent is not in `items` any more: when the future is dropped, or fails, what is
    /// left there was not sent.
    ///
    /// # Errors
    ///
    /// If the receiver was dropped or closed the channel.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel(8);
    /// let mut items = (0..3).collect();
    /// sender.send_many(&mut items).await.unwrap();
    /// assert!(items.is_empty());
    /// assert_eq!(receiver.len(), 3);
    /// # });
    /// ```
    pub async fn send_many(&self, items: &mut VecDeque<T>) -> Result<(), SendError<()>> {
        while !items.is_empty() {
            match self.shared().push_many(items) {
                Ok(_) => spend().await,
                Err(Refused::Closed) => return Err(SendError(())),
                Err(Refused::Full) => {
                    let permit = self.reserve().await?;
                    if let Some(item) = items.pop_front() {
                        permit.send(item);
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits for room, and keeps it for one value that may be made later.
    ///
    /// Dropping the future leaves; room that it was given already goes to who waits next.
    ///
    /// # Errors
    ///
    /// If the receiver was dropped or closed the channel.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, mut receiver) = loopwork_sync::mpsc::channel(1);
    /// let permit = sender.reserve().await.unwrap();
    /// permit.send("made once there was room");
    /// assert!(receiver.recv().await.is_some());
    /// # });
    /// ```
    pub async fn reserve(&self) -> Result<Permit<'_, T>, SendError<()>> {
        self.places(1).await?;
        Ok(Permit::new(self))
    }

    /// Waits for room for `count` values, all at once.
    ///
    /// Those who come later wait behind it, even if they want less. Dropping the future leaves; room
    /// that it was given already goes to who waits next.
    ///
    /// # Errors
    ///
    /// If the receiver was dropped or closed the channel.
    ///
    /// # Panics
    ///
    /// If `count` is greater than the capacity.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let (sender, receiver) = loopwork_sync::mpsc::channel(4);
    /// let mut permits = sender.reserve_many(3).await.unwrap();
    /// permits.next().unwrap().send(1);
    /// assert_eq!(sender.capacity(), 1);
    /// drop(permits);
    /// assert_eq!(sender.capacity(), 3);
    /// # drop(receiver);
    /// # });
    /// ```
    pub async fn reserve_many(&self, count: usize) -> Result<Permits<'_, T>, SendError<()>> {
        self.check(count);
        if count > 0 {
            self.places(count).await?;
        }
        Ok(Permits::new(self, count))
    }

    /// Keeps room for one value if there is some and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Whether there is no room now or the channel is closed.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::mpsc::channel(1);
    /// let permit = sender.try_reserve().unwrap();
    /// assert!(sender.try_reserve().is_err());
    /// permit.send(1);
    /// ```
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        self.try_places(1)?;
        Ok(Permit::new(self))
    }

    /// Keeps room for `count` values if there is so much and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Whether there is no room now or the channel is closed.
    ///
    /// # Panics
    ///
    /// If `count` is greater than the capacity.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::mpsc::channel(2);
    /// sender.try_send(1).unwrap();
    /// assert!(sender.try_reserve_many(2).is_err());
    /// assert_eq!(sender.try_reserve_many(1).unwrap().len(), 1);
    /// ```
    pub fn try_reserve_many(&self, count: usize) -> Result<Permits<'_, T>, TrySendError<()>> {
        self.check(count);
        if count > 0 {
            self.try_places(count)?;
        }
        Ok(Permits::new(self, count))
    }

    /// For how many values there is room, beside those that were sent and what was reserved.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::mpsc::channel(3);
    /// sender.try_send(1).unwrap();
    /// let _permit = sender.try_reserve().unwrap();
    /// assert_eq!(sender.capacity(), 1);
    /// ```
    pub fn capacity(&self) -> usize {
        let shared = self.shared();
        shared.capacity().saturating_sub(shared.len() + shared.reserved())
    }

    /// The capacity that the channel was made with.
    ///
    /// ```
    /// let (sender, _receiver) = loopwork_sync::mpsc::channel::<i32>(3);
    /// assert_eq!(sender.max_capacity(), 3);
    /// ```
    #[doc(alias = "maxsize")]
    pub fn max_capacity(&self) -> usize {
        self.shared().capacity()
    }

    pub(super) fn places(&self, count: usize) -> Wait<Reserving<'_, T>> {
        Wait::new(Reserving { sender: self, places: count })
    }

    fn try_places(&self, count: usize) -> Result<(), TrySendError<()>> {
        self.shared().reserve(count, false).map_err(|refused| match refused {
            Refused::Full => TrySendError::Full(()),
            Refused::Closed => TrySendError::Closed(()),
        })
    }

    fn check(&self, count: usize) {
        let capacity = self.max_capacity();
        assert!(
            count <= capacity,
            "room for {count} values never comes in a channel of capacity {capacity}: make it larger"
        );
    }
}

/// What [`Sender::send`] waits for.
struct Sending<'a, T> {
    sender: &'a Sender<T, Bounded>,
    /// None once it was sent.
    value: Option<T>,
}

impl<T> Source for Sending<'_, T> {
    type Output = Result<(), SendError<T>>;

    const REASON: WaitReason = WaitReason::Queue;

    #[inline]
    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        let value = self.value.take().expect("polled again after it was ready");
        if !waiter.is_idle() {
            self.value = Some(value);
        } else {
            match self.sender.shared().push(value) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err((value, _)) => self.value = Some(value),
            }
        }
        self.wait(waiter, cx)
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        self.sender.shared().leave(1, waiter);
    }
}

impl<T> Sending<'_, T> {
    #[cold]
    fn wait(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let shared = self.sender.shared();
        let reserved = ready!(shared.poll_reserve(1, waiter, cx));
        let value = self.value.take().expect("it is there while it waits");
        Poll::Ready(match reserved {
            Ok(()) => shared.push_reserved(value).map_err(SendError),
            Err(_closed) => Err(SendError(value)),
        })
    }
}

impl<T> fmt::Debug for Sending<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("sent", &self.value.is_none()).finish()
    }
}

/// What [`Sender::reserve`] and [`Sender::reserve_many`] wait for.
pub(super) struct Reserving<'a, T> {
    sender: &'a Sender<T, Bounded>,
    places: usize,
}

impl<T> Source for Reserving<'_, T> {
    type Output = Result<(), SendError<()>>;

    const REASON: WaitReason = WaitReason::Queue;

    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        let reserved = ready!(self.sender.shared().poll_reserve(self.places, waiter, cx));
        Poll::Ready(reserved.map_err(|_closed| SendError(())))
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        self.sender.shared().leave(self.places, waiter);
    }
}

impl<T> fmt::Debug for Reserving<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserving").field("places", &self.places).finish()
    }
}

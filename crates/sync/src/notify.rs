//! A wake-up without a value.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_context::WaitReason;
use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::sync::{Mutex, MutexGuard};
use loopwork_shim::weaken;

use crate::blocking;
use crate::wait::{Source, Wait};
use crate::waiters::{Left, List, Waiter, grant_crowd};

/// Tells one task, or all that wait, to look again.
///
/// It is what other primitives are made of: change some state, then notify; look at the state, and
/// wait while it is not as wanted. [`notify_one`](Notify::notify_one) is kept for the next to come if
/// nobody waits, but one only: several before anybody comes are as one. The interface is that of
/// tokio's `Notify`. asyncio has none; its `Event` stays set.
///
/// ```
/// use loopwork_sync::Notify;
///
/// let changed = Notify::new();
/// std::thread::scope(|threads| {
///     threads.spawn(|| changed.notify_one());
///     futures::executor::block_on(changed.notified());
/// });
/// ```
pub struct Notify {
    /// `PERMIT`, `WAITERS`, and the epoch: how often all were notified.
    word: AtomicUsize,
    /// Not empty if and only if the word says `WAITERS`. The request of a waiter is its epoch.
    waiters: Mutex<List>,
}

/// What the next to come takes instead of waiting. Not while somebody waits.
const PERMIT: usize = 1;
/// Set and cleared under the mutex.
const WAITERS: usize = 2;
const EPOCH: usize = 4;

/// Granted by `notify_waiters`.
const ALL: usize = 0;
/// Granted by `notify_one`: somebody else's, if it is not taken.
const ONE: usize = 1;

impl Notify {
    loopwork_shim::const_fn! {
        /// Nobody was notified.
        #[must_use]
        pub fn new() -> Self {
            Self { word: AtomicUsize::new(0), waiters: Mutex::new(List::new()) }
        }
    }

    /// Waits to be notified.
    ///
    /// It ends with a [`notify_one`](Notify::notify_one) that was kept, or that comes when it is this
    /// one's turn; or with a [`notify_waiters`](Notify::notify_waiters) that comes after *this call*,
    /// also before the first poll. For `notify_one` it has its place from the first poll on, or from
    /// [`enable`](Wait::enable).
    ///
    /// Dropping the future leaves; the `notify_one` it was given goes to the next, or is kept.
    #[inline]
    pub fn notified(&self) -> Wait<Notified<&Self>> {
        Notified::of(self)
    }

    /// [`notified`](Notify::notified) for a future that may go anywhere: it keeps this alive.
    pub fn notified_owned(self: Arc<Self>) -> Wait<Notified<Arc<Self>>> {
        Notified::of(self)
    }

    /// Waits to be notified by blocking this thread.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_notified(&self) {
        blocking::wait_for("`Notify::blocking_notified`", self.notified());
    }

    /// Notifies the first of those who wait; if nobody does, the next to come.
    ///
    /// What was done before this call is seen by whom it notifies.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// # use loopwork_sync::Notify;
    /// let changed = Notify::new();
    /// changed.notify_one();
    /// changed.notify_one();
    /// changed.notified().await; // One is kept, and one only.
    /// assert!(futures::poll!(std::pin::pin!(changed.notified())).is_pending());
    /// # });
    /// ```
    pub fn notify_one(&self) {
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WAITERS == 0 {
            match self.publish(word, word | PERMIT) {
                Ok(()) => return,
                Err(now) => word = now,
            }
        }
        self.grant_one(self.waiters.lock());
    }

    #[cold]
    fn grant_one(&self, mut list: MutexGuard<'_, List>) {
        let Some(waker) = list.grant_first(ONE) else {
            // All have left meanwhile.
            // Ordering: Release: see `take`. [edge: notify]
            self.word.fetch_or(PERMIT, Ordering::Release);
            return;
        };
        if list.is_empty() {
            self.no_waiters();
        }
        drop(list);
        waker.wake();
    }

    /// Notifies all who wait, in the order they came: all who have called
    /// [`notified`](Notify::notified) so far. Nothing is kept for those who come later.
    ///
    /// What was done before this call is seen by whom it notifies.
    pub fn notify_waiters(&self) {
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WAITERS == 0 {
            match self.publish(word, word.wrapping_add(EPOCH)) {
                Ok(()) => return,
                Err(now) => word = now,
            }
        }
        let list = self.waiters.lock();
        // Ordering: Release: see `take`. [edge: notify]
        let word = self.word.fetch_add(EPOCH, Ordering::Release);
        let emptied = || self.no_waiters();
        grant_crowd(&self.waiters, list, |list| list, word / EPOCH, || ALL, emptied);
    }

    #[inline]
    fn epoch(&self) -> usize {
        // Ordering: Acquire: who begins to wait after all were notified, and looks again then, sees what was
        // done before. [edge: notify]
        let order = weaken!("notify-epoch", Ordering::Acquire => Ordering::Relaxed);
        self.word.load(order) / EPOCH
    }

    /// Whether there is no need to wait: all were notified since `epoch`, or one was and this takes it.
    fn take(&self, epoch: usize, word: &mut usize) -> Option<usize> {
        loop {
            if *word / EPOCH != epoch {
                // Ordering: Acquire: what was done before all were notified comes with it; it reads what
                // was read before, or later. [edge: notify]
                self.word.load(Ordering::Acquire);
                return Some(ALL);
            }
            if *word & PERMIT == 0 {
                return None;
            }
            // Ordering: Acquire: what was done before somebody was notified comes with it. [edge: notify]
            let order = weaken!("notify-taken", Ordering::Acquire => Ordering::Relaxed);
            let taken = *word & !PERMIT;
            match self.word.compare_exchange(*word, taken, order, Ordering::Relaxed) {
                Ok(_) => return Some(ONE),
                Err(now) => *word = now,
            }
        }
    }

    /// Takes a notification, or waits for one.
    fn poll_notified(&self, epoch: usize, waiter: Pin<&Waiter>, waker: &Waker) -> Poll<usize> {
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        if let Some(how) = self.take(epoch, &mut word) {
            return Poll::Ready(how);
        }
        self.begin_to_wait(epoch, waiter, waker.clone())
    }

    #[cold]
    fn begin_to_wait(&self, epoch: usize, waiter: Pin<&Waiter>, waker: Waker) -> Poll<usize> {
        let mut list = self.waiters.lock();
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if let Some(how) = self.take(epoch, &mut word) {
                drop(list);
                drop(waker);
                return Poll::Ready(how);
            }
            // Ordering: Relaxed: it says what the list says, under its mutex.
            let (order, next) = (Ordering::Relaxed, word | WAITERS);
            match self.word.compare_exchange(word, next, order, order) {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        list.push_back(waiter, epoch, waker);
        Poll::Pending
    }

    fn leave(&self, waiter: Pin<&Waiter>) {
        let mut list = self.waiters.lock();
        match list.leave(waiter) {
            Left::Granted(ONE) if !weaken!("notify-pass-on") => {
                self.grant_one(list);
            }
            left => {
                if matches!(left, Left::Waiting(_)) && list.is_empty() {
                    self.no_waiters();
                }
                drop(list);
                drop(left);
            }
        }
    }

    /// With the mutex held.
    fn no_waiters(&self) {
        // Ordering: Relaxed: it says what the list says, under its mutex.
        self.word.fetch_and(!WAITERS, Ordering::Relaxed);
    }

    /// Ordering: Release: for whom it notifies. [edge: notify]
    fn publish(&self, word: usize, next: usize) -> Result<(), usize> {
        let order = weaken!("notify-permit", Ordering::Release => Ordering::Relaxed);
        self.word.compare_exchange(word, next, order, Ordering::Relaxed).map(drop)
    }
}

/// What [`Notify::notified`] waits for. `H` is `&Notify` or `Arc<Notify>`.
#[derive(Debug)]
pub struct Notified<H> {
    notify: H,
    /// That of the call of `notified`.
    epoch: usize,
}

impl<H: Deref<Target = Notify>> Notified<H> {
    /// The wait for a `Notify` that is reached by any handle.
    #[inline]
    pub(crate) fn of(notify: H) -> Wait<Self> {
        Wait::new(Self { epoch: notify.epoch(), notify })
    }
}

impl<H: Deref<Target = Notify>> Source for Notified<H> {
    type Output = ();

    const REASON: WaitReason = WaitReason::Event;

    #[inline]
    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<()> {
        let polled = if waiter.is_idle() {
            self.notify.poll_notified(self.epoch, waiter, cx.waker())
        } else {
            waiter.poll(cx, &self.notify.waiters, |list| list)
        };
        if polled.is_ready() {
            // Polled again it waits anew.
            self.epoch = self.notify.epoch();
        }
        polled.map(drop)
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        self.notify.leave(waiter);
    }
}

impl<H: Deref<Target = Notify>> Wait<Notified<H>> {
    /// Takes its place among those who wait, before the first poll. True if it is notified already;
    /// the next poll is ready then.
    ///
    /// For who has to be in line before it looks at the state that the notification is about, where
    /// several [`notify_one`](Notify::notify_one) may come in between.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use std::pin::pin;
    /// use loopwork_sync::Notify;
    ///
    /// let changed = Notify::new();
    /// let mut first = pin!(changed.notified());
    /// let mut second = pin!(changed.notified());
    /// assert!(!first.as_mut().enable() && !second.as_mut().enable());
    /// changed.notify_one();
    /// changed.notify_one();
    /// first.await;
    /// second.await;
    /// # });
    /// ```
    pub fn enable(self: Pin<&mut Self>) -> bool {
        let (source, waiter) = self.parts();
        if waiter.is_idle() {
            let polled = source.notify.poll_notified(source.epoch, waiter, Waker::noop());
            if let Poll::Ready(how) = polled {
                waiter.keep(how);
            }
        }
        waiter.is_granted()
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ordering: Relaxed: for people.
        let kept = self.word.load(Ordering::Relaxed) & PERMIT != 0;
        f.debug_struct("Notify")
            .field("kept", &kept)
            .field("waiters", &self.waiters.lock().len())
            .finish()
    }
}

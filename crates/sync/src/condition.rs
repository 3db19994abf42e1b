//! Waiting, under a lock, for what the lock guards to change.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loopwork_context::WaitReason;
use loopwork_shim::atomic::{AtomicBool, Ordering};
use loopwork_shim::sync::Mutex;

use crate::guarded::{Guard, Protect};
use crate::wait::{Source, Wait};
use crate::waiters::{Left, List, Waiter, WakeList};

/// Lets those who hold a lock wait until another holder says that something has changed.
///
/// asyncio's `Condition`. There it brings its lock or is given one; here each
/// [`wait`](Condition::wait) takes the guard of a lock and gives a new one back, so that waiting
/// without the lock does not compile, and any number of conditions go with one lock. It may be the guard
/// of a [`Lock`](crate::Lock), a [`Mutex`](crate::Mutex) or of a writer of an
/// [`RwLock`](crate::RwLock).
///
/// ```
/// use loopwork_sync::{Condition, Lock};
///
/// # futures::executor::block_on(async {
/// let (jobs, more) = (Lock::new(Vec::new()), Condition::new());
/// std::thread::scope(|threads| {
///     threads.spawn(|| {
///         jobs.blocking_lock().push("a job");
///         more.notify(1);
///     });
///     # std::thread::scope(|threads| { threads.spawn(||
///     futures::executor::block_on(async {
///         let mut jobs = more.wait_for(jobs.lock().await, |jobs| !jobs.is_empty()).await;
///         assert_eq!(jobs.pop(), Some("a job"));
///     })
///     # ); });
/// });
/// # });
/// ```
#[doc(alias = "asyncio.Condition")]
#[doc(alias = "Condvar")]
pub struct Condition {
    /// Whether there is somebody in the list.
    any: AtomicBool,
    waiters: Mutex<List>,
}

impl Condition {
    loopwork_shim::const_fn! {
        /// A condition that nobody waits for.
        #[must_use]
        pub fn new() -> Self {
            Self { any: AtomicBool::new(false), waiters: Mutex::new(List::new()) }
        }
    }

    /// Unlocks, waits to be notified, and locks again.
    ///
    /// It unlocks in its first poll, after it has taken its place: a [`notify`](Condition::notify) by
    /// whoever locks next reaches it. It may also end without that: look at the state again, or use
    /// [`wait_for`](Condition::wait_for).
    ///
    /// Dropping the future before it is ready leaves *with the lock released*, since a destructor
    /// cannot wait for it; a notification it had got goes to the next. asyncio locks again first.
    pub fn wait<H>(&self, guard: Guard<H>) -> Wait<Waiting<'_, H>>
    where
        H: Deref<Target: Protect> + Clone,
    {
        Wait::new(Waiting { condition: self, phase: Phase::Holds(guard) })
    }

    /// Waits until `ready` says so of the value, which it may change. Returns at once if it does.
    ///
    /// Dropping the future: as [`wait`](Condition::wait).
    pub async fn wait_for<H>(
        &self,
        mut guard: Guard<H>,
        mut ready: impl FnMut(&mut <H::Target as Protect>::Value) -> bool,
    ) -> Guard<H>
    where
        H: Deref<Target: Protect> + Clone,
    {
        while !ready(&mut guard) {
            guard = self.wait(guard).await;
        }
        guard
    }

    /// Notifies up to `n` of those who wait, in the order they came. They go on once they get the lock.
    ///
    /// The notifier need not hold the lock. To be sure that nobody misses it, change the state under
    /// the lock and notify then or later. asyncio wants the lock held.
    pub fn notify(&self, mut n: usize) {
        // Ordering: Relaxed: who waits has set it under the lock under which the state was changed.
        if !self.any.load(Ordering::Relaxed) {
            return;
        }
        while n > 0 {
            let mut wakers = WakeList::new();
            let mut list = self.waiters.lock();
            while n > 0 && !wakers.is_full() {
                let Some(waker) = list.grant_first(0) else {
                    n = 0;
                    break;
                };
                wakers.push(Some(waker));
                n -= 1;
            }
            self.look(&list);
            drop(list);
            // Unwind: if a waker panics, those of later batches are not notified: who notified is
            // unwinding, and did not finish.
            wakers.wake();
        }
    }

    /// Notifies all who wait now.
    pub fn notify_all(&self) {
        let waiting = self.waiting();
        self.notify(waiting);
    }

    fn waiting(&self) -> usize {
        self.waiters.lock().len()
    }

    /// With the mutex held.
    fn look(&self, list: &List) {
        // Ordering: Relaxed: see `notify`.
        self.any.store(!list.is_empty(), Ordering::Relaxed);
    }

    fn begin_to_wait(&self, waiter: Pin<&Waiter>, waker: Waker) {
        let mut list = self.waiters.lock();
        list.push_back(waiter, 0, waker);
        self.look(&list);
    }

    /// It was waiting for this, or was notified and has not been polled since.
    fn leave(&self, waiter: Pin<&Waiter>) {
        let mut list = self.waiters.lock();
        let left = list.leave(waiter);
        self.look(&list);
        drop(list);
        if matches!(left, Left::Granted(_)) && !loopwork_shim::weaken!("condition-pass-on") {
            self.notify(1);
        }
    }
}

/// What [`Condition::wait`] waits for: first to be notified, then for the lock.
#[derive(Debug)]
pub struct Waiting<'a, H: Deref<Target: Protect>> {
    condition: &'a Condition,
    phase: Phase<H>,
}

enum Phase<H: Deref<Target: Protect>> {
    Holds(Guard<H>),
    /// The waiter is in the condition's list, or granted.
    WaitsForNotice(H),
    /// The waiter is in the lock's list, or granted, or idle.
    WaitsForLock(H),
    Over,
}

impl<H: Deref<Target: Protect> + Clone> Source for Waiting<'_, H> {
    type Output = Guard<H>;

    const REASON: WaitReason = WaitReason::Lock;

    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Guard<H>> {
        loop {
            match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Holds(guard) => {
                    self.condition.begin_to_wait(waiter, cx.waker().clone());
                    let lock = guard.into_lock();
                    self.phase = Phase::WaitsForNotice(lock.clone());
                    lock.unlock();
                    return Poll::Pending;
                }
                Phase::WaitsForNotice(lock) => {
                    let polled = waiter.poll(cx, &self.condition.waiters, |list| list);
                    if polled.is_pending() {
                        self.phase = Phase::WaitsForNotice(lock);
                        return Poll::Pending;
                    }
                    self.phase = Phase::WaitsForLock(lock);
                }
                Phase::WaitsForLock(lock) => {
                    let Poll::Ready(taken) = lock.poll_lock(waiter, cx) else {
                        self.phase = Phase::WaitsForLock(lock);
                        return Poll::Pending;
                    };
                    return Poll::Ready(Guard::new(lock, taken));
                }
                Phase::Over => panic!("`Condition::wait` is not polled after it was ready"),
            }
        }
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        match &self.phase {
            Phase::WaitsForNotice(_) => self.condition.leave(waiter),
            Phase::WaitsForLock(lock) => {
                lock.leave(waiter);
                // It was notified, and has not seen what of.
                self.condition.notify(1);
            }
            Phase::Holds(_) | Phase::Over => {}
        }
    }
}

impl<H: Deref<Target: Protect>> fmt::Debug for Phase<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds(_) => "holds the lock",
            Self::WaitsForNotice(_) => "waits to be notified",
            Self::WaitsForLock(_) => "waits for the lock",
            Self::Over => "over",
        })
    }
}

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("waiters", &self.waiting()).finish()
    }
}

//! Who gets the mutex: `README.md` says what the word means.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::sync::{Mutex, MutexGuard};
use loopwork_shim::{MODELLED, weaken};

use crate::waiters::{Left, List, Waiter};

pub(super) struct Barging {
    word: AtomicUsize,
    /// Not empty if and only if the word says `WAITERS`.
    waiters: Mutex<List>,
}

/// That the mutex was locked. Whoever has it unlocks.
#[derive(Debug)]
#[must_use = "a mutex that was locked is unlocked"]
pub struct Locked(());

const LOCKED: usize = 1;
const WAITERS: usize = 2;
/// One who waited was woken, is in no list, and has not looked since.
const WOKEN: usize = 4;
/// How often somebody passed those who wait, since one of them got the lock or nobody waited.
const PASS: usize = 8;

impl Barging {
    /// So often may one who waits be passed. A model that cannot close the door shows little.
    pub(super) const PASSES: usize = if MODELLED { 2 } else { 64 };
    /// So often if others wait behind it.
    pub(super) const PASSES_OF_MANY: usize = if MODELLED { 1 } else { 4 };

    loopwork_shim::const_fn! {
        pub(super) fn new() -> Self {
            Self { word: AtomicUsize::new(0), waiters: Mutex::new(List::new()) }
        }
    }

    #[inline]
    pub(super) fn try_lock(&self) -> Option<Locked> {
        match self.exchange(0, LOCKED) {
            Ok(()) => Some(Locked(())),
            Err(word) => self.try_pass(word),
        }
    }

    fn try_pass(&self, mut word: usize) -> Option<Locked> {
        while let Some(next) = after_newcomer(word) {
            match self.exchange(word, next) {
                Ok(()) => return Some(Locked(())),
                Err(now) => word = now,
            }
        }
        None
    }

    #[inline]
    pub(super) fn poll_lock(&self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Locked> {
        if waiter.is_idle() {
            if let Some(locked) = self.try_lock() {
                return Poll::Ready(locked);
            }
            return self.wait(waiter, cx.waker().clone(), after_newcomer, WAITERS, 0);
        }
        ready!(waiter.poll(cx, &self.waiters, |list| list));
        self.lock_woken(waiter, cx)
    }

    /// It was woken, and is in no list.
    #[cold]
    fn lock_woken(&self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Locked> {
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        while let Some(next) = after_woken(word) {
            match self.exchange(word, next) {
                Ok(()) => return Poll::Ready(Locked(())),
                Err(now) => word = now,
            }
        }
        // Somebody passed it. Its place is in front.
        self.wait(waiter, cx.waker().clone(), after_woken, WAITERS, WOKEN)
    }

    /// Locks after all, if `after` says how, or waits: then `set` and `clear` change the word. Who
    /// was woken waits in front.
    #[cold]
    fn wait(
        &self,
        waiter: Pin<&Waiter>,
        waker: Waker,
        after: fn(usize) -> Option<usize>,
        set: usize,
        clear: usize,
    ) -> Poll<Locked> {
        let mut list = self.waiters.lock();
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let locks = after(word);
            let waits = (word | set) & !weaken!("mutex-passed", clear => 0);
            match self.exchange(word, locks.unwrap_or(waits)) {
                Ok(()) if locks.is_some() => {
                    drop(list);
                    drop(waker);
                    return Poll::Ready(Locked(()));
                }
                Ok(()) => break,
                Err(now) => word = now,
            }
        }
        if clear == WOKEN {
            list.push_front(waiter, 0, waker);
        } else {
            list.push_back(waiter, 0, waker);
        }
        Poll::Pending
    }

    #[inline]
    pub(super) fn unlock(&self) {
        if let Err(word) = self.publish(LOCKED, 0) {
            self.unlock_contended(word);
        }
    }

    fn unlock_contended(&self, mut word: usize) {
        loop {
            let waits = word & (WAITERS | WOKEN) != 0;
            match self.publish(word, if waits { word & !LOCKED } else { 0 }) {
                // One that was woken is on its way, and is enough.
                Ok(()) if word & (WAITERS | WOKEN) == WAITERS => {
                    return self.wake_first(self.waiters.lock());
                }
                Ok(()) => return,
                Err(now) => word = now,
            }
        }
    }

    /// Wakes the first of those who wait, unless somebody else sees to that: who was woken, or who has
    /// the lock.
    #[cold]
    fn wake_first(&self, mut list: MutexGuard<'_, List>) {
        // Ordering: Relaxed: nothing is read but the word.
        let mut word = self.word.load(Ordering::Relaxed);
        while word & (LOCKED | WAITERS | WOKEN) == WAITERS {
            let waiters = if list.has_one() { WAITERS } else { 0 };
            match self.exchange(word, (word | WOKEN) & !waiters) {
                Ok(()) => {
                    let waker = list.grant_first(0);
                    drop(list);
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                    return;
                }
                Err(now) => word = now,
            }
        }
    }

    /// `waiter` will not be polled any more. If it was woken, another is.
    #[cold]
    pub(super) fn leave(&self, waiter: Pin<&Waiter>) {
        let mut list = self.waiters.lock();
        match list.leave(waiter) {
            Left::Waiting(waker) => {
                if list.is_empty() {
                    self.clear(WAITERS);
                }
                drop(list);
                drop(waker);
            }
            Left::Granted(_) => {
                self.clear(WOKEN);
                if !weaken!("mutex-pass-on") {
                    self.wake_first(list);
                }
            }
            Left::Idle => {}
        }
    }

    /// With the mutex held. When nobody is left who waits, nobody was passed.
    fn clear(&self, bit: usize) {
        // Ordering: Relaxed: a guess, and what it says of waiters is ordered by the mutex.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let rest = word & !bit;
            let next = if rest & (WAITERS | WOKEN) == 0 { rest & LOCKED } else { rest };
            match self.word.compare_exchange(word, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    pub(super) fn locked(&self) -> bool {
        // Ordering: Relaxed: history by the time it returns.
        self.word.load(Ordering::Relaxed) & LOCKED != 0
    }

    /// How many wait, with the one that was woken.
    pub(super) fn waiting(&self) -> usize {
        let list = self.waiters.lock();
        // Ordering: Relaxed: for people.
        let woken = self.word.load(Ordering::Relaxed) & WOKEN != 0;
        list.len() + usize::from(woken)
    }

    /// Ordering: Acquire: what was done under the lock before. [edge: mutex]
    #[inline]
    fn exchange(&self, word: usize, next: usize) -> Result<(), usize> {
        let order = weaken!("mutex-lock", Ordering::Acquire => Ordering::Relaxed);
        self.word.compare_exchange(word, next, order, Ordering::Relaxed).map(drop)
    }

    /// Ordering: Release: for who locks next. [edge: mutex]
    #[inline]
    fn publish(&self, word: usize, next: usize) -> Result<(), usize> {
        let order = weaken!("mutex-unlock", Ordering::Release => Ordering::Relaxed);
        self.word.compare_exchange(word, next, order, Ordering::Relaxed).map(drop)
    }
}

/// The word once somebody who did not wait has locked; `None` if it may not.
fn after_newcomer(word: usize) -> Option<usize> {
    if word & LOCKED != 0 {
        return None;
    }
    if word & (WAITERS | WOKEN) == 0 {
        return Some(LOCKED);
    }
    let others_wait = word & (WAITERS | WOKEN) == WAITERS | WOKEN;
    let most = if others_wait { Barging::PASSES_OF_MANY } else { Barging::PASSES };
    (word / PASS < most).then_some((word | LOCKED) + PASS)
}

/// The word once the one that was woken has locked; `None` if it may not.
fn after_woken(word: usize) -> Option<usize> {
    (word & LOCKED == 0).then_some(word & WAITERS | LOCKED)
}

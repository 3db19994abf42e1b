//! Permits, handed out first come, first served: what `Lock`, `RwLock` and the semaphores stand on.
//!
//! What the word says, and why nobody is overlooked, is in `permits/README.md`.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::sync::{Mutex, MutexGuard};
use loopwork_shim::weaken;

use crate::waiters::{Left, List, Waiter, WakeList};

/// A number of permits, and who waits for some.
///
/// Taking permits that are there and giving back where nobody waits is one read-modify-write each.
pub(crate) struct Permits {
    /// How many are free, times `ONE`; and whether there are waiters.
    word: AtomicUsize,
    /// Not empty if and only if the word says `WAITERS`.
    waiters: Mutex<List>,
}

/// That permits were taken from somewhere. Whoever has it gives them back.
#[derive(Debug)]
#[must_use = "permits that were taken are given back"]
pub struct Taken(());

/// What came of giving permits back without the mutex.
enum Added {
    Yes,
    TooMany,
    Waiters,
}

/// While it is set, only who has the mutex writes the word.
const WAITERS: usize = 1;
const ONE: usize = 2;

impl Permits {
    /// So many that they fit into the word, and into a waiter's request, with room to spare.
    pub(crate) const MAX: usize = usize::MAX >> 3;

    loopwork_shim::const_fn! {
        /// `permits` are free.
        pub(crate) fn new(permits: usize) -> Self {
            assert!(permits <= Self::MAX, "a semaphore has at most `Semaphore::MAX_PERMITS`");
            Self { word: AtomicUsize::new(permits * ONE), waiters: Mutex::new(List::new()) }
        }
    }

    /// Takes `wanted`, if they are free and nobody waits.
    #[inline]
    pub(crate) fn try_take(&self, wanted: usize) -> Option<Taken> {
        // Ordering: Relaxed: a guess, which the exchange corrects.
        self.take_if(self.word.load(Ordering::Relaxed), wanted)
    }

    /// Takes all of `all`, if they are free: the same for who guesses right without looking.
    #[inline]
    pub(crate) fn try_take_all(&self, all: usize) -> Option<Taken> {
        self.take_if(all * ONE, all)
    }

    #[inline]
    fn take_if(&self, mut word: usize, wanted: usize) -> Option<Taken> {
        while word & WAITERS == 0 && word / ONE >= wanted {
            match self.exchange(word, word - wanted * ONE) {
                Ok(()) => return Some(Taken(())),
                Err(now) => word = now,
            }
        }
        None
    }

    /// Takes `wanted`, or waits for them behind all who came before.
    #[inline]
    pub(crate) fn poll_take(
        &self,
        waiter: Pin<&Waiter>,
        wanted: usize,
        cx: &Context<'_>,
    ) -> Poll<Taken> {
        // Ordering: Relaxed: a guess, which the exchange corrects.
        self.poll_take_if(waiter, self.word.load(Ordering::Relaxed), wanted, cx)
    }

    /// Takes all of `all`, or waits for them: for who guesses right without looking.
    #[inline]
    pub(crate) fn poll_take_all(
        &self,
        waiter: Pin<&Waiter>,
        all: usize,
        cx: &Context<'_>,
    ) -> Poll<Taken> {
        self.poll_take_if(waiter, all * ONE, all, cx)
    }

    #[inline]
    fn poll_take_if(
        &self,
        waiter: Pin<&Waiter>,
        word: usize,
        wanted: usize,
        cx: &Context<'_>,
    ) -> Poll<Taken> {
        if !waiter.is_idle() {
            return waiter.poll(cx, &self.waiters, |list| list).map(|_| Taken(()));
        }
        match self.take_if(word, wanted) {
            Some(taken) => Poll::Ready(taken),
            None => self.begin_to_wait(waiter, wanted, cx.waker().clone()),
        }
    }

    #[cold]
    fn begin_to_wait(&self, waiter: Pin<&Waiter>, wanted: usize, waker: Waker) -> Poll<Taken> {
        let mut list = self.waiters.lock();
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WAITERS == 0 {
            let free = word / ONE;
            let takes = free >= wanted && !weaken!("permits-look");
            let next = if takes { word - wanted * ONE } else { word | WAITERS };
            match self.exchange(word, next) {
                Ok(()) if takes => {
                    drop(list);
                    drop(waker);
                    return Poll::Ready(Taken(()));
                }
                Ok(()) => break,
                Err(now) => word = now,
            }
        }
        list.push_back(waiter, wanted, waker);
        Poll::Pending
    }

    /// Gives `permits` back, to who waits or for who comes.
    ///
    /// # Panics
    ///
    /// If there were more than `MAX` then.
    #[inline]
    pub(crate) fn give_back(&self, permits: usize) {
        let given = self.give_back_within(Self::MAX, permits);
        assert!(
            given,
            "there would be more than `Semaphore::MAX_PERMITS`: release what was acquired, once"
        );
    }

    /// Gives `permits` back, unless more than `bound` were free then.
    #[inline]
    #[must_use]
    pub(crate) fn give_back_within(&self, bound: usize, permits: usize) -> bool {
        // Ordering: Relaxed: a guess, which the exchange corrects.
        self.give_back_if(self.word.load(Ordering::Relaxed), bound, permits)
    }

    /// Gives all of `all` back: for who guesses right without looking.
    #[inline]
    pub(crate) fn give_back_all(&self, all: usize) {
        let given = self.give_back_if(0, all, all);
        debug_assert!(given, "what was taken is given back once");
    }

    /// Gives all of `all` back but one.
    pub(crate) fn give_back_but_one(&self, all: usize) -> Taken {
        self.give_back(all - 1);
        Taken(())
    }

    #[inline]
    fn give_back_if(&self, word: usize, bound: usize, permits: usize) -> bool {
        match self.add(word, bound, permits) {
            Added::Yes => true,
            Added::TooMany => false,
            Added::Waiters => self.hand_out(self.waiters.lock(), bound, permits),
        }
    }

    /// Makes `permits` more free, as long as nobody waits.
    #[inline]
    fn add(&self, mut word: usize, bound: usize, permits: usize) -> Added {
        loop {
            if word & WAITERS != 0 {
                return Added::Waiters;
            }
            if bound - word / ONE < permits {
                return Added::TooMany;
            }
            match self.publish(word, word + permits * ONE) {
                Ok(()) => return Added::Yes,
                Err(now) => word = now,
            }
        }
    }

    /// `waiter`, which wanted so many, will not be polled any more. What it was granted is handed on.
    #[inline]
    pub(crate) fn leave(&self, waiter: Pin<&Waiter>, wanted: usize) {
        if !waiter.is_idle() {
            self.leave_list(waiter, wanted);
        }
    }

    #[cold]
    fn leave_list(&self, waiter: Pin<&Waiter>, wanted: usize) {
        if waiter.take_grant().is_some() {
            return self.hand_on(wanted);
        }
        let mut list = self.waiters.lock();
        match list.leave(waiter) {
            Left::Waiting(waker) => {
                // It may have been the one for whom there was not enough.
                if !weaken!("permits-leave") {
                    let _ = self.hand_out(list, Self::MAX, 0);
                }
                drop(waker);
            }
            Left::Granted(_) => {
                drop(list);
                self.hand_on(wanted);
            }
            Left::Idle => {}
        }
    }

    fn hand_on(&self, permits: usize) {
        if !weaken!("permits-hand-on") {
            self.give_back(permits);
        }
    }

    /// Gives `permits` more, and what is free, to those in front; unless more than `bound` were free
    /// then.
    #[cold]
    fn hand_out<'a>(
        &'a self,
        mut list: MutexGuard<'a, List>,
        bound: usize,
        mut permits: usize,
    ) -> bool {
        /// Unwind: if a waker panics, those of later batches are served all the same.
        struct Rest<'a>(&'a Permits);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                let _ = self.0.hand_out(self.0.waiters.lock(), Permits::MAX, 0);
            }
        }

        loop {
            let mut wakers = WakeList::new();
            if !self.grant(&mut list, bound, permits, &mut wakers) {
                return false;
            }
            drop(list);
            if !wakers.is_full() {
                wakers.wake();
                return true;
            }
            let rest = Rest(self);
            wakers.wake();
            std::mem::forget(rest);
            permits = 0;
            list = self.waiters.lock();
        }
    }

    /// What one critical section may hand out.
    fn grant(&self, list: &mut List, bound: usize, permits: usize, wakers: &mut WakeList) -> bool {
        // Ordering: Relaxed: what is free was given back under this mutex, or acquired by the exchange
        // that has set `WAITERS` under it.
        let word = self.word.load(Ordering::Relaxed);
        // All may have left meanwhile; then others take and give back without the mutex.
        match self.add(word, bound, permits) {
            Added::Yes => return true,
            Added::TooMany => return false,
            Added::Waiters => {}
        }
        let mut free = word / ONE;
        if bound - free < permits {
            return false;
        }
        free += permits;
        while let Some(wanted) = list.first_request().filter(|wanted| *wanted <= free) {
            if wakers.is_full() {
                break;
            }
            free -= wanted;
            wakers.push(list.grant_first(0));
        }
        let waiters = if list.is_empty() { 0 } else { WAITERS };
        // Ordering: Release: for who takes them next. [edge: permits] A store, and no exchange: see
        // `WAITERS`.
        let order = weaken!("permits-hand-out", Ordering::Release => Ordering::Relaxed);
        self.word.store((free * ONE) | waiters, order);
        true
    }

    /// Takes up to `permits` out of those that are free, also before who waits. How many it were.
    pub(crate) fn remove(&self, permits: usize) -> usize {
        // Under the mutex, since there may be waiters.
        let _list = self.waiters.lock();
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let removed = permits.min(word / ONE);
            match self.exchange(word, word - removed * ONE) {
                Ok(()) => return removed,
                Err(now) => word = now,
            }
        }
    }

    /// How many are free. Those that were set aside for who waits first are counted too.
    pub(crate) fn free(&self) -> usize {
        // Ordering: Relaxed: history by the time it returns.
        self.word.load(Ordering::Relaxed) / ONE
    }

    /// Whether who comes now would wait for one.
    pub(crate) fn exhausted(&self) -> bool {
        // Ordering: Relaxed: history by the time it returns.
        let word = self.word.load(Ordering::Relaxed);
        word & WAITERS != 0 || word < ONE
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiters.lock().len()
    }

    /// Ordering: Acquire: what was done by who gave them back. [edge: permits]
    #[inline]
    fn exchange(&self, word: usize, next: usize) -> Result<(), usize> {
        let order = weaken!("permits-take", Ordering::Acquire => Ordering::Relaxed);
        self.word.compare_exchange(word, next, order, Ordering::Relaxed).map(drop)
    }

    /// Ordering: Release: for who takes them next. [edge: permits]
    #[inline]
    fn publish(&self, word: usize, next: usize) -> Result<(), usize> {
        let order = weaken!("permits-give-back", Ordering::Release => Ordering::Relaxed);
        self.word.compare_exchange(word, next, order, Ordering::Relaxed).map(drop)
    }
}

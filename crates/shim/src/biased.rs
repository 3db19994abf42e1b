//! A lock that one thread can reserve: then it costs that thread two stores and a load, and another
//! one, once, a call of the system. See `README.md`.

#![allow(unsafe_code, reason = "a lock hands out what it guards")]

use std::fmt;

use crate::atomic::{AtomicUsize, Ordering};
use crate::cell::UnsafeCell;
use crate::claim::Claim;
use crate::sync::{Mutex, MutexGuard};
use crate::thread;
use crate::weaken;

/// For whom it is reserved, if that is nobody.
const NOBODY: usize = usize::MAX;

/// What many threads use, but for a time mostly one of them.
pub struct Biased<T> {
    /// Its owner is the thread for which this is reserved; it rests while there is none.
    claim: Claim,
    /// The number of that thread.
    owner: AtomicUsize,
    /// Held by all others, one at a time.
    others: Mutex<()>,
    value: UnsafeCell<T>,
}

// SAFETY: `value` is reached inside the claim only: by the owner; or by one of the others at a time, which
// hold the lock. `README.md` shows that there are never two owners.
unsafe impl<T: Send> Sync for Biased<T> {}

impl<T> Biased<T> {
    /// Reserved for nobody.
    #[must_use]
    pub fn new(value: T) -> Self {
        let claim = Claim::default();
        claim.rest();
        Self {
            claim,
            owner: AtomicUsize::new(NOBODY),
            others: Mutex::default(),
            value: UnsafeCell::new(value),
        }
    }

    /// Reserves it for this thread, unless it is reserved: until [`give_back`](Biased::give_back), or until
    /// another thread needs it. For a thread that is about to [`lock`](Biased::lock) several times.
    #[inline]
    pub fn reserve(&self) {
        // Ordering: Relaxed: a look, to spare the exchange.
        if self.owner.load(Ordering::Relaxed) == NOBODY {
            self.reserve_free();
        }
    }

    #[inline(never)]
    fn reserve_free(&self) {
        // Ordering: Acquire [edge: biased-owner]: the rest of the owner before comes first.
        let free = self.owner.compare_exchange(
            NOBODY,
            thread::number(),
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        if free.is_ok() {
            self.claim.resume();
        }
    }

    /// It is not reserved for this thread any more. To others it does nothing.
    #[inline]
    pub fn give_back(&self) {
        if self.is_mine() {
            if weaken!("biased-order") {
                // The mistake this guards against: the next owner resumes, and then this one rests.
                self.owner.store(NOBODY, Ordering::Release);
                self.claim.rest();
                return;
            }
            self.claim.rest();
            // Ordering: Release [edge: biased-owner]: the next owner resumes after this rest.
            self.owner.store(NOBODY, Ordering::Release);
        }
    }

    /// Whether it is reserved for this thread.
    #[inline]
    pub fn is_mine(&self) -> bool {
        // Ordering: Relaxed: only this thread writes its own number.
        self.owner.load(Ordering::Relaxed) == thread::number()
    }

    /// Runs `f` on the value, alone. `f` runs nobody's code, and does not come back here.
    ///
    /// # Panics
    ///
    /// If `f` does come back, on the thread for which it is reserved. On others it would wait for ever.
    #[inline]
    pub fn lock<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let _held = self.hold();
        // SAFETY: inside the claim: as its owner, or by seizing it, under the lock.
        self.value.with_mut(|value| f(unsafe { &mut *value }))
    }

    #[inline]
    fn hold(&self) -> Held<'_> {
        if self.is_mine() && !self.claim.is_resting() {
            let inside = Inside::enter(&self.claim);
            // Who seized it in between has made this thread rest.
            if weaken!("biased-look", !self.claim.is_resting() => true) {
                return Held::Reserved { _inside: inside };
            }
        }
        self.hold_shared()
    }

    #[inline(never)]
    fn hold_shared(&self) -> Held<'_> {
        let one = self.others.lock();
        Held::Shared { _seized: Seized::new(&self.claim), _one: one }
    }
}

/// Who has the value to itself.
enum Held<'a> {
    Reserved {
        _inside: Inside<'a>,
    },
    /// In this order: the next one seizes after this one has released.
    Shared {
        _seized: Seized<'a>,
        _one: MutexGuard<'a, ()>,
    },
}

/// The owner is inside. Unwind: it leaves, and the value is as `f` left it.
struct Inside<'a>(&'a Claim);

impl<'a> Inside<'a> {
    #[inline]
    fn enter(claim: &'a Claim) -> Self {
        assert!(!claim.is_owned(), "a biased lock was locked inside itself");
        claim.enter();
        Self(claim)
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Another thread is inside. Unwind: as for [`Inside`].
struct Seized<'a>(&'a Claim);

impl<'a> Seized<'a> {
    /// By one thread at a time. An owner that was awake rests from now on: what was dear once is not to be
    /// so again.
    fn new(claim: &'a Claim) -> Self {
        claim.seize();
        if !claim.is_resting() {
            claim.rest();
        }
        Self(claim)
    }
}

impl Drop for Seized<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<T> fmt::Debug for Biased<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.owner.load(Ordering::Relaxed);
        f.debug_struct("Biased").field("reserved", &(owner != NOBODY)).finish_non_exhaustive()
    }
}

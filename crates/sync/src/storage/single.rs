//! One value, given by one end and taken by the other.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::weaken;

use super::slot::Slot;

/// The taker's waker is in its cell.
const TAKER_WAITS: usize = 1;
/// The giver's waker is in its cell.
const GIVER_WAITS: usize = 2;
/// The value is there, or was.
const GIVEN: usize = 4;
/// The giver gives nothing any more.
const DONE: usize = 8;
/// The taker has nothing given to it any more. What was given before is still there.
const SHUT: usize = 16;
/// That end will not touch the allocation again. The second to say so frees it.
const GIVER_LEFT: usize = 32;
const TAKER_LEFT: usize = 64;

const WAITS: usize = TAKER_WAITS | GIVER_WAITS;

/// What the two ends share: one allocation, one word.
struct Single<T> {
    word: AtomicUsize,
    value: Slot<T>,
    taker: Slot<Waker>,
    giver: Slot<Waker>,
}

/// The end that gives.
pub(crate) struct Giver<T> {
    single: NonNull<Single<T>>,
    _value: PhantomData<T>,
}

/// The end that takes. It leaves when it has taken.
pub(crate) struct Taker<T> {
    single: Option<NonNull<Single<T>>>,
    _value: PhantomData<T>,
}

// SAFETY: the value goes from one thread to another; the wakers are `Send`, and each cell has one
// user at a time, as the word says.
unsafe impl<T: Send> Send for Giver<T> {}
// SAFETY: as above. By `&` only the word is read.
unsafe impl<T: Send> Sync for Giver<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Taker<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Taker<T> {}

/// What the taker finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    Value(T),
    NotYet,
    Never,
}

/// A place for one value.
pub(crate) fn single<T>() -> (Giver<T>, Taker<T>) {
    let single = Box::new(Single {
        word: AtomicUsize::new(0),
        value: Slot::new(),
        taker: Slot::new(),
        giver: Slot::new(),
    });
    let single = NonNull::from(Box::leak(single));
    (Giver { single, _value: PhantomData }, Taker { single: Some(single), _value: PhantomData })
}

impl<T> Giver<T> {
    /// Gives the value and wakes the taker. It comes back if nothing may be given any more.
    #[inline]
    pub(crate) fn give(self, value: T) -> Result<(), T> {
        let this = ManuallyDrop::new(self);
        let single = this.single;
        let word = {
            let shared = this.shared();
            // SAFETY: nobody looks at the value before `GIVEN`, which only this giver sets.
            unsafe { shared.value.put(value) };
            // Ordering: Relaxed: a guess.
            let mut word = shared.word.load(Ordering::Relaxed);
            loop {
                if word & SHUT != 0 {
                    // SAFETY: it was written above, and is not to be `GIVEN`.
                    let value = unsafe { shared.value.take() };
                    drop(ManuallyDrop::into_inner(this));
                    return Err(value);
                }
                match shared.step(word, GIVEN | DONE, GIVER_LEFT) {
                    Ok(()) => break word,
                    Err(now) => word = now,
                }
            }
        };
        // SAFETY: the step was made from `word`, by the giver, which does not come back.
        unsafe { finish(single, word, GIVER_LEFT) };
        Ok(())
    }

    /// Whether nothing may be given any more.
    #[inline]
    pub(crate) fn is_shut(&self) -> bool {
        // Ordering: Acquire: what the taker did before it shut.
        self.shared().word.load(Ordering::Acquire) & SHUT != 0
    }

    /// Whether nothing may be given any more. Until then `cx` is woken when that comes.
    pub(crate) fn poll_shut(&mut self, cx: &Context<'_>) -> Poll<()> {
        let shared = self.shared();
        // SAFETY: by the giver, with its cell and its bit.
        let word = unsafe { shared.wait(&shared.giver, GIVER_WAITS, SHUT, cx) };
        if word & SHUT == 0 { Poll::Pending } else { Poll::Ready(()) }
    }

    #[inline]
    fn shared(&self) -> &Single<T> {
        // SAFETY: it is freed by the end that leaves second, and this one has not left.
        unsafe { self.single.as_ref() }
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        let word = self.shared().leave(DONE, GIVER_LEFT);
        // SAFETY: the step was made from `word`, by the giver, which does not come back.
        unsafe { finish(self.single, word, GIVER_LEFT) };
    }
}

impl<T> Taker<T> {
    /// Takes the value if it is there.
    #[inline]
    pub(crate) fn take(&mut self) -> Taken<T> {
        let Some(shared) = self.shared() else { return Taken::Never };
        // Ordering: Acquire: the value comes with it. [edge: single-value]
        let order = weaken!("oneshot-take", Ordering::Acquire => Ordering::Relaxed);
        let word = shared.word.load(order);
        self.take_from(word)
    }

    /// Takes the value if it is there. `cx` is woken when it comes, or when it never will.
    #[inline]
    pub(crate) fn poll_take(&mut self, cx: &Context<'_>) -> Taken<T> {
        match self.take() {
            Taken::NotYet => self.wait(cx),
            taken => taken,
        }
    }

    fn wait(&mut self, cx: &Context<'_>) -> Taken<T> {
        let Some(shared) = self.shared() else { return Taken::Never };
        // SAFETY: by the taker, with its cell and its bit.
        let word = unsafe { shared.wait(&shared.taker, TAKER_WAITS, DONE | SHUT, cx) };
        self.take_from(word)
    }

    /// As [`poll_take`](Taker::poll_take), but takes nothing: ready if that would not wait.
    pub(crate) fn poll_over(&mut self, cx: &Context<'_>) -> Poll<()> {
        let Some(shared) = self.shared() else { return Poll::Ready(()) };
        // SAFETY: by the taker, with its cell and its bit.
        let word = unsafe { shared.wait(&shared.taker, TAKER_WAITS, DONE | SHUT, cx) };
        if word & (DONE | SHUT) == 0 { Poll::Pending } else { Poll::Ready(()) }
    }

    /// What there is, as the word says, which was read with `Acquire`.
    #[inline]
    fn take_from(&mut self, word: usize) -> Taken<T> {
        match self.shared() {
            Some(shared) if word & GIVEN != 0 => {
                // SAFETY: the value was given, and is taken once: the taker leaves.
                let value = unsafe { shared.value.take() };
                self.leave();
                Taken::Value(value)
            }
            _ if word & (DONE | SHUT) != 0 => Taken::Never,
            _ => Taken::NotYet,
        }
    }

    /// Has nothing given to it from now on. What was given before can still be taken.
    pub(crate) fn shut(&mut self) {
        let Some(shared) = self.shared() else { return };
        let word = shared.leave(SHUT, 0);
        // SAFETY: the step was made from `word`, by the taker, which has its cell.
        let (_taker, giver) = unsafe { shared.wakers(word) };
        if let Some(giver) = giver {
            giver.wake();
        }
    }

    /// Whether nothing will be given any more: it was, or never will be.
    pub(crate) fn is_over(&self) -> bool {
        // Ordering: Acquire: what the giver did before.
        self.shared().is_none_or(|it| it.word.load(Ordering::Acquire) & (DONE | SHUT) != 0)
    }

    /// It has taken the value, or does not want it.
    #[inline]
    fn leave(&mut self) {
        let Some(single) = self.single.take() else { return };
        // SAFETY: it is freed by the end that leaves second, and this one has not left yet.
        let shared = unsafe { single.as_ref() };
        // Ordering: Acquire: the giver's last access. [edge: single-free]
        let word = shared.word.load(Ordering::Acquire);
        if word & GIVER_LEFT != 0 {
            // Nobody else is there: no need to say anything. There is no waker either, since who is
            // done takes them.
            // SAFETY: both have left.
            return unsafe { free(single) };
        }
        let word = shared.leave(SHUT, TAKER_LEFT);
        // SAFETY: the step was made from `word`, by the taker, which does not come back.
        unsafe { finish(single, word, TAKER_LEFT) };
    }

    #[inline]
    fn shared(&self) -> Option<&Single<T>> {
        // SAFETY: it is freed by the end that leaves second, and this one has not left.
        self.single.as_ref().map(|single| unsafe { single.as_ref() })
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        // A value that was given is dropped after the allocation was let go of. One that comes after
        // this look is seen by `leave`.
        if self.single.is_some() {
            self.shut();
            drop(self.take());
            self.leave();
        }
    }
}

impl<T> Single<T> {
    /// Adds bits to the word, if it is `word`. If nobody waits, `left` is one of them, and the caller has
    /// left by that. Otherwise both ends' wakers belong to it now, and it leaves with [`finish`].
    #[inline]
    fn step(&self, word: usize, add: usize, left: usize) -> Result<(), usize> {
        let left = if word & WAITS == 0 { left } else { 0 };
        let next = (word & !WAITS) | add | left;
        // Ordering: Release: the value, and that this end's accesses are over. Acquire: the other's
        // waker, and that its accesses are over. [edge: single-value] [edge: single-waker] [edge: single-free]
        let order = weaken!("oneshot-give", Ordering::AcqRel => Ordering::Relaxed);
        self.word.compare_exchange(word, next, order, Ordering::Relaxed).map(drop)
    }

    /// As `step`, from whatever the word is. What it was.
    fn leave(&self, add: usize, left: usize) -> usize {
        // Ordering: Relaxed: a guess.
        let mut word = self.word.load(Ordering::Relaxed);
        while let Err(now) = self.step(word, add, left) {
            word = now;
        }
        word
    }

    /// The wakers that were there when a step was made: the taker's and the giver's.
    ///
    /// # Safety
    ///
    /// Once after each step, by whoever made it, which was from `word`.
    unsafe fn wakers(&self, word: usize) -> (Option<Waker>, Option<Waker>) {
        let taken = |waits: usize, cell: &Slot<Waker>| {
            // SAFETY: it was there, as the bit says; the step has cleared the bit, so that the cell is
            // ours.
            (word & waits != 0).then(|| unsafe { cell.take() })
        };
        (taken(TAKER_WAITS, &self.taker), taken(GIVER_WAITS, &self.giver))
    }

    /// Leaves a waker in `cell`, unless the word has one of the bits `until`. The word.
    ///
    /// # Safety
    ///
    /// By the end whose cell and bit these are.
    unsafe fn wait(&self, cell: &Slot<Waker>, bit: usize, until: usize, cx: &Context<'_>) -> usize {
        let mut waker = None;
        // Ordering: Acquire: what the other end did. [edge: single-value]
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if word & until != 0 {
                return word;
            }
            // Ordering: Acquire: what the other end did. Release: the waker. [edge: single-waker]
            let (order, failed) =
                (weaken!("oneshot-wait", Ordering::AcqRel => Ordering::Relaxed), Ordering::Acquire);
            if word & bit != 0 {
                match self.word.compare_exchange(word, word & !bit, order, failed) {
                    Ok(_) => {
                        // SAFETY: a waker was there, and nobody takes it while the bit is clear.
                        waker = Some(unsafe { cell.take() });
                        word &= !bit;
                    }
                    Err(now) => word = now,
                }
                continue;
            }
            let known = waker.take().filter(|known: &Waker| known.will_wake(cx.waker()));
            let known = known.unwrap_or_else(|| cx.waker().clone());
            // SAFETY: the bit is clear and there is no waker: the cell is its end's.
            unsafe { cell.put(known) };
            match self.word.compare_exchange(word, word | bit, order, failed) {
                Ok(_) => return word,
                Err(now) => word = now,
            }
            // SAFETY: it was written above, and the bit was not set.
            waker = Some(unsafe { cell.take() });
        }
    }
}

/// What is left to do after a step that was made from `word`: `left` is the caller's bit. Takes the
/// wakers that the step has given it, leaves, and wakes.
///
/// # Safety
///
/// Once, by the end whose bit that is; it does not touch `single` again.
#[inline]
unsafe fn finish<T>(single: NonNull<Single<T>>, word: usize, left: usize) {
    let other = (GIVER_LEFT | TAKER_LEFT) & !left;
    if word & WAITS == 0 {
        if word & other != 0 {
            // SAFETY: both have left, and nobody has freed it: the other was not the second.
            unsafe { free(single) };
        }
        return;
    }
    // SAFETY: the caller has not left yet.
    let shared = unsafe { single.as_ref() };
    // SAFETY: once after the caller's step.
    let wakers = unsafe { shared.wakers(word) };
    // Ordering: as in `step`. [edge: single-free]
    let word =
        shared.word.fetch_or(left, weaken!("oneshot-left", Ordering::AcqRel => Ordering::Relaxed));
    if word & other != 0 {
        // SAFETY: as above.
        unsafe { free(single) };
    }
    let (taker, giver) = wakers;
    // Unwind: the allocation was let go of, and what is left is dropped.
    let (_mine, others) = if left == GIVER_LEFT { (giver, taker) } else { (taker, giver) };
    if let Some(waker) = others {
        waker.wake();
    }
}

/// # Safety
///
/// Once, when both have left.
unsafe fn free<T>(single: NonNull<Single<T>>) {
    // SAFETY: it came from a box; the other obligations are the caller's.
    let single = unsafe { Box::from_raw(single.as_ptr()) };
    single.taker.expect_unused();
    single.giver.expect_unused();
    single.value.expect_unused();
}

impl<T> fmt::Debug for Giver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Giver").field("shut", &self.is_shut()).finish()
    }
}

impl<T> fmt::Debug for Taker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taker").field("over", &self.is_over()).finish()
    }
}

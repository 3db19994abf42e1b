//! What a timer shares with the sleep that waits for it: its state, and the waker.
//!
//! The README beside this file has the table of states and who may change them.

#![allow(unsafe_code, reason = "a waker in two parts, so that each is an atomic")]

use std::ptr;
use std::task::{RawWakerVTable, Waker};

use loopwork_shim::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

use crate::wheel::Key;

const FREE: u8 = 0;
const ARMED: u8 = 1;
const FIRED: u8 = 2;
const CANCELLED: u8 = 3;
const CLOSED: u8 = 4;

/// Where a registered sleep stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Waiting,
    Fired,
    Closed,
}

/// The half of a timer's node that other threads than the wheel's reach.
///
/// While it is [`ARMED`] it owns a waker, in two parts: whoever ends that state has the waker.
#[derive(Debug, Default)]
pub(crate) struct Ticket {
    /// The deadline that is meant. The wheel may still have an earlier one.
    deadline: AtomicU64,
    /// The waker's data; of a returned ticket the next one that was returned.
    data: AtomicPtr<()>,
    vtable: AtomicPtr<RawWakerVTable>,
    /// The node's key in its wheel.
    index: AtomicU32,
    state: AtomicU8,
}

// Ordering: all `Relaxed`. A ticket is handed from the wheel to the sleep and back together with other
// data: by the claim, by whoever moves the sleep to another thread, by the stack of returned tickets.
// Only `state` is written from two sides, and it publishes nothing: the waker was put in by the
// sleep, which is one side, inside the wheel, which is the other.
impl Ticket {
    /// By the wheel: the timer of a new sleep.
    #[inline]
    pub(super) fn arm(&self, key: Key, deadline: u64, waker: Waker) {
        self.index.store(key.index(), Ordering::Relaxed);
        self.deadline.store(deadline, Ordering::Relaxed);
        self.put_waker(waker);
        self.state.store(ARMED, Ordering::Relaxed);
    }

    /// By the wheel or the sleep.
    #[inline]
    pub(super) fn key(&self) -> Key {
        Key::from_index(self.index.load(Ordering::Relaxed))
    }

    #[inline]
    pub(super) fn deadline(&self) -> u64 {
        self.deadline.load(Ordering::Relaxed)
    }

    /// By the sleep: a later deadline. The wheel looks when the one that it has comes; it may do so
    /// just before, and then the sleep is woken too early and waits again.
    #[inline]
    pub(super) fn postpone(&self, deadline: u64) {
        self.deadline.store(deadline, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn standing(&self) -> Standing {
        match self.state.load(Ordering::Relaxed) {
            FIRED => Standing::Fired,
            CLOSED => Standing::Closed,
            _ => Standing::Waiting,
        }
    }

    /// By the sleep, while it waits: whether it is `waker` that will be woken.
    #[inline]
    pub(super) fn will_wake(&self, waker: &Waker) -> bool {
        // The vtable is compared too, as `Waker::will_wake` does. While the ticket is armed it owns
        // its waker, so that an equal pointer is not of another task in the same place.
        self.data.load(Ordering::Relaxed).cast_const() == waker.data()
            && ptr::eq(self.vtable.load(Ordering::Relaxed), waker.vtable())
    }

    /// By the wheel: its time has come. The waker is to be woken, under no claim; none if the sleep
    /// was quicker to give it up.
    pub(super) fn fire(&self) -> Option<Waker> {
        self.end(FIRED)
    }

    /// By the wheel: its time never comes.
    pub(super) fn close(&self) -> Option<Waker> {
        self.end(CLOSED)
    }

    /// By the sleep, which gives it up: nobody is woken. None if it had fired.
    #[must_use = "the waker is dropped under no claim"]
    pub(super) fn cancel(&self) -> Option<Waker> {
        self.end(CANCELLED)
    }

    /// Ends the armed state, unless another did.
    fn end(&self, state: u8) -> Option<Waker> {
        // Read before the exchange: afterwards the parts may be another's.
        let parts = self.parts();
        if loopwork_shim::weaken!("timer-end") {
            // As it must not be: a look, and then a store.
            let armed = self.state.load(Ordering::Relaxed) == ARMED;
            self.state.store(state, Ordering::Relaxed);
            // SAFETY: none; the model shows that there is none.
            return armed.then(|| unsafe { waker_of(parts) });
        }
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        let ended = self.state.compare_exchange(ARMED, state, success, failure);
        // SAFETY: the ticket was armed until now, so that it owned a waker of these parts: only `arm`
        // and `replace_waker` write them, at times when it cannot be ended, see there. Only one
        // exchange succeeds, and it takes the waker along.
        ended.is_ok().then(|| unsafe { waker_of(parts) })
    }

    /// By the wheel on behalf of the sleep, while it is armed: another waker, for the one before.
    /// Both sides are here, so that nobody else ends the armed state meanwhile.
    pub(super) fn replace_waker(&self, waker: Waker) -> Waker {
        let before = self.parts();
        self.put_waker(waker);
        // SAFETY: the ticket owned a waker of these parts, which are forgotten.
        unsafe { waker_of(before) }
    }

    /// By the wheel: it may be armed again.
    #[inline]
    pub(super) fn free(&self) {
        self.state.store(FREE, Ordering::Relaxed);
    }

    /// By the wheel on behalf of the sleep, while it is armed: takes the waker and frees it.
    #[inline]
    pub(super) fn disarm(&self) -> Waker {
        self.free();
        // SAFETY: the ticket owned a waker of these parts, and is no longer armed.
        unsafe { waker_of(self.parts()) }
    }

    /// The link of the stack of returned tickets, in place of the waker that is gone.
    pub(super) fn next_returned(&self) -> *mut Self {
        self.data.load(Ordering::Relaxed).cast()
    }

    pub(super) fn set_next_returned(&self, next: *mut Self) {
        self.data.store(next.cast(), Ordering::Relaxed);
    }

    /// Fails a model in which anybody may still use it.
    #[cfg(loopwork_loom)]
    pub(super) fn assert_alone(&mut self) {
        self.state.with_mut(|_| ());
        self.data.with_mut(|_| ());
    }

    #[inline]
    fn parts(&self) -> (*mut (), *mut RawWakerVTable) {
        (self.data.load(Ordering::Relaxed), self.vtable.load(Ordering::Relaxed))
    }

    #[inline]
    fn put_waker(&self, waker: Waker) {
        self.data.store(waker.data().cast_mut(), Ordering::Relaxed);
        self.vtable.store(ptr::from_ref(waker.vtable()).cast_mut(), Ordering::Relaxed);
        std::mem::forget(waker);
    }
}

/// # Safety
///
/// The parts are of a waker that was forgotten, and is not made again.
#[inline]
unsafe fn waker_of((data, vtable): (*mut (), *mut RawWakerVTable)) -> Waker {
    // SAFETY: it came from a `&'static`.
    let vtable: &'static RawWakerVTable = unsafe { &*vtable };
    // SAFETY: the two were a valid waker, whose ownership the caller hands over.
    unsafe { Waker::new(data, vtable) }
}

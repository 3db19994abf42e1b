//! Who waits for room.

use std::pin::Pin;
use std::task::{Context, Poll};

use loopwork_shim::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use loopwork_shim::ownership::Ownership;
use loopwork_shim::sync::{Mutex, MutexGuard};

use super::Bounded;
use super::kind::{Ends, Shared};
use crate::storage::{self, Refused, Ring};
use crate::waiters::{Left, List, Waiter, WakeList};

/// Those who wait for room, in order. The request of a waiter is how many places it wants.
///
/// Whoever makes room reserves it for the first of them: a waiter is granted places that are its own.
#[derive(Debug)]
pub(super) struct Room {
    /// As the tail's flag, for the receiver: set before somebody waits, cleared when nobody does.
    wanted: AtomicBool,
    /// Who owns this looks at `wanted` without a fence. That is the receiver, or nobody.
    look: Ownership,
    /// How often the receiver has made a fence since it was taken away. Only it reads and writes it.
    fences: AtomicU32,
    waiters: Mutex<List>,
}

/// From so many fences on the receiver owns its look. In a model from the second one: to become the owner is a fence,
/// too, which would hide that the first is missing.
const PAYS: u32 = if loopwork_shim::MODELLED { 2 } else { Ownership::WORTH };

/// So many places as were requested are reserved.
const PLACES: usize = 0;
/// Nothing may be sent any more.
const CLOSED: usize = 1;

impl Room {
    pub(super) fn new() -> Self {
        Self {
            wanted: AtomicBool::new(false),
            look: Ownership::default(),
            fences: AtomicU32::new(0),
            waiters: Mutex::new(List::new()),
        }
    }

    /// By the receiver, which is not the owner of its look.
    #[inline(never)]
    fn fence(&self) {
        // Ordering: see `begin_to_wait`. [edge: mpsc-room]
        if !loopwork_shim::weaken!("mpsc-freed") {
            fence(Ordering::SeqCst);
        }
        // Ordering: Relaxed: only the receiver comes here, and `&mut` orders that.
        let fences = self.fences.load(Ordering::Relaxed) + 1;
        let enough = fences == PAYS;
        self.fences.store(if enough { 0 } else { fences }, Ordering::Relaxed);
        if enough {
            self.look.own_here();
        }
    }
}

impl<T> storage::Shared<Ring<T>, Ends> {
    /// Reserves places, or waits for them.
    pub(super) fn poll_reserve(
        &self,
        places: usize,
        waiter: Pin<&Waiter>,
        cx: &Context<'_>,
    ) -> Poll<Result<(), Refused>> {
        if !waiter.is_idle() {
            return waiter.poll(cx, &self.beside.room.waiters, |list| list).map(granted);
        }
        match self.reserve(places, false) {
            Err(Refused::Full) => self.begin_to_wait(places, waiter, cx),
            reserved => Poll::Ready(reserved),
        }
    }

    #[cold]
    pub(super) fn begin_to_wait(
        &self,
        places: usize,
        waiter: Pin<&Waiter>,
        cx: &Context<'_>,
    ) -> Poll<Result<(), Refused>> {
        let waker = cx.waker().clone();
        let room = &self.beside.room;
        let mut list = room.waiters.lock();
        if list.is_empty() {
            // Ordering: Relaxed: under the mutex; the fence is what the receiver's pairs with.
            room.wanted.store(true, Ordering::Relaxed);
            let open = self.set_waiters();
            // Ordering: the receiver makes room and looks whether it is wanted; this says that it is and looks
            // for room. One of them sees the other. [edge: mpsc-room]
            if !loopwork_shim::weaken!("mpsc-wanted") {
                fence(Ordering::SeqCst);
            }
            room.look.disown_others();
            let reserved = if open { self.reserve(places, true) } else { Err(Refused::Closed) };
            if reserved != Err(Refused::Full) {
                self.nobody_waits();
                drop(list);
                drop(waker);
                return Poll::Ready(reserved);
            }
        }
        list.push_back(waiter, places, waker);
        Poll::Pending
    }

    /// The receiver has made room.
    #[inline]
    pub(super) fn freed(&self) {
        let room = &self.beside.room;
        if !room.look.is_mine() {
            room.fence();
        }
        if room.wanted.load(Ordering::Relaxed) {
            self.hand_out();
        }
    }

    /// Gives back places that were reserved.
    pub(super) fn give_back(&self, places: usize) {
        if self.unreserve(places) && !loopwork_shim::weaken!("mpsc-give-back") {
            self.hand_out();
        }
    }

    /// A waiter that wanted so many places will not be polled any more.
    #[cold]
    pub(super) fn leave(&self, places: usize, waiter: Pin<&Waiter>) {
        let mut list = self.beside.room.waiters.lock();
        let left = list.leave(waiter);
        match left {
            Left::Granted(PLACES) => {
                drop(list);
                if !loopwork_shim::weaken!("mpsc-pass-on") {
                    self.give_back(places);
                }
            }
            Left::Waiting(waker) => {
                // Those behind it may want less.
                self.hand_out_from(list);
                drop(waker);
            }
            Left::Granted(_) | Left::Idle => {}
        }
    }

    /// Reserves what there is for those in front; tells them if nothing may be sent any more.
    #[cold]
    pub(super) fn hand_out(&self) {
        self.hand_out_from(self.beside.room.waiters.lock());
    }

    fn hand_out_from<'a>(&'a self, mut list: MutexGuard<'a, List>) {
        /// Unwind: if a waker panics, those of later batches are served all the same.
        struct Rest<'a, T: 'a>(&'a Shared<T, Bounded>);
        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                self.0.hand_out();
            }
        }

        loop {
            let mut wakers = WakeList::new();
            while let (Some(places), false) = (list.first_request(), wakers.is_full()) {
                wakers.push(match self.reserve(places, true) {
                    Ok(()) => list.grant_first(PLACES),
                    Err(Refused::Closed) => list.grant_first(CLOSED),
                    Err(Refused::Full) => break,
                });
            }
            if list.is_empty() {
                self.nobody_waits();
            }
            drop(list);
            if !wakers.is_full() {
                return wakers.wake();
            }
            let rest = Rest(self);
            wakers.wake();
            std::mem::forget(rest);
            list = self.beside.room.waiters.lock();
        }
    }

    /// With the mutex held.
    fn nobody_waits(&self) {
        // Ordering: Relaxed: under the mutex. A receiver that still sees the flag looks for nobody.
        self.beside.room.wanted.store(false, Ordering::Relaxed);
        self.clear_waiters();
    }
}

fn granted(grant: usize) -> Result<(), Refused> {
    if grant == PLACES { Ok(()) } else { Err(Refused::Closed) }
}

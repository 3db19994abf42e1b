//! A wheel, and who may reach it: its owner through a claim, others one at a time, and everybody
//! else by returning a ticket.
//!
//! The README beside this file has the protocols and their proofs.

#![allow(unsafe_code, reason = "who may reach a wheel, and for how long it lives, is told here")]

use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::task::Waker;

use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use loopwork_shim::cell::UnsafeCell;
use loopwork_shim::claim::Claim;
use loopwork_shim::sync::Mutex;
use loopwork_shim::{thread_local, weaken};

use super::Due;
use super::ticket::{Standing, Ticket};
use crate::Instant;
use crate::wheel::{Key, Wheel};

/// The deadline of a shard that has none.
pub(super) const NEVER: u64 = u64::MAX;

thread_local! {
    /// The shard that this thread owns, and does not rest from.
    static OWNED: std::cell::Cell<*const Shard> = std::cell::Cell::new(std::ptr::null())
}

/// One wheel of a loop: a worker's, or the one of all who are no workers.
pub(super) struct Shard {
    /// Not later than the earliest deadline. Written by who is inside.
    next: CachePadded<AtomicU64>,
    /// The last ticket that was returned from outside, or [`closed`].
    returned: CachePadded<AtomicPtr<Ticket>>,
    /// Between the owner and who has the gate. Nobody owns the shard of those who are no workers.
    claim: Claim,
    /// Held by who is inside and not the owner.
    gate: Mutex<()>,
    /// A thread has entered as the owner.
    has_owner: AtomicBool,
    /// The owner sleeps, or there is none. A hint: the claim decides.
    rests: AtomicBool,
    /// After `close`: how many tickets are still out, less those that came back since.
    orphans: AtomicUsize,
    local: UnsafeCell<Local>,
}

/// What one thread at a time reaches.
struct Local {
    wheel: Wheel<Ticket>,
    sequence: u64,
    closed: bool,
    /// Entries that an advance has to link again, later. Empty between calls.
    postponed: Vec<(Key, u64)>,
}

// SAFETY: `local` is reached by the owner between `enter` and `leave` of the claim, or by others
// that hold the gate and have seized the claim: never two at a time. The cells of the wheel's nodes
// are part of it; what of a node is reached from outside, the ticket, is made of atomics. A ticket's
// waker is `Send`.
unsafe impl Sync for Shard {}
// SAFETY: as above; nothing in it belongs to a thread.
unsafe impl Send for Shard {}

/// The mark of a stack of returned tickets whose shard is closed.
fn closed() -> *mut Ticket {
    ptr::without_provenance_mut(align_of::<Ticket>())
}

impl Shard {
    pub(super) fn new(now: u64) -> Arc<Self> {
        let (wheel, postponed) = (Wheel::new(now), Vec::new());
        let claim = Claim::default();
        claim.rest();
        Arc::new(Self {
            next: CachePadded::new(AtomicU64::new(NEVER)),
            returned: CachePadded::new(AtomicPtr::new(ptr::null_mut())),
            claim,
            gate: Mutex::new(()),
            has_owner: AtomicBool::new(false),
            rests: AtomicBool::new(true),
            orphans: AtomicUsize::new(0),
            local: UnsafeCell::new(Local { wheel, sequence: 0, closed: false, postponed }),
        })
    }

    /// Not later than the earliest deadline; [`NEVER`] if there is none.
    #[inline]
    pub(super) fn next(&self) -> u64 {
        // Ordering: Relaxed: who decides by it is told of changes by other means.
        self.next.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn is_owned_here(&self) -> bool {
        OWNED.with(|owned| ptr::eq(owned.get(), self))
    }

    /// Whether the owner left it to others to fire its timers.
    pub(super) fn rests(&self) -> bool {
        // Ordering: Relaxed: ordered by the fence of the waiter, see the README.
        self.rests.load(Ordering::Relaxed)
    }

    /// Makes this thread the owner until [`Shard::leave`]. Gives what it owned before.
    ///
    /// # Panics
    ///
    /// If another thread is.
    pub(super) fn enter(&self) -> Outer {
        // Ordering: Acquire: pairs with the release in `leave` of the owner before.
        let taken = self.has_owner.swap(true, Ordering::Acquire);
        assert!(!taken, "two threads entered the timers as the same worker");
        let outer = OWNED.with(|owned| owned.replace(self));
        self.wake_up();
        Outer(outer)
    }

    pub(super) fn leave(&self, outer: Outer) {
        self.lie_down();
        OWNED.with(|owned| owned.set(outer.0));
        // Ordering: Release: see `enter`.
        self.has_owner.store(false, Ordering::Release);
    }

    /// By the owner: others may fire its timers, and until `resume` it is one of the others.
    ///
    /// # Panics
    ///
    /// On another thread: the claim has one owner.
    pub(super) fn rest(&self) {
        assert!(self.is_owned_here(), "a worker rests from its timers on its own thread, once");
        OWNED.with(|owned| owned.set(ptr::null()));
        self.lie_down();
    }

    /// By the owner, which rested: the caller makes sure of it.
    pub(super) fn resume(&self) {
        debug_assert!(self.has_owner.load(Ordering::Relaxed), "nobody entered");
        self.wake_up();
        OWNED.with(|owned| owned.set(self));
    }

    fn lie_down(&self) {
        self.claim.rest();
        // Ordering: Relaxed: who rests passes a fence before it looks at the promise.
        self.rests.store(true, Ordering::Relaxed);
    }

    fn wake_up(&self) {
        self.rests.store(false, Ordering::Relaxed);
        self.claim.resume();
    }

    /// By the owner: runs `f` inside. None on other threads. `f` runs no code of others.
    #[inline]
    fn by_owner<R>(&self, f: impl FnOnce(&mut Local) -> R) -> Option<R> {
        if !self.is_owned_here() {
            return None;
        }
        self.claim.enter();
        // SAFETY: this thread owns the shard, by `OWNED`, which only `enter`, `leave` and `resume` set:
        // `enter` for one thread at a time, `leave` in reverse order and `resume` on the thread that
        // entered, both by `current.rs`. So it is the claim's owner and inside, and nobody else is. `f`
        // does not come back here: it runs no code of others.
        let result = self.local.with_mut(|local| f(unsafe { &mut *local }));
        self.claim.leave();
        Some(result)
    }

    /// By anybody but the owner: runs `f` inside; not if the owner is there.
    fn by_other<R>(&self, f: impl FnOnce(&mut Local) -> R) -> Option<R> {
        let _gate = self.gate.lock();
        if !self.claim.try_seize() {
            return None;
        }
        // SAFETY: the claim was seized, and the gate is held until after its release.
        let result = self.local.with_mut(|local| f(unsafe { &mut *local }));
        self.claim.release();
        Some(result)
    }

    /// Runs `f` inside, as owner or not; the owner is waited for, which is inside for nanoseconds.
    fn inside<R>(&self, mut f: impl FnMut(&mut Local) -> R) -> R {
        loop {
            if let Some(result) = self.by_owner(&mut f).or_else(|| self.by_other(&mut f)) {
                return result;
            }
        }
    }

    /// By the owner: registers a waker. None on other threads, or if the shard is closed.
    #[inline]
    pub(super) fn insert_here(
        &self,
        deadline: u64,
        sequence: Option<u64>,
        waker: &Waker,
    ) -> Option<Seat> {
        if !self.is_owned_here() {
            return None;
        }
        let waker = waker.clone();
        self.by_owner(|local| local.insert(self, deadline, sequence, waker)).and_then(Result::ok)
    }

    /// By anybody: registers a waker, or gives none if the shard is closed.
    pub(super) fn insert(
        &self,
        deadline: u64,
        sequence: Option<u64>,
        waker: &Waker,
    ) -> Option<Seat> {
        let mut waker = Some(waker.clone());
        let inserted = self.inside(|local| {
            local.insert(self, deadline, sequence, waker.take().expect("it is inside once"))
        });
        inserted.ok()
    }

    /// Appends what is due by `now` to `due`. Not if the owner is inside: it does so itself as it goes on.
    pub(super) fn advance(&self, now: u64, due: &mut Vec<Due>) {
        if self.by_owner(|local| local.advance(self, now, due)).is_none() {
            let _ = self.by_other(|local| local.advance(self, now, due));
        }
    }

    /// The earliest deadline, without what was given up or postponed; [`NEVER`] if there is none.
    pub(super) fn settle(&self) -> u64 {
        self.inside(|local| {
            local.reclaim(self);
            let next = local.wheel.settle(Ticket::deadline).unwrap_or(NEVER);
            self.next.store(next, Ordering::Relaxed);
            next
        })
    }

    /// How many sleeps are registered and were not given up.
    pub(super) fn len(&self) -> usize {
        self.inside(|local| {
            if local.closed {
                // Ordering: Relaxed: a number of what there is now.
                return self.orphans.load(Ordering::Relaxed);
            }
            local.reclaim(self);
            local.wheel.len()
        })
    }

    /// Ends the shard: gives all wakers, and lets nothing be due any more. Closing again does nothing.
    ///
    /// The tickets that are out keep the memory until the last is returned.
    pub(super) fn close(self: &Arc<Self>) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let out = self.inside(|local| {
            if std::mem::replace(&mut local.closed, true) {
                return 0;
            }
            // Ordering: AcqRel [edge: timer-return]: as in `reclaim`; and who finds the mark sees the
            // shard closed.
            let mark = weaken!("timer-mark", closed() => ptr::null_mut());
            local.take_back(self.returned.swap(mark, Ordering::AcqRel));
            local.wheel.each_value(|ticket| wakers.extend(ticket.close()));
            self.next.store(NEVER, Ordering::Relaxed);
            local.wheel.len()
        });
        if out > 0 {
            // On behalf of the tickets.
            let _kept = Arc::into_raw(self.clone());
            // Ordering: AcqRel [edge: timer-orphans]: see `hand_back`.
            if self.orphans.fetch_add(out, Ordering::AcqRel).wrapping_add(out) == 0 {
                // SAFETY: the count kept above, which nobody else gives up: the sum of all that is added
                // and taken away is zero once, here.
                unsafe { Arc::decrement_strong_count(Arc::as_ptr(self)) };
            }
        }
        wakers
    }
}

/// By a sleep that is not at its shard's owner: gives its ticket back.
///
/// # Safety
///
/// The ticket is one of the shard's that is out, and is not used any more.
unsafe fn hand_back(shard: NonNull<Shard>, ticket: NonNull<Ticket>) {
    // SAFETY: by the caller; the shard lives until the ticket is given back, which is the last thing
    // done here. No reference to the shard outlives that.
    let returned = unsafe { &shard.as_ref().returned };
    // A guess, which mostly is right.
    let mut top = ptr::null_mut();
    while top != closed() {
        // SAFETY: by the caller.
        unsafe { ticket.as_ref() }.set_next_returned(top);
        // Ordering: Release [edge: timer-return]: who takes the stack sees the sleep done with it.
        let order = weaken!("timer-return", Ordering::Release => Ordering::Relaxed);
        match returned.compare_exchange_weak(top, ticket.as_ptr(), order, Ordering::Relaxed) {
            Ok(_) => return,
            Err(changed) => top = changed,
        }
    }
    // Ordering: AcqRel [edge: timer-orphans]: the last one sees that all others are done.
    let order = weaken!("timer-orphans", Ordering::AcqRel => Ordering::Relaxed);
    // SAFETY: as above.
    if unsafe { shard.as_ref() }.orphans.fetch_sub(1, order) == 1 {
        // SAFETY: the count that `close` kept for the tickets, of which this is the last.
        unsafe { Arc::decrement_strong_count(shard.as_ptr()) };
    }
}

#[cfg(loopwork_loom)]
impl Drop for Shard {
    fn drop(&mut self) {
        // SAFETY: nobody else is there, which is what the model checks.
        self.local
            .with_mut(|local| unsafe { &mut *local }.wheel.each_value_mut(Ticket::assert_alone));
    }
}

impl Local {
    #[inline]
    fn insert(
        &mut self,
        shard: &Shard,
        deadline: u64,
        sequence: Option<u64>,
        waker: Waker,
    ) -> Result<Seat, Waker> {
        if self.closed {
            return Err(waker);
        }
        self.reclaim(shard);
        let sequence = sequence.unwrap_or(self.sequence);
        self.sequence += 1;
        let key = self.wheel.insert(deadline, sequence);
        let ticket = self.wheel.value(key);
        ticket.arm(key, deadline, waker);
        if deadline < shard.next() {
            // Ordering: Relaxed, as all of `next`: see there.
            shard.next.store(deadline, Ordering::Relaxed);
        }
        Ok(Seat { ticket: NonNull::from(ticket), shard: NonNull::from(shard) })
    }

    fn advance(&mut self, shard: &Shard, now: u64, due: &mut Vec<Due>) {
        if self.closed {
            return;
        }
        self.reclaim(shard);
        let Self { wheel, postponed, .. } = self;
        wheel.advance(now, |entry| {
            let deadline = entry.value.deadline();
            if deadline > now {
                postponed.push((entry.key, deadline));
            } else if let Some(waker) = entry.value.fire() {
                due.push(Due {
                    deadline: Instant::from_nanos(deadline),
                    sequence: entry.sequence,
                    waker,
                });
            }
        });
        for (key, deadline) in postponed.drain(..) {
            wheel.relink(key, deadline);
        }
        shard.next.store(wheel.next_deadline().unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Frees what was returned from outside.
    #[inline]
    fn reclaim(&mut self, shard: &Shard) {
        // Ordering: Relaxed: a look; what is there is acquired below.
        if !self.closed && !shard.returned.load(Ordering::Relaxed).is_null() {
            // Ordering: Acquire [edge: timer-return]: pairs with the pushes, each of which continues
            // the release sequence of those below it.
            self.take_back(shard.returned.swap(ptr::null_mut(), Ordering::Acquire));
        }
    }

    #[cold]
    fn take_back(&mut self, mut top: *mut Ticket) {
        while !top.is_null() {
            // SAFETY: a ticket of this wheel, whose nodes live as long as it does; the sleep that
            // returned it does not use it any more.
            let ticket = unsafe { &*top };
            top = ticket.next_returned();
            ticket.free();
            self.wheel.free(ticket.key());
        }
    }

    /// By the owner on behalf of the sleep that gives its ticket back: the waker, if there is one.
    #[inline]
    fn take_here(&mut self, ticket: &Ticket) -> Option<Waker> {
        let waker = match ticket.standing() {
            Standing::Waiting => Some(ticket.disarm()),
            Standing::Fired | Standing::Closed => {
                ticket.free();
                None
            }
        };
        self.wheel.free(ticket.key());
        waker
    }
}

/// What a thread owned before it entered a shard. The thread still does not outlive that.
#[derive(Debug)]
pub(super) struct Outer(*const Shard);

/// A registered sleep's place among the timers. Dropping it gives it up.
#[derive(Debug)]
pub(crate) struct Seat {
    ticket: NonNull<Ticket>,
    shard: NonNull<Shard>,
}

// SAFETY: through `&Seat` only atomics are read; `&mut` and ownership may move to other threads, whose
// changes go through the claim or through the stack of returned tickets. The shard is `Sync`.
unsafe impl Send for Seat {}
// SAFETY: as above.
unsafe impl Sync for Seat {}

impl Seat {
    #[inline]
    fn ticket(&self) -> &Ticket {
        // SAFETY: the node is not freed before the seat gives it up, and its memory lives as long as
        // the shard: see `shard`.
        unsafe { self.ticket.as_ref() }
    }

    #[inline]
    fn shard(&self) -> &Shard {
        // SAFETY: the timers keep the shard until they are closed, and then it is kept on behalf of
        // the tickets that are out, of which this one is.
        unsafe { self.shard.as_ref() }
    }

    #[inline]
    pub(crate) fn standing(&self) -> Standing {
        self.ticket().standing()
    }

    /// Where the sleep stands; if it waits, `waker` is the one to be woken from now on. None if only a
    /// new registration can do that.
    #[inline]
    pub(crate) fn renew(&mut self, waker: &Waker) -> Option<Standing> {
        let standing = self.standing();
        if standing != Standing::Waiting || self.ticket().will_wake(waker) {
            return Some(standing);
        }
        self.replace_waker(waker)
    }

    #[cold]
    fn replace_waker(&mut self, waker: &Waker) -> Option<Standing> {
        if !self.shard().is_owned_here() {
            return None;
        }
        let waker = waker.clone();
        let (_dropped, standing) = self.shard().by_owner(|_| {
            // Once more, inside, where nobody fires it meanwhile: the one before may have been woken.
            match self.ticket().standing() {
                Standing::Waiting => (self.ticket().replace_waker(waker), Standing::Waiting),
                decided => (waker, weaken!("timer-renew", decided => Standing::Waiting)),
            }
        })?;
        Some(standing)
    }

    /// Moves the deadline from `from` on to `to`, without a look at the wheel if that is later. False
    /// if only a new registration can do that.
    #[inline]
    pub(crate) fn reset(&mut self, from: Instant, to: Instant) -> bool {
        if self.standing() != Standing::Waiting {
            return false;
        }
        if to >= from {
            self.ticket().postpone(to.as_nanos());
            return true;
        }
        self.bring_forward(to.as_nanos())
    }

    fn bring_forward(&mut self, deadline: u64) -> bool {
        let (shard, ticket) = (self.shard(), self.ticket());
        let brought = shard.by_owner(|local| {
            // Inside, so that nobody fires it meanwhile.
            let waits = ticket.standing() == Standing::Waiting;
            if waits {
                ticket.postpone(deadline);
                local.wheel.relink(ticket.key(), deadline);
                if deadline < shard.next() {
                    shard.next.store(deadline, Ordering::Relaxed);
                }
            }
            waits
        });
        brought == Some(true)
    }
}

impl Drop for Seat {
    #[inline]
    fn drop(&mut self) {
        let take_here = |local: &mut Local| {
            // The memory of a closed shard is counted.
            (!local.closed).then(|| local.take_here(self.ticket()))
        };
        // Dropped at the end, where this thread is inside nothing: its destructor is code of others.
        let _waker = match self.shard().by_owner(take_here).flatten() {
            Some(waker) => waker,
            None => {
                let waker = self.ticket().cancel();
                // SAFETY: it is out, and this was its last use.
                unsafe { hand_back(self.shard, self.ticket) };
                waker
            }
        };
    }
}

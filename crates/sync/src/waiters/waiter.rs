//! One wait.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomPinned;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll, Waker};

use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::cell::UnsafeCell;
use loopwork_shim::sync::Mutex;
use loopwork_shim::weaken;

use super::list::{Head, List};

/// The lower bits of the state say what it is; the others are the request or the grant.
const KIND: usize = 0b11;
const IDLE: usize = 0;
const WAITING: usize = 1;
const GRANTED: usize = 2;
pub(super) const PAYLOAD_SHIFT: u32 = 2;

/// One wait of one future, and its place in a [`List`].
///
/// *Idle*, *waiting* with a request in a list, or *granted* something and in no list. It is a field
/// of a pinned future, whose destructor takes it out of the list: see [`List::leave`].
pub struct Waiter {
    state: AtomicUsize,
    /// The list it waits in. Only its future reads and writes this.
    home: Cell<*const Head>,
    /// There while it waits, and then belongs to who may change the list. Not being written otherwise,
    /// it costs a wait that is over at once nothing.
    pub(super) links: UnsafeCell<MaybeUninit<Links>>,
    // Others point at it while it waits.
    _pinned: PhantomPinned,
}

// SAFETY: all that keeps it from being `Send` are the pointers. `home` is an address to compare.
// The links are followed only by who may change the list, on whichever thread.
unsafe impl Send for Waiter {}

pub(super) struct Links {
    pub(super) before: Option<NonNull<Waiter>>,
    pub(super) after: Option<NonNull<Waiter>>,
    pub(super) waker: Waker,
}

impl Waiter {
    /// It is idle.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicUsize::new(IDLE),
            home: Cell::new(ptr::null()),
            links: UnsafeCell::new(MaybeUninit::uninit()),
            _pinned: PhantomPinned,
        }
    }

    /// Whether it neither waits nor was granted something it has not taken.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        // Ordering: Relaxed: only its own future makes it idle, or not.
        self.state.load(Ordering::Relaxed) == IDLE
    }

    /// Whether it was granted something it has not taken.
    pub(crate) fn is_granted(&self) -> bool {
        // Ordering: Relaxed: who takes the grant acquires it.
        self.state.load(Ordering::Relaxed) & KIND == GRANTED
    }

    /// Takes what it was granted, without a lock. It is idle then.
    #[inline]
    pub(crate) fn take_grant(&self) -> Option<usize> {
        // Ordering: Acquire: what was done before the grant comes with it. [edge: waiter-grant]
        let state =
            self.state.load(weaken!("waiter-taken", Ordering::Acquire => Ordering::Relaxed));
        (state & KIND == GRANTED).then(|| {
            self.become_idle();
            state >> PAYLOAD_SHIFT
        })
    }

    /// Has it granted something by its own future, which has taken that from elsewhere.
    ///
    /// # Panics
    ///
    /// If it is not idle.
    pub(crate) fn keep(&self, grant: usize) {
        assert!(self.is_idle(), "a waiter waits once at a time");
        // Ordering: Relaxed: only its own future looks.
        self.state.store((grant << PAYLOAD_SHIFT) | GRANTED, Ordering::Relaxed);
    }

    /// Polls it while it is not idle: what it was granted, once it is. Otherwise `cx` is whom a
    /// grant wakes. `list` finds the list it waits in under `mutex`.
    #[inline]
    pub(crate) fn poll<S>(
        self: Pin<&Self>,
        cx: &Context<'_>,
        mutex: &Mutex<S>,
        list: impl Fn(&mut S) -> &mut List,
    ) -> Poll<usize> {
        match self.take_grant() {
            Some(grant) => Poll::Ready(grant),
            None => self.keep_waiting(cx, mutex, list),
        }
    }

    #[cold]
    fn keep_waiting<S>(
        self: Pin<&Self>,
        cx: &Context<'_>,
        mutex: &Mutex<S>,
        list: impl Fn(&mut S) -> &mut List,
    ) -> Poll<usize> {
        if list(&mut mutex.lock()).would_wake(self, cx.waker()) {
            return Poll::Pending;
        }
        // It has another waker now, or was granted something meanwhile.
        let waker = cx.waker().clone();
        let mut state = mutex.lock();
        let replaced = list(&mut state).replace_waker(self, waker);
        drop(state);
        drop(replaced);
        self.take_grant().map_or(Poll::Pending, Poll::Ready)
    }

    /// For its list alone: it waits there from now on.
    pub(super) fn begin(&self, home: *const Head, request: usize) {
        self.home.set(home);
        // Ordering: Relaxed: the mutex of the list orders it before whatever others do with it.
        self.state.store((request << PAYLOAD_SHIFT) | WAITING, Ordering::Relaxed);
    }

    /// What it waits for, while it does: for who has the mutex of its list.
    pub(crate) fn request(&self) -> usize {
        // Ordering: Relaxed: as above, and nobody but its list changes it while it waits.
        self.state.load(Ordering::Relaxed) >> PAYLOAD_SHIFT
    }

    /// For its list alone, as the last it does with it: from here on its future may free it.
    pub(super) fn grant(&self, grant: usize) {
        // Ordering: Release: see `take_grant`. [edge: waiter-grant]
        let order = weaken!("waiter-grant", Ordering::Release => Ordering::Relaxed);
        self.state.store((grant << PAYLOAD_SHIFT) | GRANTED, order);
    }

    /// Whether it waits in the list that begins at `home`. Who may change that list may trust a yes
    /// until it releases the mutex.
    pub(super) fn waits_in(&self, home: *const Head) -> bool {
        // Ordering: Relaxed: who asks holds the mutex under which a grant would be made.
        let state = self.state.load(Ordering::Relaxed);
        state & KIND == WAITING && ptr::eq(self.home.get(), home)
    }

    #[inline]
    pub(super) fn become_idle(&self) {
        // Ordering: Relaxed: nobody but its own future looks at it while it is in no list.
        self.state.store(IDLE, Ordering::Relaxed);
    }
}

impl Drop for Waiter {
    #[inline]
    fn drop(&mut self) {
        // Ordering: Relaxed: no grant was made, or it was made and the list has let go of it.
        if self.state.load(Ordering::Relaxed) & KIND == WAITING {
            dropped_while_it_waits();
        }
    }
}

/// The list points at memory that is about to go away. A panic would not prevent that.
#[cold]
fn dropped_while_it_waits() -> ! {
    eprintln!("loopwork: a waiter was dropped while it waited");
    std::process::abort();
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ordering: Relaxed: it is for people.
        f.write_str(match self.state.load(Ordering::Relaxed) & KIND {
            IDLE => "idle",
            WAITING => "waiting",
            _ => "granted",
        })
    }
}

//! The right to do without atomic operations what others do with them: a thread has it until another
//! thread needs it to be gone. See `README.md`.

#![allow(
    unsafe_code,
    reason = "a thread reaches what it keeps alive without a look whether it is there"
)]

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::ptr;
use std::sync::Arc;

use crate::asymmetric::{self, AsymmetricFence};
use crate::atomic::{AtomicBool, AtomicPtr, Ordering, fence};
use crate::sync::Mutex;
use crate::thread::yield_now;
use crate::weaken;

/// What one thread may own.
pub struct Ownership {
    /// The owner's seat; null without one. Written under the lock.
    owner: AtomicPtr<Seat>,
    /// The same, kept alive.
    seat: Mutex<Option<Arc<Seat>>>,
}

/// Of one thread: whether it is doing something as an owner.
#[derive(Debug, Default)]
struct Seat {
    fence: AsymmetricFence,
    /// It does what only an owner may do.
    inside: AtomicBool,
}

/// The seat of this thread, for as long as that lives.
#[derive(Default)]
struct Seated(OnceCell<Arc<Seat>>);

crate::thread_local! {
    static SEATED: Seated = Seated(OnceCell::new())
}

crate::thread_local! {
    /// The same, to be compared with an owner: without a destructor, it is read by one instruction. `NOWHERE` while this
    /// thread has none.
    static HERE: Cell<*const Seat> = Cell::new(NOWHERE)
}

/// Nobody's: no owner, and not null either.
const NOWHERE: *const Seat = ptr::without_provenance(1);

impl Seated {
    fn seat(&self) -> &Arc<Seat> {
        self.0.get_or_init(|| {
            let seat = Arc::default();
            HERE.with(|here| here.set(Arc::as_ptr(&seat)));
            seat
        })
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        // In a model it may have gone.
        let _ = HERE.try_with(|here| here.set(NOWHERE));
    }
}

impl Default for Ownership {
    fn default() -> Self {
        Self { owner: AtomicPtr::new(ptr::null_mut()), seat: Mutex::default() }
    }
}

impl Ownership {
    /// So many operations that are spared make up for what it costs to take the right away.
    pub const WORTH: u32 = if crate::MODELLED { 1 } else { 256 };

    /// Makes this thread the owner, if there is none, and `begin` agrees, which is asked under a lock.
    ///
    /// False also where owning would not be cheaper than doing without.
    pub fn own(&self, begin: impl FnOnce() -> bool) -> bool {
        self.settle(|seat| seat.is_none() && begin())
    }

    /// Makes this thread the owner. The one who owned it until now, if somebody did, is the caller, on the thread where it was
    /// before.
    pub fn own_here(&self) -> bool {
        self.settle(|_| true)
    }

    fn settle(&self, agreed: impl FnOnce(&Option<Arc<Seat>>) -> bool) -> bool {
        let mine = SEATED.try_with(|seated| {
            let seat = seated.seat();
            seat.fence.is_asymmetric().then(|| seat.clone())
        });
        let Ok(Some(mine)) = mine else { return false };
        let mut seat = self.seat.lock();
        if !agreed(&seat) {
            return false;
        }
        // Ordering: Relaxed: only this thread finds itself there; others take it away under the lock.
        self.owner.store(Arc::as_ptr(&mine).cast_mut(), Ordering::Relaxed);
        if !weaken!("own-fence") {
            // Ordering: SeqCst [edge: own-begin]: store-load with `disown_others`.
            fence(Ordering::SeqCst);
        }
        *seat = Some(mine);
        true
    }

    /// Runs `f` if this thread is the owner, and stays it so long: `f` must be short, and run nobody's code.
    #[inline]
    pub fn as_owner<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        let seat = self.mine()?;
        let inside = Inside::enter(seat);
        if !weaken!("own-light") {
            // Ordering: a light fence [edge: own]: store-load with `disown`.
            asymmetric::light();
        }
        // Who has taken it away in between did not see this thread inside.
        let still = weaken!("own-look", self.is_owner(seat) => true);
        let done = still.then(f);
        drop(inside);
        done
    }

    /// Whether this thread is the owner, and was so when it did what it did last: whoever takes that away
    /// later sees it.
    #[inline]
    pub fn is_mine(&self) -> bool {
        let here = HERE.with(Cell::get);
        // In a model the fence below would hide, also from who is not the owner, that one of the others is missing.
        if crate::MODELLED && !self.is_owner(here) {
            return false;
        }
        // Ordering: a light fence [edge: own]: store-load with `disown`. In a model it is a fence like any other,
        // which would hide that one of the others is missing.
        let others = weaken!("own-others", weaken!("own-fence") => true);
        if !weaken!("own-mine", others => true) {
            asymmetric::light();
        }
        self.is_owner(here)
    }

    /// This thread's seat, if it is the owner's.
    #[inline]
    fn mine(&self) -> Option<&Seat> {
        let here = HERE.with(Cell::get);
        if !self.is_owner(here) {
            return None;
        }
        // SAFETY: an owner is not `NOWHERE`, so that `SEATED` of this thread is alive, and keeps it alive; that does not
        // go while its own thread is in here.
        Some(unsafe { &*here })
    }

    #[inline]
    fn is_owner(&self, seat: *const Seat) -> bool {
        // Ordering: Relaxed: only a thread itself makes itself the owner, and fences order the rest.
        ptr::eq(self.owner.load(Ordering::Relaxed), seat)
    }

    /// From now on nobody else is the owner. The caller has passed a `SeqCst` fence since it wrote what an owner looks for:
    /// who becomes the owner after this sees it.
    #[inline]
    pub fn disown_others(&self) {
        // Ordering: Relaxed: after the caller's fence. [edge: own-begin]
        let owner = self.owner.load(Ordering::Relaxed);
        if !owner.is_null() && !self.is_mine() && !weaken!("own-others") {
            self.disown(|| ());
        }
    }

    /// From now on there is no owner: waits while there is one inside. Then, if there was one, `end` is run, under the
    /// lock under which `begin` was.
    #[cold]
    pub fn disown(&self, end: impl FnOnce()) {
        let mut owner = self.seat.lock();
        let Some(seat) = owner.take() else { return };
        self.owner.store(ptr::null_mut(), Ordering::Relaxed);
        // Ordering: a heavy fence [edge: own]: store-load with `as_owner` and `is_mine`. The system has granted
        // it once: it does again.
        while !weaken!("own-heavy") && !seat.fence.heavy() {
            yield_now();
        }
        // Ordering: Acquire [edge: own]: what the owner did inside.
        let order = weaken!("own-acquire", Ordering::Acquire => Ordering::Relaxed);
        while seat.inside.load(order) {
            yield_now();
        }
        end();
    }
}

/// This thread is inside, of whatever it owns. Unwind: it leaves.
struct Inside<'a>(&'a Seat);

impl<'a> Inside<'a> {
    #[inline]
    fn enter(seat: &'a Seat) -> Self {
        // Ordering: Relaxed: a light fence follows.
        seat.inside.store(true, Ordering::Relaxed);
        Self(seat)
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        // Ordering: Release [edge: own]: pairs with the look in `disown`.
        self.0.inside.store(false, weaken!("own-leave", Ordering::Release => Ordering::Relaxed));
    }
}

impl fmt::Debug for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.owner.load(Ordering::Relaxed);
        f.debug_struct("Ownership").field("owned", &!owner.is_null()).finish_non_exhaustive()
    }
}

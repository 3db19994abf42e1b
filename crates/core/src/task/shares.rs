//! Shares of a value: a count that costs no write for each.
//!
//! As an `Arc` counts references, [`Counted`] counts shares, but in lots: whoever hands them out has
//! a [`Stock`] of them, and whoever ends their owners [gathers](Gathered) them. When the last has
//! been given up, the value hears of it.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::weaken;

/// How many shares a stock takes at a time.
const LOT: usize = if loopwork_shim::MODELLED { 2 } else { 256 };

/// What is counted when a task has been marked as ended.
#[doc(hidden)]
pub trait Ends: Send + Sync + 'static {
    /// One has failed: this one, by the count of who made it.
    fn failed(&self, index: usize);
    /// The last share was given up: all have ended.
    fn all_ended(&self);
}

/// A value of which shares are counted. The shares together have one reference to it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Counted<T: ?Sized> {
    shares: AtomicUsize,
    value: T,
}

impl<T: Ends> Counted<T> {
    /// The value, and the stock of its shares.
    #[must_use]
    pub fn new(value: T) -> (Arc<Self>, Stock<T>) {
        let counted = Arc::new(Self { shares: AtomicUsize::new(LOT), value });
        let stock = Stock { at: counted.at(), left: LOT };
        // Given up with the last share.
        std::mem::forget(counted.clone());
        (counted, stock)
    }

    /// With the provenance of the whole `Arc`.
    fn at(self: &Arc<Self>) -> NonNull<Self> {
        NonNull::new(Arc::as_ptr(self).cast_mut()).expect("an `Arc` is somewhere")
    }

    /// How many shares are out, those of a stock included, by a thread that may be late to hear.
    #[must_use]
    pub fn shares(&self) -> usize {
        // Ordering: Relaxed: a hint.
        self.shares.load(Ordering::Relaxed)
    }

    /// One more share without a stock, unless the last was given up.
    #[must_use]
    pub fn share(self: &Arc<Self>) -> Option<Share<T>> {
        let mut now = self.shares.load(Ordering::Relaxed);
        loop {
            if weaken!("share-late", now == 0 => false) {
                return None;
            }
            // Ordering: Relaxed: as the clone of an `Arc`: what is counted here is given up later.
            match self.shares.compare_exchange_weak(
                now,
                now + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(Share(self.at())),
                Err(changed) => now = changed,
            }
        }
    }
}

/// Gives shares up; if they were the last, the value hears of it.
///
/// # Safety
///
/// The shares are the caller's, and are not used again.
unsafe fn give_up<T: Ends + ?Sized>(at: NonNull<Counted<T>>, shares: usize) {
    // SAFETY: while a share is out the reference of all of them keeps it.
    let counted = unsafe { at.as_ref() };
    // Ordering: AcqRel [edge: share-end]: what was done by those that had the others comes before what
    // is done by the last.
    let order = weaken!("share-end", Ordering::AcqRel => Ordering::Relaxed);
    if counted.shares.fetch_sub(shares, order) == shares {
        // SAFETY: the reference that `new` left. Nobody gains a share any more.
        let last = unsafe { Arc::from_raw(at.as_ptr()) };
        last.value.all_ended();
    }
}

/// Shares that are handed out one by one, of which one stays.
#[doc(hidden)]
pub struct Stock<T: Ends> {
    at: NonNull<Counted<T>>,
    /// Not zero.
    left: usize,
}

impl<T: Ends> Stock<T> {
    /// How many it has.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }

    #[must_use]
    #[inline]
    pub fn share(&mut self) -> Share<T> {
        if self.left == 1 {
            // SAFETY: the share that stays keeps it.
            let counted = unsafe { self.at.as_ref() };
            // Ordering: Relaxed: as in `Counted::share`.
            counted.shares.fetch_add(LOT, Ordering::Relaxed);
            self.left += LOT;
        }
        self.left -= 1;
        Share(self.at)
    }
}

impl<T: Ends> Drop for Stock<T> {
    fn drop(&mut self) {
        // SAFETY: what is left is the stock's own.
        unsafe { give_up(self.at, self.left) };
    }
}

/// One share.
#[doc(hidden)]
pub struct Share<T: Ends>(NonNull<Counted<T>>);

impl<T: Ends> Share<T> {
    #[inline]
    pub(crate) fn into_any(self) -> AnyShare {
        let at = self.0;
        std::mem::forget(self);
        AnyShare(at)
    }

    #[inline]
    pub(crate) fn name(&self) -> *const () {
        name(self.0)
    }
}

impl<T: Ends> Deref for Share<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this share keeps it.
        &unsafe { self.0.as_ref() }.value
    }
}

impl<T: Ends> Drop for Share<T> {
    fn drop(&mut self) {
        // SAFETY: this share is the owner's.
        unsafe { give_up(self.0, 1) };
    }
}

/// One share of a value of any type.
pub(crate) struct AnyShare(NonNull<Counted<dyn Ends>>);

impl AnyShare {
    #[inline]
    pub(crate) fn value(&self) -> &dyn Ends {
        // SAFETY: this share keeps it.
        &unsafe { self.0.as_ref() }.value
    }
}

impl Drop for AnyShare {
    fn drop(&mut self) {
        // SAFETY: this share is the owner's.
        unsafe { give_up(self.0, 1) };
    }
}

/// One share or more.
pub(crate) struct Bundle {
    at: NonNull<Counted<dyn Ends>>,
    shares: usize,
}

impl Drop for Bundle {
    fn drop(&mut self) {
        // SAFETY: they are the bundle's.
        unsafe { give_up(self.at, self.shares) };
    }
}

impl From<AnyShare> for Bundle {
    fn from(share: AnyShare) -> Self {
        let at = share.0;
        std::mem::forget(share);
        Self { at, shares: 1 }
    }
}

/// Where shares of one value at a time are gathered.
#[derive(Default)]
pub(crate) struct Gathered {
    at: Cell<Option<NonNull<Counted<dyn Ends>>>>,
    /// Of that value, if there is one.
    shares: Cell<usize>,
}

impl Gathered {
    /// One more, unless there are some of another value: then it comes back.
    #[inline]
    pub(crate) fn add(&self, share: AnyShare) -> Option<AnyShare> {
        match self.at.get() {
            None => {
                self.at.set(Some(share.0));
                self.shares.set(1);
            }
            Some(at) if name(at) == name(share.0) => self.shares.set(self.shares.get() + 1),
            Some(_) => return Some(share),
        }
        std::mem::forget(share);
        None
    }

    /// Whether there are some, and of another value than this.
    #[inline]
    pub(crate) fn is_of_another_than(&self, other: *const ()) -> bool {
        self.at.get().is_some_and(|at| name(at) != other)
    }

    /// All of them.
    #[inline]
    pub(crate) fn take(&self) -> Option<Bundle> {
        self.at.take().map(|at| Bundle { at, shares: self.shares.get() })
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// Values are known by their address.
#[inline]
fn name<T: ?Sized>(at: NonNull<T>) -> *const () {
    at.as_ptr().cast_const().cast()
}

// SAFETY: shares are counted references to what is `Send` and `Sync`; here and below.
unsafe impl<T: Ends> Send for Stock<T> {}
// SAFETY: as above; by shared reference nothing is handed out.
unsafe impl<T: Ends> Sync for Stock<T> {}
// SAFETY: as above.
unsafe impl<T: Ends> Send for Share<T> {}
// SAFETY: as above.
unsafe impl<T: Ends> Sync for Share<T> {}
// SAFETY: as above: `Ends` is `Send` and `Sync`.
unsafe impl Send for Bundle {}

impl<T: Ends> fmt::Debug for Stock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stock").field("left", &self.left).finish_non_exhaustive()
    }
}

impl<T: Ends> fmt::Debug for Share<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Share")
    }
}

//! Who waits, in order.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::Waker;

use super::waiter::{Links, Waiter};

/// The waiters of one primitive, in order. It lives in the mutex of the primitive, and `&mut` of it
/// is the right to touch the waiters in it.
///
/// It obeys one rule: no code of others runs under that mutex. So wakers are cloned before it is
/// taken, and every function that removes one gives it back, to be woken or dropped after it is
/// released.
///
/// It is empty and allocates nothing until the first waiter comes: uncontended, a primitive is small.
/// The box gives it an address that does not change when the primitive moves.
pub(crate) struct List(Option<Box<Head>>);

/// The ends of the list.
pub(super) struct Head {
    first: Option<NonNull<Waiter>>,
    last: Option<NonNull<Waiter>>,
}

// SAFETY: waiters are `Send`, and reached only through `&mut List`.
unsafe impl Send for List {}

/// How a waiter left.
#[derive(Debug)]
#[must_use = "a waker is dropped after the mutex is released, a grant is handed on"]
pub(crate) enum Left {
    /// It waited in the list. The waker is there to be dropped.
    Waiting(Waker),
    /// It had been granted this before.
    Granted(usize),
    /// It did not wait.
    Idle,
}

impl List {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first().is_none()
    }

    /// Whether exactly one waits.
    pub(crate) fn has_one(&self) -> bool {
        self.0.as_ref().is_some_and(|head| head.first.is_some() && head.first == head.last)
    }

    /// How many wait. It counts them: for people, not for decisions.
    pub(crate) fn len(&self) -> usize {
        let mut count = 0;
        let mut at = self.first();
        while let Some(waiter) = at {
            count += 1;
            at = follow(waiter, |links| links.after);
        }
        count
    }

    /// Waits behind all others.
    ///
    /// # Panics
    ///
    /// If `waiter` is not idle.
    pub(crate) fn push_back(&mut self, waiter: Pin<&Waiter>, request: usize, waker: Waker) {
        self.insert_before(None, waiter, request, waker);
    }

    /// Waits in front of all others.
    ///
    /// # Panics
    ///
    /// If `waiter` is not idle.
    pub(crate) fn push_front(&mut self, waiter: Pin<&Waiter>, request: usize, waker: Waker) {
        self.insert_before(self.first(), waiter, request, waker);
    }

    /// Waits in front of the first whose request is greater: for lists whose requests are ascending.
    ///
    /// # Panics
    ///
    /// If `waiter` is not idle.
    pub(crate) fn push_in_order(&mut self, waiter: Pin<&Waiter>, request: usize, waker: Waker) {
        let mut after = self.first();
        while let Some(other) = after.filter(|other| request_of(*other) <= request) {
            after = follow(other, |links| links.after);
        }
        self.insert_before(after, waiter, request, waker);
    }

    /// What the first of those who wait has asked for.
    #[inline]
    pub(crate) fn first_request(&self) -> Option<usize> {
        self.first().map(request_of)
    }

    /// Grants to the first of those who wait. It is in no list then, and is to be woken.
    #[must_use = "the waker is woken after the mutex is released"]
    pub(crate) fn grant_first(&mut self, grant: usize) -> Option<Waker> {
        let first = self.first()?;
        let waker = self.unlink(first);
        // SAFETY: it was in the list, so that it is alive, and stays so until it sees the grant.
        unsafe { first.as_ref() }.grant(grant);
        Some(waker)
    }

    /// Takes `waiter` out of the list, if it is there. It is idle then, also if it was granted
    /// something.
    pub(crate) fn leave(&mut self, waiter: Pin<&Waiter>) -> Left {
        if self.holds(waiter) {
            let waker = self.unlink(NonNull::from(waiter.get_ref()));
            waiter.become_idle();
            return Left::Waiting(waker);
        }
        waiter.take_grant().map_or(Left::Idle, Left::Granted)
    }

    /// Whether `waiter` waits here with a waker as good as `waker`.
    pub(crate) fn would_wake(&mut self, waiter: Pin<&Waiter>, waker: &Waker) -> bool {
        let known = |links: &mut Links| links.waker.will_wake(waker);
        self.holds(waiter) && change(NonNull::from(waiter.get_ref()), known)
    }

    /// Exchanges the waker of `waiter`, if it waits here. The one that is not needed comes back.
    #[must_use = "a waker is dropped after the mutex is released"]
    pub(super) fn replace_waker(&mut self, waiter: Pin<&Waiter>, waker: Waker) -> Option<Waker> {
        if self.holds(waiter) {
            let waiter = NonNull::from(waiter.get_ref());
            return Some(change(waiter, |links| mem::replace(&mut links.waker, waker)));
        }
        Some(waker)
    }

    #[inline]
    fn first(&self) -> Option<NonNull<Waiter>> {
        self.0.as_ref()?.first
    }

    /// Whether `waiter` is in this list, and so what its links say is ours.
    fn holds(&self, waiter: Pin<&Waiter>) -> bool {
        self.0.as_ref().is_some_and(|head| waiter.waits_in(&raw const **head))
    }

    fn insert_before(
        &mut self,
        after: Option<NonNull<Waiter>>,
        waiter: Pin<&Waiter>,
        request: usize,
        waker: Waker,
    ) {
        assert!(waiter.is_idle(), "a waiter waits once at a time");
        let head = self.0.get_or_insert_with(|| Box::new(Head { first: None, last: None }));
        waiter.begin(&raw const **head, request);
        // It is pinned, and its destructor does not return while it waits: the pointer stays good.
        let waiter = NonNull::from(waiter.get_ref());
        let before = match after {
            Some(after) => change(after, |links| links.before.replace(waiter)),
            None => head.last.replace(waiter),
        };
        match before {
            Some(before) => change(before, |links| links.after = Some(waiter)),
            None => head.first = Some(waiter),
        }
        // SAFETY: it is the waiter above.
        let links = unsafe { &waiter.as_ref().links };
        // SAFETY: it is in the list since `begin`, and this is `&mut` of the list.
        links.with_mut(|links| unsafe { &mut *links }.write(Links { before, after, waker }));
    }

    /// Takes out a waiter that is in this list.
    fn unlink(&mut self, waiter: NonNull<Waiter>) -> Waker {
        let taken = change(waiter, |links| {
            // SAFETY: they are read once: it is about to be in no list, where nobody reads them.
            unsafe { std::ptr::read(links) }
        });
        let Links { before, after, waker } = taken;
        let head = self.0.as_mut().expect("a list with a waiter has its ends");
        match before {
            Some(before) => change(before, |links| links.after = after),
            None => head.first = after,
        }
        match after {
            Some(after) => change(after, |links| links.before = before),
            None => head.last = before,
        }
        waker
    }
}

/// Reads the links of a waiter that is in the list whose `&` the caller has.
fn follow<R>(waiter: NonNull<Waiter>, read: impl FnOnce(&Links) -> R) -> R {
    // SAFETY: it is in a list, so that it is alive: its destructor does not return otherwise.
    let links = unsafe { &waiter.as_ref().links };
    links.with(|links| {
        // SAFETY: links are written with `&mut` of the list only, and the caller has `&` of it.
        let links = unsafe { &*links };
        // SAFETY: they are there, since it is in a list.
        read(unsafe { links.assume_init_ref() })
    })
}

/// Changes the links of a waiter that is in the list whose `&mut` the caller has.
fn change<R>(waiter: NonNull<Waiter>, change: impl FnOnce(&mut Links) -> R) -> R {
    // SAFETY: it is in a list, so that it is alive: its destructor does not return otherwise.
    let links = unsafe { &waiter.as_ref().links };
    links.with_mut(|links| {
        // SAFETY: links are reached with `&` or `&mut` of the list only, and the caller has `&mut`; no
        // `change` calls another.
        let links = unsafe { &mut *links };
        // SAFETY: they are there, since it is in a list.
        change(unsafe { links.assume_init_mut() })
    })
}

/// What a waiter has asked for that is in the list whose `&` the caller has.
fn request_of(waiter: NonNull<Waiter>) -> usize {
    // SAFETY: it is in a list, so that it is alive.
    unsafe { waiter.as_ref() }.request()
}

impl Drop for List {
    fn drop(&mut self) {
        if !self.is_empty() {
            // Somebody has leaked a future that waits. Its waiter says that it is in the list at
            // this address, so that no other list may ever come to be there.
            mem::forget(self.0.take());
        }
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("len", &self.len()).finish()
    }
}

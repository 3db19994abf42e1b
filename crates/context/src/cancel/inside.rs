//! What takes requests, and is polled only when a waker of its own is woken.
//!
//! A combinator such as `FuturesUnordered` polls only what was woken. So a task that begins a poll
//! with a request wakes all in it that would take one and have another waker than the task's.

use std::cell::Cell;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::Waker;

use loopwork_shim::sync::Mutex;

use crate::poll;

/// What an executor offers to the cancellation of its tasks. Each is of the task that this thread
/// polls now, if any.
#[doc(hidden)]
pub trait Hooks: Sync {
    /// Whether `waker` is that task's own.
    fn is_own(&self, waker: &Waker) -> bool;
    /// Who is inside that task, made now if need be.
    fn insides(&self) -> Option<Arc<Insides>>;
    /// Who is inside that task, if anybody ever was.
    fn known_insides(&self) -> Option<Arc<Insides>>;
    /// Whether it has a request that is not delivered yet.
    fn is_asked(&self) -> bool;
    /// So many requests were refused.
    fn uncancel(&self, count: u32);
}

loopwork_shim::thread_local! {
    static HOOKS: Cell<Option<&'static dyn Hooks>> = Cell::new(None)
}

/// From now on, tasks on this thread are those of this executor.
#[doc(hidden)]
pub fn install(hooks: &'static dyn Hooks) {
    HOOKS.with(|cell| cell.set(Some(hooks)));
}

fn with_hooks<R>(f: impl FnOnce(&dyn Hooks) -> R) -> Option<R> {
    if !poll::is_inside() {
        return None;
    }
    HOOKS.with(Cell::get).map(f)
}

/// So many requests to the current task were refused.
pub(super) fn uncancel(count: u32) {
    with_hooks(|hooks| hooks.uncancel(count));
}

/// Whether the current task has a request that will be delivered in its next poll.
#[doc(hidden)]
#[must_use]
pub fn task_asked() -> bool {
    with_hooks(|hooks| hooks.is_asked()).unwrap_or(false)
}

/// Has all inside the current task that might take a request polled in this poll.
#[doc(hidden)]
pub fn wake_insides() {
    if let Some(insides) = with_hooks(|hooks| hooks.known_insides()).flatten() {
        insides.wake_all();
    }
}

/// Who is inside one task, and is woken by a waker of its own.
#[doc(hidden)]
#[derive(Default)]
pub struct Insides(Mutex<Places>);

#[derive(Default)]
struct Places {
    wakers: Vec<(u64, Waker)>,
    next: u64,
}

impl Insides {
    fn add(&self, waker: Waker) -> u64 {
        let mut places = self.0.lock();
        let id = places.next;
        places.next += 1;
        places.wakers.push((id, waker));
        id
    }

    fn replace(&self, id: u64, waker: Waker) {
        let mut places = self.0.lock();
        let found = places.wakers.iter_mut().find(|(known, _)| *known == id);
        let replaced = found.map(|(_, known)| mem::replace(known, waker));
        drop(places);
        drop(replaced);
    }

    fn would_wake(&self, id: u64, waker: &Waker) -> bool {
        let places = self.0.lock();
        places.wakers.iter().any(|(known, other)| *known == id && other.will_wake(waker))
    }

    fn remove(&self, id: u64) {
        let mut places = self.0.lock();
        let at = places.wakers.iter().position(|(known, _)| *known == id);
        let removed = at.map(|at| places.wakers.swap_remove(at));
        drop(places);
        drop(removed);
    }

    /// Wakes all. That the task is woken thereby, which is polled now, is forgotten.
    pub fn wake_all(&self) {
        let wakers: Vec<_> = self.0.lock().wakers.iter().map(|(_, waker)| waker.clone()).collect();
        poll::quietly(|| wakers.into_iter().for_each(Waker::wake));
    }
}

impl fmt::Debug for Insides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Insides").field("count", &self.0.lock().wakers.len()).finish()
    }
}

/// A place among them. Dropping it leaves.
#[derive(Debug)]
struct Inside(Box<(Arc<Insides>, u64)>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.0.remove(self.0.1);
    }
}

impl Inside {
    /// One that waits with `waker`, unless that is the current task's own, or there is no task.
    fn enter(waker: &Waker) -> Option<Self> {
        let insides = with_hooks(|hooks| match hooks.is_own(waker) {
            true => None,
            false => hooks.insides(),
        });
        let insides = insides.flatten()?;
        let id = insides.add(waker.clone());
        Some(Self(Box::new((insides, id))))
    }

    fn renew(&self, waker: &Waker) {
        let (insides, id) = &*self.0;
        if !insides.would_wake(*id, waker) {
            insides.replace(*id, waker.clone());
        }
    }
}

/// Where a future stands that takes requests.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Place(Option<Inside>);

impl Place {
    /// It waits with `waker`, and is to be polled when a request comes.
    #[inline]
    pub fn be_reached_by(&mut self, waker: &Waker) {
        match &self.0 {
            Some(inside) => inside.renew(waker),
            None => self.0 = Inside::enter(waker),
        }
    }

    /// It waits no more.
    #[inline]
    pub fn leave(&mut self) {
        self.0 = None;
    }
}

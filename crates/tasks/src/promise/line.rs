//! Who is told of the end of a promise, in one order.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::task::Waker;

use loopwork_core::Callback;
use loopwork_shim::sync::Mutex;

use super::Promise;

/// One who is told.
pub(super) enum Watcher<T, E> {
    /// Who awaits it.
    Waker(Waker),
    /// A done-callback, and where it finds the promise when it is due. Until then it does not hold it.
    Callback(Callback, Arc<Mutex<Option<Promise<T, E>>>>),
}

/// A place in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

/// Who is to be told, in the order in which they came.
pub(super) struct Line<T, E> {
    next: u64,
    /// The only one is the common case, and allocates nothing.
    first: Option<(Place, Watcher<T, E>)>,
    rest: BTreeMap<Place, Watcher<T, E>>,
    /// At so many, callbacks that were cancelled are looked for.
    sweep_at: usize,
    /// All have been told: nobody comes any more.
    pub(super) over: bool,
    /// Somebody has looked at the error.
    pub(super) seen: bool,
}

/// Below this many nobody looks for what was cancelled.
const FEW: usize = 16;

impl<T, E> Line<T, E> {
    pub(super) const fn new() -> Self {
        Self {
            next: 0,
            first: None,
            rest: BTreeMap::new(),
            sweep_at: FEW,
            over: false,
            seen: false,
        }
    }

    pub(super) fn push(&mut self, watcher: Watcher<T, E>) -> Place {
        let place = Place(self.next);
        self.next += 1;
        if self.first.is_none() && self.rest.is_empty() {
            self.first = Some((place, watcher));
            return place;
        }
        if self.rest.len() >= self.sweep_at {
            // What a cancelled callback held went with the cancel: nothing of others is dropped here.
            self.rest.retain(|_, watcher| !watcher.is_cancelled());
            self.sweep_at = FEW.max(2 * self.rest.len());
        }
        self.rest.insert(place, watcher);
        place
    }

    /// Whether who waits at `place` would be woken by a waker as good as `waker`.
    pub(super) fn would_wake(&self, place: Place, waker: &Waker) -> bool {
        let found = match &self.first {
            Some((first, watcher)) if *first == place => Some(watcher),
            _ => self.rest.get(&place),
        };
        matches!(found, Some(Watcher::Waker(known)) if known.will_wake(waker))
    }

    /// Exchanges the waker at `place`, and gives the one that is not needed.
    #[must_use = "a waker is dropped after the lock is released"]
    pub(super) fn replace(&mut self, place: Place, waker: Waker) -> Waker {
        let found = match &mut self.first {
            Some((first, watcher)) if *first == place => Some(watcher),
            _ => self.rest.get_mut(&place),
        };
        match found {
            Some(Watcher::Waker(known)) => mem::replace(known, waker),
            _ => waker,
        }
    }

    /// Gives up a place.
    #[must_use = "a waker is dropped after the lock is released"]
    pub(super) fn leave(&mut self, place: Place) -> Option<Watcher<T, E>> {
        match self.first.take_if(|(first, _)| *first == place) {
            Some((_, watcher)) => Some(watcher),
            None => self.rest.remove(&place),
        }
    }

    /// All who are there, or none.
    pub(super) fn take(&mut self) -> Option<impl Iterator<Item = Watcher<T, E>> + use<T, E>> {
        let (first, rest) = (self.first.take(), mem::take(&mut self.rest));
        if first.is_none() && rest.is_empty() {
            return None;
        }
        Some(first.map(|(_, watcher)| watcher).into_iter().chain(rest.into_values()))
    }
}

impl<T, E> Watcher<T, E> {
    fn is_cancelled(&self) -> bool {
        matches!(self, Self::Callback(callback, _) if callback.cancelled())
    }
}

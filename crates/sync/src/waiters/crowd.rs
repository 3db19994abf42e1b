//! All who wait now.

use std::mem;

use loopwork_shim::sync::{Mutex, MutexGuard};

use super::{List, WakeList};

/// Grants to all who came up to an epoch, in order, and wakes them. `emptied` is called, with the
/// mutex held, when nobody is left in the list at all.
///
/// The mutex is released with each full batch of wakers. Who comes meanwhile brings a later epoch
/// as its request, so that it is not one of them.
pub(crate) fn grant_crowd<S>(
    mutex: &Mutex<S>,
    state: MutexGuard<'_, S>,
    list: impl Fn(&mut S) -> &mut List,
    epoch: usize,
    grant: impl FnMut() -> usize,
    emptied: impl Fn(),
) {
    let mut crowd = Crowd { mutex, list, epoch, grant, emptied };
    crowd.go_on(state);
    mem::forget(crowd);
}

struct Crowd<'a, S, L, G, E>
where
    L: Fn(&mut S) -> &mut List,
    G: FnMut() -> usize,
    E: Fn(),
{
    mutex: &'a Mutex<S>,
    list: L,
    epoch: usize,
    grant: G,
    emptied: E,
}

impl<'a, S, L, G, E> Crowd<'a, S, L, G, E>
where
    L: Fn(&mut S) -> &mut List,
    G: FnMut() -> usize,
    E: Fn(),
{
    fn go_on(&mut self, mut state: MutexGuard<'a, S>) {
        loop {
            let mut wakers = WakeList::new();
            let list = (self.list)(&mut state);
            while !wakers.is_full() && list.first_request().is_some_and(|it| !self.is_later(it)) {
                wakers.push(list.grant_first((self.grant)()));
            }
            if list.is_empty() {
                (self.emptied)();
            }
            drop(state);
            let full = wakers.is_full();
            wakers.wake();
            if !full {
                return;
            }
            state = self.mutex.lock();
        }
    }

    /// Epochs of a list that is not empty are close together, also where they wrap around.
    fn is_later(&self, epoch: usize) -> bool {
        let distance = epoch.wrapping_sub(self.epoch) << super::waiter::PAYLOAD_SHIFT;
        (1..=usize::MAX / 2).contains(&distance)
    }
}

impl<S, L, G, E> Drop for Crowd<'_, S, L, G, E>
where
    L: Fn(&mut S) -> &mut List,
    G: FnMut() -> usize,
    E: Fn(),
{
    /// Unwind: if a waker panics, those behind it are granted and woken all the same.
    fn drop(&mut self) {
        self.go_on(self.mutex.lock());
    }
}

//! Who waits for the end of a task: one word in its header. `README.md` has the protocol.

use std::fmt;
use std::ptr::{self, NonNull};
use std::task::Waker;

use loopwork_shim::atomic::{AtomicPtr, Ordering};
use loopwork_shim::weaken;

use super::extension::{Extension, WatchId, Watcher};
use super::header::Header;
use super::raw::RawTask;
use super::waker;

/// Null; or the header of the one task that waits, whose reference it owns; or [`ended`]; or the
/// extension, with a bit that no pointer has.
pub(super) struct Aux(AtomicPtr<()>);

const EXTENSION: usize = 1;

/// The end has looked here, and does not look again.
fn ended() -> *mut () {
    ptr::without_provenance_mut(2)
}

/// What the word says.
#[derive(Clone, Copy)]
enum Held<'a> {
    Nothing,
    Ended,
    Waiter(NonNull<Header>),
    Extension(&'a Extension),
}

impl Aux {
    pub(super) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// At birth: an extension only for a name.
    #[inline]
    pub(super) fn be_born(&self, name: Option<Box<str>>, home: Option<usize>) {
        let word = if name.is_none() && home.is_none() {
            ptr::null_mut()
        } else {
            let mut extension = Box::new(Extension::at_home(home));
            extension.get_mut().name = name;
            tagged(extension)
        };
        // Ordering: Relaxed: the word of the task publishes it.
        self.0.store(word, Ordering::Relaxed);
    }

    #[inline]
    fn load(&self) -> *mut () {
        // Ordering: Acquire [edge: task-aux]: what is in the extension.
        self.0.load(Ordering::Acquire)
    }

    #[inline]
    fn held(&self, word: *mut ()) -> Held<'_> {
        if word.addr() & EXTENSION != 0 {
            let extension = word.map_addr(|addr| addr & !EXTENSION).cast::<Extension>();
            // SAFETY: `tagged` made it of a box, which lives until `free`.
            return Held::Extension(unsafe { &*extension });
        }
        match NonNull::new(word.cast()) {
            None => Held::Nothing,
            Some(_) if word == ended() => Held::Ended,
            Some(waiter) => Held::Waiter(waiter),
        }
    }

    fn replace(&self, known: *mut (), next: *mut ()) -> Result<(), *mut ()> {
        // Ordering: AcqRel [edge: task-aux]: Release publishes an extension and the reference of a
        // waiter, Acquire is for who takes them.
        self.0.compare_exchange(known, next, Ordering::AcqRel, Ordering::Acquire).map(drop)
    }

    /// The extension, if there is one.
    #[inline]
    pub(super) fn extension(&self) -> Option<&Extension> {
        match self.held(self.load()) {
            Held::Extension(extension) => Some(extension),
            _ => None,
        }
    }

    /// Event X: the extension, made now if need be. A task that waits becomes its first watcher.
    pub(super) fn extend(&self) -> &Extension {
        let mut word = self.load();
        let mut made = None;
        loop {
            let held = self.held(word);
            if let Held::Extension(extension) = held {
                return extension;
            }
            let mut extension = made.take().unwrap_or_else(|| Box::new(Extension::new()));
            let trailer = extension.get_mut();
            trailer.ended = matches!(held, Held::Ended);
            trailer.set_first(match held {
                // SAFETY: the word owns a reference of it, which becomes the waker's if the
                // exchange succeeds; if not, the waker is forgotten.
                Held::Waiter(waiter) => Some(unsafe { waker::owning(waiter) }),
                _ => None,
            });
            if weaken!("task-extend") {
                // The mistake this guards against: who waits is not taken over.
                std::mem::forget(trailer.take_first());
            }
            let next = tagged(extension);
            match self.replace(word, next) {
                Ok(()) => word = next,
                Err(changed) => {
                    // SAFETY: `tagged` made it of a box, which nobody else has seen.
                    let mut extension = unsafe { untagged(next) };
                    std::mem::forget(extension.get_mut().take_first());
                    made = Some(extension);
                    word = changed;
                }
            }
        }
    }

    /// The task is gone.
    pub(super) fn free(&self) {
        // Ordering: Relaxed: the last reference is gone, and acquired all that came before.
        let word = self.0.load(Ordering::Relaxed);
        match self.held(word) {
            // SAFETY: `tagged` made it of a box, and nobody has the task any more.
            Held::Extension(_) => drop(unsafe { untagged(word) }),
            Held::Nothing | Held::Ended => {}
            Held::Waiter(_) => debug_assert!(false, "a task that ended is still awaited"),
        }
    }
}

fn tagged(extension: Box<Extension>) -> *mut () {
    Box::into_raw(extension).map_addr(|addr| addr | EXTENSION).cast()
}

/// # Safety
///
/// `word` came from [`tagged`], and is used no more.
unsafe fn untagged(word: *mut ()) -> Box<Extension> {
    let extension = word.map_addr(|addr| addr & !EXTENSION).cast();
    // SAFETY: the caller's promise.
    unsafe { Box::from_raw(extension) }
}

impl fmt::Debug for Aux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aux")
    }
}

impl RawTask {
    /// Registers for the end. `Err` gives the watcher back: the task has ended.
    pub(crate) fn watch(&self, watcher: Watcher) -> Result<WatchId, Watcher> {
        let header = self.header();
        let Some(unwatched) = header.state.unwatched() else { return Err(watcher) };
        let mut trailer = header.aux.extend().lock();
        if trailer.ended {
            return Err(watcher);
        }
        let id = trailer.push(watcher);
        if unwatched && header.state.watch() {
            if let Some(watcher) = trailer.remove(id) {
                return Err(watcher);
            }
        }
        Ok(id)
    }

    /// Registers a waker. `Err`: the task has ended.
    pub(crate) fn watch_waker(&self, waker: &Waker) -> Result<WatchId, ()> {
        let header = self.header();
        let Some(unwatched) = header.state.unwatched() else { return Err(()) };
        let waiter = waker::task(waker).filter(|_| header.aux.load().is_null());
        if let Some(waiter) = waiter {
            let waiter = RawTask::clone(&waiter);
            let word = waiter.as_ptr().cast_mut().cast();
            // Event R.
            if header.aux.replace(ptr::null_mut(), word).is_ok() {
                // The word of this task owns the reference now.
                std::mem::forget(waiter);
                if unwatched && header.state.watch() {
                    self.unwatch(WatchId::FIRST);
                    return Err(());
                }
                return Ok(WatchId::FIRST);
            }
        }
        self.watch(Watcher::Waker(waker.clone())).map_err(drop)
    }

    /// Keeps an earlier registration up to date. `Err`: the task has ended.
    pub(crate) fn rewatch(&self, id: WatchId, waker: &Waker) -> Result<(), ()> {
        let header = self.header();
        if header.state.is_complete() {
            return Err(());
        }
        if id == WatchId::FIRST {
            if let Some(registered) = self.rewatch_first(waker) {
                return registered;
            }
        }
        let mut trailer = header.aux.extend().lock();
        let Some(Watcher::Waker(known)) = trailer.find(id) else {
            // The end has taken it, and wakes the waker that was known until now: the new one has
            // to hear of it here.
            return weaken!("task-rewatch", Err(()) => Ok(()));
        };
        if known.will_wake(waker) {
            return Ok(());
        }
        let replaced = std::mem::replace(known, waker.clone());
        drop(trailer);
        drop(replaced);
        Ok(())
    }

    /// As [`RawTask::rewatch`] for who waits in the word. `None`: it is in the extension.
    fn rewatch_first(&self, waker: &Waker) -> Option<Result<(), ()>> {
        let aux = &self.header().aux;
        loop {
            let word = aux.load();
            let known = match aux.held(word) {
                Held::Extension(_) => return None,
                Held::Waiter(known) => known,
                // The end has taken it, as in `rewatch`.
                Held::Nothing | Held::Ended => {
                    return Some(weaken!("task-rewatch-first", Err(()) => Ok(())));
                }
            };
            let Some(waiter) = waker::task(waker) else {
                aux.extend();
                return None;
            };
            if waiter.as_ptr() == known.as_ptr() {
                return Some(Ok(()));
            }
            let waiter = RawTask::clone(&waiter);
            if aux.replace(word, waiter.as_ptr().cast_mut().cast()).is_ok() {
                std::mem::forget(waiter);
                // SAFETY: the word owned a reference, and has given it up.
                drop(unsafe { RawTask::from_owned(known) });
                return Some(Ok(()));
            }
        }
    }

    /// Takes a registration back, if it has not fired.
    pub(crate) fn unwatch(&self, id: WatchId) {
        if id == WatchId::FIRST && self.unwatch_first() {
            return;
        }
        let removed = self.header().aux.extend().lock().remove(id);
        drop(removed);
    }

    /// As [`RawTask::unwatch`] for who waits in the word. False: it is in the extension.
    fn unwatch_first(&self) -> bool {
        let aux = &self.header().aux;
        loop {
            let word = aux.load();
            match aux.held(word) {
                Held::Extension(_) => return false,
                Held::Nothing | Held::Ended => return true,
                Held::Waiter(waiter) => {
                    if aux.replace(word, ptr::null_mut()).is_ok() {
                        // SAFETY: the word owned a reference, and has given it up.
                        drop(unsafe { RawTask::from_owned(waiter) });
                        return true;
                    }
                }
            }
        }
    }

    /// Event T, after the end: nobody registers any more, and who did hears of it.
    pub(super) fn tell_watchers(&self, mut tell: impl FnMut(Watcher)) {
        let aux = &self.header().aux;
        loop {
            let word = aux.load();
            let held = aux.held(word);
            if let Held::Extension(extension) = held {
                let watchers = extension.lock().end();
                return watchers.for_each(tell);
            }
            let end = weaken!("task-ended", ended() => ptr::null_mut());
            if aux.replace(word, end).is_ok() {
                if let Held::Waiter(waiter) = held {
                    // SAFETY: the word owned a reference, which becomes the waker's.
                    tell(Watcher::Waker(unsafe { waker::owning(waiter) }));
                }
                return;
            }
        }
    }
}

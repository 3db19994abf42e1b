//! The table of registered sources, and the selector they are registered with.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::task::{Context, Poll};

use loopwork_shim::sync::Mutex;

use super::selector::{Event, Selector};
use super::source::{Attempt, Direction, Source, Waiter, closed_error};

/// How many bits of a key number a slot; the rest number the slot's generation. With 32-bit keys
/// there is room for a million descriptors at a time.
const INDEX_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };
const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;

/// A key that no source ever gets, for a selector's own descriptors. `polling` has the last.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const fn reserved_key(number: usize) -> usize {
    number << INDEX_BITS | INDEX_MASK
}

/// The selector and every source registered with it.
pub(crate) struct Registry {
    selector: Selector,
    sources: Mutex<Sources>,
}

/// A slab: a key names a slot and the slot's generation, so that an event for a source that is gone
/// never finds the one in its slot.
struct Sources {
    slots: Vec<Slot>,
    free: Vec<usize>,
    closed: bool,
}

struct Slot {
    generation: usize,
    source: Option<Arc<Source>>,
}

impl Registry {
    pub(super) fn new(selector: Selector) -> Self {
        let sources = Sources { slots: Vec::new(), free: Vec::new(), closed: false };
        Self { selector, sources: Mutex::new(sources) }
    }

    pub(super) fn selector(&self) -> &Selector {
        &self.selector
    }

    /// Takes `events` out and appends each with its source. Events of sources that are gone are
    /// left out.
    pub(super) fn find(&self, events: &mut Vec<Event>, found: &mut Vec<(Arc<Source>, Event)>) {
        if events.is_empty() {
            return;
        }
        let sources = self.sources.lock();
        found.extend(
            events
                .drain(..)
                .filter_map(|event| sources.get(event.key).map(|source| (source.clone(), event))),
        );
    }

    /// Refuses new sources from now on, and gives those that there are.
    pub(super) fn close(&self) -> Vec<Arc<Source>> {
        let mut sources = self.sources.lock();
        sources.closed = true;
        sources.slots.iter().filter_map(|slot| slot.source.clone()).collect()
    }
}

impl Sources {
    fn insert(&mut self) -> io::Result<Arc<Source>> {
        if self.closed {
            return Err(closed_error());
        }
        let index = match self.free.pop() {
            Some(index) => index,
            // The last index is kept free: see `reserved_key`.
            None if self.slots.len() < INDEX_MASK => {
                self.slots.push(Slot { generation: 0, source: None });
                self.slots.len() - 1
            }
            None => return Err(io::Error::other("the reactor has no room for more descriptors")),
        };
        let slot = &mut self.slots[index];
        let source = Arc::new(Source::new(slot.generation << INDEX_BITS | index));
        slot.source = Some(source.clone());
        Ok(source)
    }

    fn get(&self, key: usize) -> Option<&Arc<Source>> {
        self.slots.get(key & INDEX_MASK)?.source.as_ref().filter(|source| source.key() == key)
    }

    fn remove(&mut self, key: usize) -> Option<Arc<Source>> {
        let slot = &mut self.slots[key & INDEX_MASK];
        // Shifted into a key, the generation wraps by itself.
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(key & INDEX_MASK);
        slot.source.take()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Registry");
        debug.field("edges", &self.selector.has_edges());
        debug.field("tells_ends", &self.selector.tells_ends());
        match self.sources.try_lock() {
            Some(sources) => {
                debug.field("sources", &(sources.slots.len() - sources.free.len()));
                debug.field("closed", &sources.closed)
            }
            None => debug.field("sources", &format_args!("<locked>")),
        };
        debug.finish()
    }
}

/// One descriptor's registration. Whoever makes it calls [`deregister`](Registration::deregister)
/// while the descriptor is still open.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Arc<Registry>,
    source: Arc<Source>,
}

impl Registration {
    /// Registers a descriptor, for both directions at once if there are edges, and unarmed
    /// otherwise.
    pub(crate) fn new(registry: &Arc<Registry>, fd: BorrowedFd<'_>) -> io::Result<Self> {
        let source = registry.sources.lock().insert()?;
        let key = source.key();
        if let Err(error) = registry.selector.add(fd, key) {
            let gone = registry.sources.lock().remove(key);
            drop(gone);
            return Err(error);
        }
        Ok(Self { registry: registry.clone(), source })
    }

    /// Ends the registration. No event reaches it from here on, nor by its key any other.
    pub(crate) fn deregister(&self, fd: BorrowedFd<'_>) {
        // Closing the descriptor would do the same where this fails.
        let _ = self.registry.selector.delete(fd);
        let gone = self.registry.sources.lock().remove(self.source.key());
        drop(gone);
    }

    /// Ready once an attempt in `direction` may succeed. If it is pending, `waiter` is woken then.
    pub(crate) fn poll_ready(
        &self,
        fd: BorrowedFd<'_>,
        direction: Direction,
        waiter: Waiter,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.source.poll_ready(direction, waiter, cx, |wanted| {
            self.registry.selector.arm(fd, self.source.key(), wanted)
        })
    }

    /// Says that an attempt on a TCP connection transferred less than it could have. Without effect
    /// where events do not tell of the end of a stream.
    pub(crate) fn fell_short(&self, direction: Direction, attempt: Attempt) {
        if self.registry.selector.tells_ends() {
            self.source.fell_short(direction, attempt);
        }
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_old_key_does_not_find_the_source_in_its_slot() {
        let mut sources = Sources { slots: Vec::new(), free: Vec::new(), closed: false };
        let old = sources.insert().unwrap().key();
        assert!(sources.remove(old).is_some());
        let new = sources.insert().unwrap().key();
        assert_eq!(old & INDEX_MASK, new & INDEX_MASK);
        assert!(sources.get(old).is_none());
        assert!(sources.get(new).is_some());
    }

    #[test]
    fn what_is_closed_refuses() {
        let mut sources = Sources { slots: Vec::new(), free: Vec::new(), closed: true };
        assert!(sources.insert().is_err());
    }
}

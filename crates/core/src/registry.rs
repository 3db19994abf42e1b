//! Every task of a loop that has not ended: the loop holds them, and can find them.
//!
//! One shard a worker, for what was spawned on it, and one for what was spawned from outside. A
//! spawn and an end take the lock of one shard; only a reader or `close()` walks them all.

use loopwork_shim::CachePadded;
use loopwork_shim::atomic::Ordering;
use loopwork_shim::sync::Mutex;

use crate::task::{Header, RawTask};

/// In `Header::slot`: not in the registry.
const NOWHERE: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Registry(Box<[CachePadded<Mutex<Shard>>]>);

#[derive(Debug, Default)]
struct Shard {
    slots: Vec<Slot>,
    /// The first of the free slots, which form a list.
    free: Option<u32>,
    closed: bool,
}

#[derive(Debug)]
enum Slot {
    Task(RawTask),
    Free { next: Option<u32> },
}

impl Registry {
    pub(crate) fn new(shards: usize) -> Self {
        Self((0..shards).map(|_| CachePadded::new(Mutex::new(Shard::default()))).collect())
    }

    /// Takes the registry's reference in, or gives it back if the loop is closed.
    pub(crate) fn insert(&self, entry: RawTask) -> Result<(), RawTask> {
        let mut shard = self.0[entry.header().shard].lock();
        if shard.closed && !cfg!(loopwork_weaken = "close-refuse") {
            return Err(entry);
        }
        match shard.free {
            Some(at) => {
                // Ordering: Relaxed, here and below: only read under the shard's lock.
                entry.header().slot.store(at, Ordering::Relaxed);
                let freed = std::mem::replace(&mut shard.slots[at as usize], Slot::Task(entry));
                let Slot::Free { next } = freed else { unreachable!("the list holds free slots") };
                shard.free = next;
            }
            None => {
                let at = u32::try_from(shard.slots.len()).expect("fewer than 2^32 tasks a worker");
                entry.header().slot.store(at, Ordering::Relaxed);
                shard.slots.push(Slot::Task(entry));
            }
        }
        Ok(())
    }

    /// Gives the registry's reference up, if it still has one.
    pub(crate) fn remove(&self, header: &Header) {
        let entry = {
            let mut shard = self.0[header.shard].lock();
            let at = header.slot.load(Ordering::Relaxed);
            if at == NOWHERE { None } else { shard.vacate(at) }
        };
        // Outside the lock: it may be the last reference.
        drop(entry);
    }

    /// From now on `insert` refuses.
    pub(crate) fn close(&self) {
        for shard in &self.0 {
            shard.lock().closed = true;
        }
    }

    /// Takes everything out of a closed registry.
    pub(crate) fn drain(&self) -> Vec<RawTask> {
        let mut tasks = Vec::new();
        for shard in &self.0 {
            let mut shard = shard.lock();
            debug_assert!(shard.closed, "drained a registry that still takes tasks in");
            for slot in std::mem::take(&mut shard.slots) {
                if let Slot::Task(task) = slot {
                    task.header().slot.store(NOWHERE, Ordering::Relaxed);
                    tasks.push(task);
                }
            }
            shard.free = None;
        }
        tasks
    }

    /// References to all tasks, in no order.
    pub(crate) fn tasks(&self) -> Vec<RawTask> {
        let mut tasks = Vec::new();
        for shard in &self.0 {
            tasks.extend(shard.lock().slots.iter().filter_map(|slot| match slot {
                Slot::Task(task) => Some(task.clone()),
                Slot::Free { .. } => None,
            }));
        }
        tasks
    }
}

impl Shard {
    fn vacate(&mut self, at: u32) -> Option<RawTask> {
        let free = Slot::Free { next: self.free };
        match std::mem::replace(&mut self.slots[at as usize], free) {
            Slot::Task(task) => {
                self.free = Some(at);
                task.header().slot.store(NOWHERE, Ordering::Relaxed);
                Some(task)
            }
            Slot::Free { .. } => unreachable!("a slot is vacated once"),
        }
    }
}

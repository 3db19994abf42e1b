//! Where threads that are no worker of the loop leave ready tasks. See `README.md`, "The inbox".

use std::cell::Cell;

use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicUsize, Ordering};

use crate::task::{Chain, Runnable, Stack};

/// More shards would make a look at all of them dearer than the contention they avoid. (A model has
/// no numbers for its threads.)
const SHARDS_MAX: usize = if cfg!(loopwork_loom) { 1 } else { 4 };

/// A few stacks, each taken whole. A thread always pushes to the same one.
#[derive(Debug)]
pub(crate) struct Inbox {
    shards: Box<[CachePadded<Stack>]>,
}

loopwork_shim::thread_local! {
    /// Which number this thread got; none yet if it is `usize::MAX`.
    static NUMBER: Cell<usize> = Cell::new(usize::MAX)
}

impl Inbox {
    /// With one worker there is one shard, so that all submissions have one order.
    pub(crate) fn new(workers: usize) -> Self {
        let shards = workers.min(SHARDS_MAX);
        Self { shards: (0..shards).map(|_| CachePadded::new(Stack::new())).collect() }
    }

    /// True if the shard was empty: somebody is to be told.
    pub(crate) fn push(&self, runnable: Runnable) -> bool {
        self.shard().push(runnable)
    }

    /// As [`Inbox::push`], all at once.
    pub(crate) fn push_all(&self, chain: Chain) -> bool {
        self.shard().push_all(chain)
    }

    /// What is in one shard that is not empty, `first` before the others.
    pub(crate) fn take(&self, first: usize) -> Option<Chain> {
        let (before, from) = self.shards.split_at(first % self.shards.len());
        from.iter().chain(before).find_map(|shard| shard.take())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.is_empty())
    }

    fn shard(&self) -> &Stack {
        let shards = self.shards.len();
        if shards == 1 {
            return &self.shards[0];
        }
        &self.shards[number() % shards]
    }
}

/// Numbers threads in the order in which they first come here.
fn number() -> usize {
    static NUMBERS: std::sync::OnceLock<AtomicUsize> = std::sync::OnceLock::new();
    NUMBER.with(|known| {
        if known.get() == usize::MAX {
            let numbers = NUMBERS.get_or_init(|| AtomicUsize::new(0));
            // Ordering: Relaxed: only that threads get different numbers matters.
            known.set(numbers.fetch_add(1, Ordering::Relaxed));
        }
        known.get()
    })
}

//! Where threads that are no worker of the loop leave ready tasks. See `README.md`, "The inbox".

use loopwork_shim::CachePadded;
use loopwork_shim::thread::number;

use crate::task::{Chain, Runnable, Stack};

/// More shards would make a look at all of them dearer than the contention they avoid. (loom's
/// threads have no numbers.)
const SHARDS_MAX: usize = if cfg!(loopwork_loom) { 1 } else { 4 };

/// A few stacks, each taken whole. A thread always pushes to the same one.
#[derive(Debug)]
pub(crate) struct Inbox {
    shards: Box<[CachePadded<Stack>]>,
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

    #[inline]
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

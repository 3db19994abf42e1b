//! The phases of `close()`: see `README.md`.

use std::sync::Arc;

use loopwork_shim::thread::yield_now;

use super::Shared;
use super::queue::Stealer;
use crate::task::arena;

impl Shared {
    /// Phase 1: nobody gets in any more.
    pub(crate) fn refuse(&self) {
        // For workers, which are joined later, the flag decides; for others the locks of the arena
        // and of the lane do.
        self.closed.set(true);
        self.arena.close();
        self.lane.close(self);
    }

    /// The beginning of phase 2: background threads end.
    pub(crate) fn exit(&self) {
        self.exit.set(true);
        for worker in 1..self.workers() {
            self.unpark(worker);
        }
    }

    /// Phases 3 and 4. No worker runs any more.
    pub(crate) fn drop_tasks(self: &Arc<Self>) {
        for task in self.arena.tasks() {
            task.shut_down();
        }
        loop {
            self.drain_queues();
            if loopwork_shim::weaken!("close-drain") {
                break;
            }
            if !self.arena.is_any_stale() {
                break;
            }
            // Another thread is between a task's word and the push: it will not take long.
            yield_now();
        }
        // SAFETY: the share that every loop begins with; `self` keeps the loop.
        unsafe { arena::give_shares(Arc::as_ptr(self), 1) };
    }

    /// Drops what is queued. The tasks have ended, so that is all that happens.
    pub(crate) fn drain_queues(&self) {
        while let Some(chain) = self.inbox.take(0) {
            drop(chain);
        }
        drop(self.lane_ready.take());
        for remote in &self.remotes {
            drop(remote.pinned.take());
            // Its worker rests, so that nobody is inside.
            drop(remote.hand.seize());
            while let Some(chain) = remote.stealer.steal() {
                drop(chain);
            }
        }
    }
}

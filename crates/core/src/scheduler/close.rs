//! The phases of `close()`: see `README.md`.

use std::sync::Arc;

use loopwork_shim::thread::yield_now;

use super::Shared;
use super::queue::Stealer;
use crate::task::RawTask;

impl Shared {
    /// Phase 1: nobody gets in any more.
    pub(crate) fn refuse(&self) {
        // The flag informs; the locks of the registry and of the lane decide.
        self.closed.set(true);
        self.registry.close();
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
        let mut on_their_way: Vec<RawTask> = Vec::new();
        for task in self.registry.drain() {
            if task.shut_down() {
                on_their_way.push(task);
            }
        }
        loop {
            self.drain_queues();
            if cfg!(loopwork_weaken = "close-drain") {
                break;
            }
            on_their_way.retain(|task| task.header().state.is_scheduled());
            if on_their_way.is_empty() {
                break;
            }
            // Another thread is between a task's word and the push: it will not take long.
            yield_now();
        }
    }

    /// Drops what is queued. The tasks have ended, so that is all that happens.
    pub(crate) fn drain_queues(&self) {
        while let Some(chain) = self.inbox.take(0) {
            drop(chain);
        }
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

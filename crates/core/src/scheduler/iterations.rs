//! `workers(1)`: asyncio's iterations. Everything ready is in one order, and a seed, and only a
//! seed, shuffles it.

use loopwork_shim::sync::Mutex;

use super::worker::{Worker, has_ended};
use crate::driver::{Driver, Turn};
use crate::task::{Kind, RawTask, Runnable};

impl Worker {
    pub(super) fn run_iterations<D: Driver>(&self, driver: &Mutex<D>, root: Option<&RawTask>) {
        let mut driver = driver.lock();
        let mut ended = false;
        loop {
            self.take_injected();
            if ended && !self.is_ready() {
                return;
            }
            if self.is_ready() || self.shared.stop.get() {
                self.turn(&mut *driver, Turn::Poll);
            } else {
                self.counters().parks.add(1);
                let parker = &self.remote().parker;
                parker.park_in_driver(|| self.turn(&mut *driver, Turn::Block(None)));
            }
            self.take_injected();
            self.run_snapshot();
            if self.shared.stop.get() || ended {
                return;
            }
            // What the root's end made due runs in the next iteration, which is the last.
            ended = root.is_some_and(has_ended);
        }
    }

    fn is_ready(&self) -> bool {
        self.remote().hand.is_filled()
    }

    #[inline]
    pub(super) fn take_injected(&self) {
        if !self.shared.inbox.is_empty() {
            self.take_in_order();
        }
    }

    #[cold]
    fn take_in_order(&self) {
        for runnable in self.shared.inbox.take(0).into_iter().flatten() {
            self.remote().hand.push_last(runnable, usize::MAX);
        }
    }

    /// Runs what is ready now, each once.
    fn run_snapshot(&self) {
        let snapshot = self.remote().hand.take().into_iter().flatten().flatten();
        if self.shuffle {
            let mut snapshot: Vec<_> = snapshot.collect();
            self.shuffle(&mut snapshot);
            snapshot.into_iter().for_each(|runnable| self.run_task(runnable));
        } else {
            snapshot.for_each(|runnable| self.run_task(runnable));
        }
        self.count_ends();
    }

    /// Another legal order: tasks in any, callbacks in theirs.
    fn shuffle(&self, snapshot: &mut Vec<Runnable>) {
        let is_task = |runnable: &Runnable| runnable.task().header().kind() != Kind::Internal;
        let places: Vec<bool> = snapshot.iter().map(is_task).collect();
        let (mut tasks, callbacks): (Vec<_>, Vec<_>) = snapshot.drain(..).partition(is_task);
        self.random.shuffle(&mut tasks);
        let (mut tasks, mut callbacks) = (tasks.into_iter(), callbacks.into_iter());
        snapshot.extend(
            places.into_iter().filter_map(
                |task| {
                    if task { tasks.next() } else { callbacks.next() }
                },
            ),
        );
    }
}

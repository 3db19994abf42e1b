//! How one worker blocks, and how others end that. The table of states is in `README.md`.

use std::time::Duration;

use loopwork_shim::atomic::{AtomicU8, Ordering};
use loopwork_shim::sync::{Condvar, Mutex};
use loopwork_shim::weaken;

use crate::driver::DriverHandle;

const EMPTY: u8 = 0;
const PARKED: u8 = 1;
const DRIVER: u8 = 2;
const NOTIFIED: u8 = 3;

#[derive(Debug)]
pub(crate) struct Parker {
    word: AtomicU8,
    lock: Mutex<()>,
    condvar: Condvar,
}

impl Parker {
    pub(crate) fn new() -> Self {
        Self { word: AtomicU8::new(EMPTY), lock: Mutex::new(()), condvar: Condvar::new() }
    }

    /// Blocks until unparked, or for `cap`. By the parker's own worker only.
    pub(crate) fn park(&self, cap: Option<Duration>) {
        let mut guard = self.lock.lock();
        if !self.begin(PARKED) {
            return;
        }
        loop {
            let timed_out = match cap {
                Some(cap) => self.condvar.wait_for(&mut guard, cap).timed_out(),
                None => {
                    self.condvar.wait(&mut guard);
                    false
                }
            };
            // Ordering: Relaxed: `end` acquires.
            if timed_out || self.word.load(Ordering::Relaxed) == NOTIFIED {
                break;
            }
        }
        self.end();
    }

    /// Blocks in the driver, which `turn` does. By the parker's own worker only.
    pub(crate) fn park_in_driver(&self, turn: impl FnOnce()) {
        if self.begin(DRIVER) {
            turn();
            self.end();
        }
    }

    /// Announces the block, unless there is a token, which this consumes.
    fn begin(&self, how: u8) -> bool {
        // Ordering: Relaxed on success: nothing is read or published. On failure the swap in `end`
        // acquires.
        if self.word.compare_exchange(EMPTY, how, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            return true;
        }
        self.end();
        false
    }

    fn end(&self) {
        // Ordering: Acquire [edge: park]: pairs with the swap in `unpark`; what its caller did
        // before is visible to the worker that goes on.
        let order = weaken!("park-acquire", Ordering::Acquire => Ordering::Relaxed);
        self.word.swap(EMPTY, order);
    }

    /// Leaves a token, and ends a block if there is one.
    pub(crate) fn unpark(&self, driver: &dyn DriverHandle) {
        // Ordering: Release [edge: park], see `end`. A swap and not a store of NOTIFIED after a
        // look: the worker may begin to block in between.
        let order = weaken!("park-release", Ordering::Release => Ordering::Relaxed);
        match self.word.swap(NOTIFIED, order) {
            PARKED => {
                // The worker holds the lock from `begin` to its wait: after this it waits.
                if !weaken!("park-lock") {
                    drop(self.lock.lock());
                }
                self.condvar.notify_one();
            }
            DRIVER => driver.unpark(),
            _ => {}
        }
    }
}

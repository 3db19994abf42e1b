//! A worker without work: it spins if that pays, and then sleeps.

use std::time::Duration;

use loopwork_shim::spin::Spin;
use loopwork_shim::sync::Mutex;
use loopwork_shim::thread::spin_loop;

use super::idle::{Leave, Stand};
use super::worker::Worker;
use crate::driver::{Driver, Turn};

/// How often the watcher looks up: the bound on how long a worker in a long poll can strand I/O,
/// timers and what it has in hand. Long enough to cost an otherwise busy machine nothing.
const LOOK: Duration = Duration::from_millis(5);
/// The same while somebody holds calls for help back.
const LOOK_CLOSELY: Duration = Duration::from_micros(100);
/// After so many looks at a loop in which everybody sleeps, nobody watches.
const LOOKS_MAX: u32 = 20;
/// How many looks for work a spinning worker takes between two looks at the clock.
const SPINS: u32 = 64;
/// How long a spinning worker lets the driver wait, in nanoseconds.
const SPIN_TURN: u64 = 10_000;

impl Worker {
    /// Waits for work. False if the thread is to end.
    pub(super) fn wait<D: Driver>(&self, driver: &Mutex<D>) -> bool {
        let began = self.shared.now();
        self.counters().busy.add(began - self.busy_since.get());
        self.counters().depth.set(0);
        self.watch.conclude(self.counters().polls.get(), began, &self.shared);
        let spins = self.shared.may_spin && self.spin.pays();
        let goes_on = (spins && self.spin(driver, began)) || self.sleep(driver);
        self.restart_clocks();
        let waited = Duration::from_nanos(self.busy_since.get() - began);
        self.spin.learn(waited, self.is_awaited(), spins);
        goes_on
    }

    /// Whether somebody waits for this worker: another thread left something, or what only this one
    /// may run is ready. A sibling that has more than enough does not wait, nor does an event.
    fn is_awaited(&self) -> bool {
        !self.shared.inbox.is_empty() || self.has_pinned() || !self.shared.lane_ready.is_empty()
    }

    /// True if there is work, or the loop stops.
    fn spin<D: Driver>(&self, driver: &Mutex<D>, began: u64) -> bool {
        if !self.searching.get() {
            if !self.shared.idle.begin_search() {
                return false;
            }
            self.searching.set(true);
        }
        let mut turned = began;
        loop {
            for _ in 0..SPINS {
                if self.has_work() || self.shared.stop.get() {
                    return true;
                }
                spin_loop();
            }
            let now = self.shared.now();
            if Duration::from_nanos(now - began) >= Spin::SPIN {
                return false;
            }
            if now - turned >= SPIN_TURN {
                turned = now;
                self.poll_driver(driver);
                if self.has_own() {
                    return true;
                }
                if self.watch.look(now, &self.shared) {
                    return true;
                }
            }
        }
    }

    /// The protocol of a sleeper: see the README. False if the thread is to end.
    pub(super) fn sleep<D: Driver>(&self, driver: &Mutex<D>) -> bool {
        if !loopwork_shim::weaken!("sleep-rest") {
            self.shared.driver.rest(self.index);
        }
        if self.shared.idle.announce(self.index, self.searching.replace(false)) {
            self.shared.driver.all_sleep();
        }
        if loopwork_shim::weaken!("sleep-rest") {
            // The mistake this guards against: it counts as asleep, and its timers are still its own.
            self.shared.driver.rest(self.index);
        }
        self.counters().parks.add(1);
        let goes_on = self.sleep_announced(driver);
        self.shared.driver.resume(self.index);
        goes_on
    }

    fn sleep_announced<D: Driver>(&self, driver: &Mutex<D>) -> bool {
        let shared = &self.shared;
        let mut looks = 0;
        loop {
            if self.index != 0 && shared.exit.get() {
                return false;
            }
            let stand = shared.idle.stand(self.index);
            if stand.watcher {
                shared.driver.rescue();
            }
            if stand.notified {
                self.searching.set(true);
                self.follow_call();
                return true;
            }
            if self.is_wanted(&stand) {
                match shared.idle.leave(self.index) {
                    Leave::Notified => self.searching.set(true),
                    Leave::Left { watcher } => {
                        if let Some(watcher) = watcher {
                            shared.unpark(watcher);
                        }
                    }
                    Leave::Resting => continue,
                }
                return true;
            }
            let mut cap = None;
            if stand.watcher {
                looks = if stand.all_asleep { looks + 1 } else { 0 };
                let retires = looks > LOOKS_MAX && shared.idle.retire_watcher(self.index);
                cap = (!retires).then(|| self.until_next_look(&stand));
            }
            self.block(driver, stand.running, cap);
        }
    }

    fn is_wanted(&self, stand: &Stand) -> bool {
        let shared = &self.shared;
        if self.index == 0 && shared.stop.get() {
            return true;
        }
        if !stand.running || shared.stop.get() {
            // Worker 0 may find work while nobody else is allowed to run.
            return self.index == 0 && self.has_work();
        }
        self.has_work() || (stand.watcher && self.watch.look(shared.now(), shared))
    }

    fn until_next_look(&self, stand: &Stand) -> Duration {
        let held_back = self.shared.remotes.iter().any(|remote| remote.backoff.get() > 0);
        if held_back && !stand.all_asleep { LOOK_CLOSELY } else { LOOK }
    }

    /// Somebody woke this worker. If it was another one, was it right?
    fn follow_call(&self) {
        if let Some(caller) = self.remote().woken_by.take() {
            self.watch.follow(caller, self.counters().polls.get(), &self.shared);
        }
    }

    fn block<D: Driver>(&self, driver: &Mutex<D>, running: bool, cap: Option<Duration>) {
        let parker = &self.remote().parker;
        // Events are delivered only while the loop runs.
        let held = if running { driver.try_lock() } else { None };
        match held {
            Some(mut driver) => {
                parker.park_in_driver(|| self.turn(&mut *driver, Turn::Block(cap)));
            }
            None => parker.park(cap),
        }
    }
}

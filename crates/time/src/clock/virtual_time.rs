//! Time that stands still unless nothing can run.

use std::fmt;
use std::sync::Arc;

use loopwork_shim::atomic::{AtomicU64, AtomicUsize, Ordering};
use loopwork_shim::sync::Mutex;

use crate::Instant;

type Wake = Arc<dyn Fn() + Send + Sync>;

pub(super) struct VirtualTime {
    /// Nanoseconds since the origin.
    now: AtomicU64,
    /// Guards that keep time from jumping, unless it was asked to.
    holds: AtomicUsize,
    /// Guards that keep time from jumping.
    in_flight: AtomicUsize,
    /// Until when time may jump while it is held.
    permitted: AtomicU64,
    /// Of the loop that goes by it.
    wake: Mutex<Option<Wake>>,
}

impl VirtualTime {
    pub(super) fn new(start: Instant) -> Self {
        Self {
            now: AtomicU64::new(start.as_nanos()),
            holds: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            permitted: AtomicU64::new(0),
            wake: Mutex::new(None),
        }
    }

    pub(super) fn now(&self) -> Instant {
        // Ordering: Relaxed, here and in `set`: what happens at a time is ordered by other means.
        Instant::from_nanos(self.now.load(Ordering::Relaxed))
    }

    pub(super) fn set(&self, now: Instant) {
        self.now.fetch_max(now.as_nanos(), Ordering::Relaxed);
    }

    pub(super) fn permit(&self, until: Instant) {
        // Ordering: Relaxed: the loop looks at it when the task that asks sleeps.
        self.permitted.fetch_max(until.as_nanos(), Ordering::Relaxed);
    }

    pub(super) fn may_jump_to(&self, deadline: Instant) -> bool {
        // Ordering: Acquire: what was handed to the loop before a guard was dropped is visible, when
        // it is looked at after this.
        let asked = deadline.as_nanos() <= self.permitted.load(Ordering::Relaxed);
        self.in_flight.load(Ordering::Acquire) == 0
            && (self.holds.load(Ordering::Acquire) == 0 || asked)
    }

    pub(super) fn hold(self: &Arc<Self>) -> Hold {
        Hold::new(self, |time| &time.holds)
    }

    pub(super) fn in_flight(self: &Arc<Self>) -> Hold {
        Hold::new(self, |time| &time.in_flight)
    }

    pub(super) fn attach(&self, wake: Wake) -> bool {
        let mut slot = self.wake.lock();
        let free = slot.is_none();
        if free {
            *slot = Some(wake);
        }
        free
    }

    pub(super) fn detach(&self) {
        let wake = self.wake.lock().take();
        drop(wake);
    }

    fn wake(&self) {
        let wake = self.wake.lock().clone();
        if let Some(wake) = wake {
            wake();
        }
    }
}

impl fmt::Debug for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualTime")
            .field("now", &self.now())
            .field("holds", &self.holds.load(Ordering::Relaxed))
            .field("in_flight", &self.in_flight.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

/// Keeps a virtual clock from jumping while it lives. Made by [`Clock::hold`](super::Clock::hold).
#[must_use = "time is held only while the guard lives"]
pub struct Hold {
    held: Option<Held>,
}

struct Held {
    time: Arc<VirtualTime>,
    count: fn(&VirtualTime) -> &AtomicUsize,
}

impl Hold {
    /// Of a real clock.
    pub(super) fn none() -> Self {
        Self { held: None }
    }

    fn new(time: &Arc<VirtualTime>, count: fn(&VirtualTime) -> &AtomicUsize) -> Self {
        // Ordering: Relaxed: whoever holds does so before it lets the loop sleep.
        count(time).fetch_add(1, Ordering::Relaxed);
        Self { held: Some(Held { time: time.clone(), count }) }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(Held { time, count }) = &self.held {
            // Ordering: Release: pairs with `may_jump_to`.
            if count(time).fetch_sub(1, Ordering::Release) == 1 {
                time.wake();
            }
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("is_virtual", &self.held.is_some()).finish()
    }
}

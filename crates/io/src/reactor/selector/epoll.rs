//! epoll without a detour: one system call a turn.
//!
//! The descriptor is `polling`'s, and so are the keys; `Poller::wait` and `Poller::notify` are never
//! called here, since each keeps books on the other. Two more descriptors are registered with it, by
//! edges, and never read: an eventfd for unparks, and a timerfd for waits that are not in whole
//! milliseconds. An edge needs no read: each write to the one and each expiry of the other is a new
//! one. The eventfd's count would be full after 2^64 - 2 writes; at a write every 50 ns that is in
//! 29,000 years.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use loopwork_shim::atomic::{AtomicUsize, Ordering};
use polling::Poller;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, clock_gettime,
    timerfd_create, timerfd_settime,
};

use super::super::registry::reserved_key;
use super::{Calls, Event, Unpark};

/// How many events one turn takes: 3 KiB of stack that nothing initialises. What is left over is
/// reported by the next turn, and the system goes round.
const EVENTS: usize = 256;

const UNPARK_KEY: usize = reserved_key(0);
const TIMER_KEY: usize = reserved_key(1);

/// What ends a stream, wholly or in one direction, or withholds a part of it. `PRI` is among these
/// for the sake of TCP's urgent data: a read stops short of it although there is more behind.
const READ_STEADY: EventFlags =
    EventFlags::RDHUP.union(EventFlags::HUP).union(EventFlags::ERR).union(EventFlags::PRI);
const WRITE_STEADY: EventFlags = EventFlags::HUP.union(EventFlags::ERR);

pub(in super::super) struct Shared {
    poller: Poller,
    eventfd: OwnedFd,
    unpark: Unpark,
    wakes: AtomicUsize,
}

pub(in super::super) struct Turner {
    shared: Arc<Shared>,
    timer: Timer,
    waits: u64,
}

/// Made when it is first needed.
#[derive(Default)]
struct Timer {
    fd: Option<OwnedFd>,
    /// What it is set to, of the monotonic clock, unless it has been reported since.
    set: Option<Duration>,
    calls: u64,
}

/// Gives the poller back if there is no eventfd to be had.
pub(super) fn new(poller: Poller) -> Result<(Arc<Shared>, Turner), Poller> {
    let Ok(eventfd) = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK) else {
        return Err(poller);
    };
    if add_edge(&poller, eventfd.as_fd(), UNPARK_KEY, EventFlags::IN).is_err() {
        return Err(poller);
    }
    let (unpark, wakes) = (Unpark::new(), AtomicUsize::new(0));
    let shared = Arc::new(Shared { poller, eventfd, unpark, wakes });
    Ok((shared.clone(), Turner { shared, timer: Timer::default(), waits: 0 }))
}

fn add_edge(
    poller: &Poller,
    fd: BorrowedFd<'_>,
    key: usize,
    flags: EventFlags,
) -> Result<(), Errno> {
    epoll::add(poller, fd, EventData::new_u64(key as u64), flags | EventFlags::ET)
}

impl Shared {
    pub(super) fn add(&self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::PRI;
        Ok(add_edge(&self.poller, fd, key, flags)?)
    }

    pub(super) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.poller, fd)?)
    }

    pub(super) fn unpark(&self) {
        if self.unpark.notify() {
            // It fails only if the eventfd is broken. See above for when its count is full.
            let _ = rustix::io::write(&self.eventfd, &1_u64.to_ne_bytes());
            // Ordering: Relaxed; counted for tests.
            self.wakes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Turner {
    pub(super) fn wait(
        &mut self,
        timeout: Option<Duration>,
        events: &mut Vec<Event>,
    ) -> io::Result<()> {
        let blocks = match timeout {
            Some(Duration::ZERO) => {
                self.shared.unpark.take_if_seen();
                false
            }
            _ => self.shared.unpark.block(),
        };
        let timeout = match timeout {
            Some(timeout) if blocks => self.timer.limit(&self.shared.poller, timeout),
            None if blocks => None,
            _ => Some(Timespec::default()),
        };
        let mut buffer = [const { MaybeUninit::uninit() }; EVENTS];
        let waited = epoll::wait(&self.shared.poller, &mut buffer, timeout.as_ref());
        self.waits += 1;
        if blocks {
            self.shared.unpark.take();
        }
        let (reported, _) = match waited {
            Err(Errno::INTR) => return Ok(()),
            result => result?,
        };
        for event in reported.iter() {
            match event.data.u64() as usize {
                UNPARK_KEY => {}
                TIMER_KEY => self.timer.set = None,
                key => events.push(read(key, event.flags)),
            }
        }
        Ok(())
    }

    pub(super) fn calls(&self) -> Calls {
        // Ordering: Relaxed; whoever compares has seen the unparks by other means.
        let wakes = self.shared.wakes.load(Ordering::Relaxed) as u64;
        Calls { waits: self.waits, timers: self.timer.calls, wakes }
    }
}

fn read(key: usize, flags: EventFlags) -> Event {
    Event {
        key,
        ready: [
            flags.intersects(READ_STEADY | EventFlags::IN),
            flags.intersects(WRITE_STEADY | EventFlags::OUT),
        ],
        steady: [flags.intersects(READ_STEADY), flags.intersects(WRITE_STEADY)],
    }
}

impl Timer {
    /// What to give to the wait so that it ends after `timeout`, or earlier. `epoll_pwait` counts
    /// milliseconds; finer waits are left to the timer.
    fn limit(&mut self, poller: &Poller, timeout: Duration) -> Option<Timespec> {
        // A signed 64-bit number of seconds, or a 32-bit one on systems of 32 bits: a day fits.
        let fits = Timespec::try_from(timeout).ok();
        let whole = timeout.subsec_nanos() % 1_000_000 == 0;
        // Without a timer, it is rounded up.
        if whole || self.set(poller, timeout).is_none() { fits } else { None }
    }

    /// Sees to it that the timer expires within `timeout`. It is not set if it does so anyway:
    /// where the earliest deadline moves back at each turn, the old time-out is let come, and that
    /// turn ends early.
    fn set(&mut self, poller: &Poller, timeout: Duration) -> Option<()> {
        let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).ok()?;
        let wanted = now.checked_add(timeout)?;
        if self.set.is_some_and(|set| now < set && set <= wanted) {
            return Some(());
        }
        let value = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec::try_from(wanted).ok()?,
        };
        let fd = match &self.fd {
            Some(fd) => fd,
            None => {
                let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
                let fd = timerfd_create(TimerfdClockId::Monotonic, flags).ok()?;
                add_edge(poller, fd.as_fd(), TIMER_KEY, EventFlags::IN).ok()?;
                self.fd.insert(fd)
            }
        };
        self.calls += 1;
        timerfd_settime(fd, TimerfdTimerFlags::ABSTIME, &value).ok()?;
        self.set = Some(wanted);
        Some(())
    }
}

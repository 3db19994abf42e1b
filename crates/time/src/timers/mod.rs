//! The timers of a loop: a wheel for each worker, one for everybody else, and which timers are the
//! current thread's.
//!
//! The README beside this file has the protocols: who may reach a wheel, how a sleep is given up on
//! another thread, and how the thread that waits hears of an earlier deadline.

mod alarm;
mod current;
mod directory;
mod shard;
mod ticket;
mod waiter;

use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicU64, Ordering};

pub use self::alarm::Alarm;
pub(crate) use self::current::{Current, with_current};
pub use self::current::{Entered, NoTimers};
pub(crate) use self::directory::Id;
use self::directory::Listed;
pub(crate) use self::shard::Seat;
use self::shard::{NEVER, Shard};
pub(crate) use self::ticket::Standing;
use self::waiter::Waiter;
use crate::{Clock, Instant};

/// A worker that is awake fires its own timers. One that has not done so for this long is stuck.
const PATIENCE: Duration = Duration::from_micros(100);

/// The timers of one loop: a clock, and the wakers of the sleeps that wait by it.
///
/// Clones are handles to the same timers. Each worker of the loop has a wheel of its own, which it
/// fires between two polls; the loop's driver asks for the [next deadline](Timers::next_deadline),
/// waits until then, [advances](Timers::advance), and wakes what is due, for the workers that sleep
/// or are stuck too. Any thread may make sleeps meanwhile. Dropping the last handle closes the timers.
///
/// ```
/// use std::future::Future;
/// use std::pin::pin;
/// use std::task::{Context, Poll, Waker};
/// use std::time::Duration;
/// use loopwork_time::{Clock, Timers, sleep};
///
/// let timers = Timers::new(Clock::real(), 1);
/// let _entered = timers.enter_worker(0);
/// let mut nap = pin!(sleep(Duration::from_millis(1)));
/// let mut cx = Context::from_waker(Waker::noop());
///
/// let mut due = Vec::new();
/// while nap.as_mut().poll(&mut cx).is_pending() {
///     let next = timers.next_deadline().expect("the nap waits");
///     std::thread::sleep(next - timers.now());
///     timers.waiter_awake();
///     timers.advance(timers.now(), &mut due);
///     due.drain(..).for_each(|due| due.waker.wake());
/// }
/// ```
#[derive(Clone)]
pub struct Timers(Arc<Shared>);

struct Shared {
    listed: Listed,
    clock: Clock,
    workers: Box<[Arc<Shard>]>,
    /// Of all who are not the worker they are at, and of alarms.
    common: Arc<Shard>,
    /// Of a loop with one worker, whose shards share one order.
    sequence: CachePadded<AtomicU64>,
    waiter: Waiter,
}

/// A timer whose time has come. Whoever advanced the timers wakes it, under no lock.
#[derive(Debug, Clone)]
pub struct Due {
    /// When it was due.
    pub deadline: Instant,
    /// Its place among those of equal deadlines.
    pub sequence: u64,
    /// Who waits for it.
    pub waker: Waker,
}

impl Timers {
    /// Timers that go by `clock`, for so many workers, without any sleeps.
    #[must_use]
    pub fn new(clock: Clock, workers: usize) -> Self {
        let now = clock.now().as_nanos();
        let timers = Arc::new_cyclic(|this| Shared {
            listed: Listed::new(this.clone()),
            clock,
            workers: (0..workers).map(|_| Shard::new(now)).collect(),
            common: Shard::new(now),
            sequence: CachePadded::new(AtomicU64::new(0)),
            waiter: Waiter::new(),
        });
        Self(timers)
    }

    /// The time now, by the timers' clock. It is never cached.
    #[doc(alias = "loop.time")]
    #[inline]
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.clock.now()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// How many workers they are for.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.0.workers.len()
    }

    /// A time not later than the earliest deadline, or `None` if there is nothing to wait for. The
    /// timers of workers that are awake, and not on this thread, do not count: they fire them.
    ///
    /// This is also a promise to the caller, the *waiter*: from now on, the first earlier deadline
    /// that comes to count calls the [`on_earlier`](Timers::on_earlier) hook, until
    /// [`waiter_awake`](Timers::waiter_awake). Each call renews the promise.
    ///
    /// The answer is [too early](crate::wheel::Wheel::next_deadline) at times: a waiter that finds
    /// nothing due asks again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let next = self.0.waiter.promise(|| self.0.earliest());
        (next != NEVER).then(|| Instant::from_nanos(next))
    }

    /// As [`next_deadline`](Timers::next_deadline), of all workers and never too early: for a clock
    /// that goes where this says. It takes longer.
    #[must_use]
    pub fn settled_deadline(&self) -> Option<Instant> {
        self.0.shards().for_each(|shard| _ = shard.settle());
        self.next_deadline()
    }

    /// Says that the waiter no longer waits by the last promise, so that nobody need call the hook
    /// until the next [`next_deadline`](Timers::next_deadline).
    ///
    /// Only the waiter may say so. Not to say it costs needless unparks, nothing more.
    pub fn waiter_awake(&self) {
        self.0.waiter.awake();
    }

    /// Appends to `due` what is due by `now`, in order of deadline, then of registration: of the
    /// worker this thread is, of workers that [rest](Timers::rest), of those that are stuck, and of
    /// all who are no workers. It wakes nobody: the caller does.
    ///
    /// Nothing is due before its deadline, and each timer is due once. Any thread may advance, also
    /// while another waits. After [`close`](Timers::close), nothing is ever due.
    pub fn advance(&self, now: Instant, due: &mut Vec<Due>) {
        let (first, now) = (due.len(), now.as_nanos());
        let mut sources = 0;
        for shard in self.0.shards() {
            if self.0.may_fire(shard, now) {
                let before = due.len();
                shard.advance(now, due);
                sources += usize::from(due.len() > before);
            }
        }
        if sources > 1 {
            due[first..].sort_by_key(|due| (due.deadline, due.sequence));
        }
    }

    /// As [`advance`](Timers::advance), of the worker that this thread is and no others.
    #[inline]
    pub fn advance_here(&self, worker: usize, now: Instant, due: &mut Vec<Due>) {
        let shard = &self.0.workers[worker];
        if shard.next() <= now.as_nanos() && shard.is_owned_here() {
            shard.advance(now.as_nanos(), due);
        }
    }

    /// As [`advance`](Timers::advance), of workers that are stuck and no others.
    pub fn advance_stuck(&self, now: Instant, due: &mut Vec<Due>) {
        let now = now.as_nanos();
        let stuck = |shard: &&Arc<Shard>| !shard.rests() && self.0.may_fire(shard, now);
        for shard in self.0.workers.iter().filter(stuck) {
            shard.advance(now, due);
        }
    }

    /// Sets what is called, under no lock and on the thread that made a deadline count, when that
    /// breaks the promise that [`next_deadline`](Timers::next_deadline) made. It replaces the hook
    /// before.
    ///
    /// The hook makes the waiter's wait return, now or, if it has yet to begin, at once then.
    pub fn on_earlier(&self, hook: Box<dyn Fn() + Send + Sync>) {
        self.0.waiter.set_hook(Some(Arc::from(hook)));
    }

    /// How many sleeps are registered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.shards().map(|shard| shard.len()).sum()
    }

    /// Whether no sleep is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the timers: drops every waker and the hook, and lets nothing be due any more.
    ///
    /// A sleep that had not fired can then never end; to poll it panics, rather than wait for
    /// ever, and so does a new one.
    #[doc(alias = "loop.close")]
    pub fn close(&self) {
        self.0.close();
    }

    /// Registers a waker on whichever thread, or gives `None` if the timers are closed.
    pub(crate) fn insert(&self, deadline: Instant, waker: &Waker) -> Option<Seat> {
        let (deadline, sequence) = (deadline.as_nanos(), self.0.next_sequence());
        let seat = self.0.common.insert(deadline, sequence, waker)?;
        self.0.waiter.deadline_counts(deadline);
        Some(seat)
    }
}

/// For models: whether the memory of the timers has been freed.
#[cfg(loopwork_loom)]
#[doc(hidden)]
#[derive(Debug)]
pub struct Memory(Vec<std::sync::Weak<Shard>>);

#[cfg(loopwork_loom)]
impl Memory {
    #[doc(hidden)]
    pub fn is_freed(&self) -> bool {
        self.0.iter().all(|shard| shard.strong_count() == 0)
    }
}

impl Timers {
    #[cfg(loopwork_loom)]
    #[doc(hidden)]
    pub fn memory(&self) -> Memory {
        Memory(self.0.shards().map(Arc::downgrade).collect())
    }
}

impl Shared {
    fn shards(&self) -> impl Iterator<Item = &Arc<Shard>> {
        self.workers.iter().chain([&self.common])
    }

    /// The earliest deadline of those that count for the waiter.
    fn earliest(&self) -> u64 {
        let counting = self.shards().filter(|shard| shard.rests() || shard.is_owned_here());
        counting.map(|shard| shard.next()).min().unwrap_or(NEVER)
    }

    /// Whether something of the shard's is due, and it is for this thread to fire it.
    fn may_fire(&self, shard: &Shard, now: u64) -> bool {
        // Once: others change it meanwhile.
        let next = shard.next();
        let stuck = || now - next >= PATIENCE.as_nanos() as u64;
        next <= now && (shard.rests() || shard.is_owned_here() || stuck())
    }

    /// With one worker there is one order of registration for all shards.
    #[inline]
    fn next_sequence(&self) -> Option<u64> {
        // Ordering: Relaxed; only the order of the counter itself is asked for.
        (self.workers.len() <= 1).then(|| self.sequence.fetch_add(1, Ordering::Relaxed))
    }

    fn close(&self) {
        let wakers: Vec<Waker> = self.shards().flat_map(|shard| shard.close()).collect();
        let hook = self.waiter.set_hook(None);
        drop((hook, wakers));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("clock", &self.0.clock)
            .field("workers", &self.0.workers.len())
            .finish_non_exhaustive()
    }
}

//! A shared timer wheel of wakers, and which one is the current thread's.
//!
//! The README beside this file states the protocol between the thread that waits and those that
//! insert, with a proof sketch.

mod alarm;
mod current;

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::Waker;

use loopwork_shim::atomic::{AtomicU64, Ordering};
use loopwork_shim::sync::Mutex;

pub use self::alarm::Alarm;
pub use self::current::{Entered, NoTimers};
use crate::wheel::{Expired, Key, Wheel};
use crate::{Clock, Instant};

/// The [`State::promised`] of a waiter that is awake: no deadline is earlier.
const AWAKE: u64 = 0;

/// The timers of one loop: a clock, and the wakers of the sleeps that wait by it.
///
/// Clones are handles to the same timers. The loop's driver asks for the
/// [next deadline](Timers::next_deadline), waits until then, [advances](Timers::advance), and wakes
/// what is due; any thread may make sleeps meanwhile. Dropping the last handle drops the wakers.
///
/// ```
/// use std::future::Future;
/// use std::pin::pin;
/// use std::task::{Context, Poll, Waker};
/// use std::time::Duration;
/// use loopwork_time::{Clock, Timers, sleep};
///
/// let timers = Timers::new(Clock::real());
/// let _entered = timers.enter();
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
    clock: Clock,
    sequence: AtomicU64,
    state: Mutex<State>,
}

/// What the lock guards. No waker is cloned, woken or dropped under it: that may run any code, a
/// destructor that drops a sleep of these timers included.
struct State {
    wheel: Wheel<Waker>,
    /// What `next_deadline` last told the waiter, `u64::MAX` for nothing to wait for, or [`AWAKE`].
    promised: u64,
    on_earlier: Option<Arc<dyn Fn() + Send + Sync>>,
    /// What the wheel gives back, until the lock's holder has passed it on. Empty between calls.
    expired: Vec<Expired<Waker>>,
    closed: bool,
}

/// A timer whose time has come. Whoever advanced the timers wakes it, under no lock.
#[derive(Debug, Clone)]
pub struct Due {
    /// When it was due.
    pub deadline: Instant,
    /// Its place among all that registered by [`Timers::next_sequence`].
    pub sequence: u64,
    /// Who waits for it.
    pub waker: Waker,
}

/// Where a registered sleep stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Waiting,
    Fired,
    Closed,
}

impl Timers {
    /// Timers that go by `clock`, without any sleeps.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let state = State {
            wheel: Wheel::new(clock.now().as_nanos()),
            promised: AWAKE,
            on_earlier: None,
            expired: Vec::new(),
            closed: false,
        };
        let (sequence, state) = (AtomicU64::new(0), Mutex::new(state));
        Self(Arc::new(Shared { clock, sequence, state }))
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

    /// A number greater than all it gave before.
    ///
    /// Sleeps take theirs here when they register. Whoever else orders by deadline takes one too,
    /// so that equal deadlines fire in one order of registration.
    #[inline]
    pub fn next_sequence(&self) -> u64 {
        // Ordering: Relaxed; only the order of the counter itself is asked for.
        self.0.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// A time not later than the earliest deadline, or `None` if there is nothing to wait for.
    ///
    /// This is also a promise to the caller, the *waiter*: from now on, the first insertion with an
    /// earlier deadline calls the [`on_earlier`](Timers::on_earlier) hook, until
    /// [`waiter_awake`](Timers::waiter_awake). Each call renews the promise.
    ///
    /// The answer is [too early](crate::wheel::Wheel::next_deadline) at times: a waiter that finds
    /// nothing due asks again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let mut state = self.0.state.lock();
        let next = if state.closed { None } else { state.wheel.next_deadline() };
        state.promised = next.unwrap_or(u64::MAX);
        next.map(Instant::from_nanos)
    }

    /// Says that the waiter no longer waits by the last promise, so that insertions need not
    /// call the hook until the next [`next_deadline`](Timers::next_deadline).
    ///
    /// Only the waiter may say so. Not to say it costs needless unparks, nothing more.
    pub fn waiter_awake(&self) {
        self.0.state.lock().promised = AWAKE;
    }

    /// Moves the timers to `now` and appends to `due` what is due by then, in order of deadline,
    /// then of registration. It wakes nobody: the caller does.
    ///
    /// Nothing is due before its deadline, and each timer is due once. Any thread may advance, also
    /// while another waits. After [`close`](Timers::close), nothing is ever due.
    pub fn advance(&self, now: Instant, due: &mut Vec<Due>) {
        let mut state = self.0.state.lock();
        if state.closed {
            return;
        }
        let State { wheel, expired, .. } = &mut *state;
        wheel.advance(now.as_nanos(), expired);
        due.extend(expired.drain(..).map(|Expired { deadline, sequence, value }| Due {
            deadline: Instant::from_nanos(deadline),
            sequence,
            waker: value,
        }));
    }

    /// Sets what is called, under no lock and on the inserting thread, when an insertion breaks the
    /// promise that [`next_deadline`](Timers::next_deadline) made. It replaces the hook before.
    ///
    /// The hook makes the waiter's wait return, now or, if it has yet to begin, at once then.
    pub fn on_earlier(&self, hook: Box<dyn Fn() + Send + Sync>) {
        let before = self.0.state.lock().on_earlier.replace(Arc::from(hook));
        drop(before);
    }

    /// How many sleeps are registered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.state.lock().wheel.len()
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
        let mut state = self.0.state.lock();
        state.closed = true;
        let hook = state.on_earlier.take();
        // The entries stay, so that their sleeps are told from those that have fired.
        let wakers: Vec<Waker> = state
            .wheel
            .values_mut()
            .map(|waker| mem::replace(waker, Waker::noop().clone()))
            .collect();
        drop(state);
        drop((hook, wakers));
    }

    /// Registers a waker, or gives `None` if the timers are closed.
    pub(crate) fn insert(&self, deadline: Instant, waker: &Waker) -> Option<Key> {
        let (waker, sequence) = (waker.clone(), self.next_sequence());
        let mut state = self.0.state.lock();
        if state.closed {
            drop(state);
            return None;
        }
        let key = state.wheel.insert(deadline.as_nanos(), sequence, waker);
        let broken = deadline.as_nanos() < state.promised;
        let hook = if broken {
            state.promised = AWAKE;
            state.on_earlier.clone()
        } else {
            None
        };
        drop(state);
        if let Some(hook) = hook {
            hook();
        }
        Some(key)
    }

    /// Where a sleep stands. If it waits, `waker` is the one to wake from now on.
    pub(crate) fn update(&self, key: Key, waker: &Waker) -> Standing {
        let state = self.0.state.lock();
        match state.standing(key) {
            Standing::Waiting => {}
            decided => return decided,
        }
        if state.wheel.get(key).is_some_and(|current| current.will_wake(waker)) {
            return Standing::Waiting;
        }
        drop(state);
        let mut waker = waker.clone();
        let mut state = self.0.state.lock();
        let standing = state.standing(key);
        if standing == Standing::Waiting {
            if let Some(current) = state.wheel.get_mut(key) {
                mem::swap(current, &mut waker);
            }
        }
        drop(state);
        standing
    }

    /// Where a sleep stands.
    pub(crate) fn standing(&self, key: Key) -> Standing {
        self.0.state.lock().standing(key)
    }

    /// Takes a sleep out, if it has not fired.
    pub(crate) fn remove(&self, key: Key) {
        let waker = self.0.state.lock().wheel.remove(key);
        drop(waker);
    }
}

impl State {
    fn standing(&self, key: Key) -> Standing {
        match self.wheel.get(key) {
            None => Standing::Fired,
            Some(_) if self.closed => Standing::Closed,
            Some(_) => Standing::Waiting,
        }
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Timers");
        debug.field("clock", &self.0.clock);
        match self.0.state.try_lock() {
            Some(state) => debug.field("wheel", &state.wheel).field("closed", &state.closed),
            None => debug.field("wheel", &format_args!("<locked>")),
        };
        debug.finish()
    }
}

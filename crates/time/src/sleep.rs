//! Futures that wait for a point in time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use loopwork_context::{WaitReason, expire_scopes, proceed, waits_for};

use crate::timers::{Current, Id, Seat, Standing, with_current};
use crate::{Instant, Timers};

/// Waits until `duration` from now has passed, never less.
///
/// A duration of zero lets everything else that is ready run once: the first poll wakes its own
/// task and is pending, the second is ready. A duration too long for the clock never ends.
///
/// The sleep begins at this call, and takes its place among the timers at its first poll. See
/// [`Sleep`] for what dropping it does.
///
/// # Panics
///
/// Outside an event loop, with a text that names the fix.
///
/// ```
/// use std::time::Duration;
/// use loopwork_time::{Clock, Timers, sleep};
///
/// let timers = Timers::new(Clock::real(), 1);
/// let _entered = timers.enter(); // an event loop does this
/// let nap = sleep(Duration::from_secs(3600));
/// assert!(!nap.is_elapsed());
/// ```
#[doc(alias = "asyncio.sleep")]
#[inline]
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let (home, now) = home(Current::now);
    let state = if duration.is_zero() { State::Yield } else { State::Unregistered };
    Sleep { deadline: now + duration, home, postponed: false, state }
}

/// Waits until `deadline`, never less. If that has passed already, it still waits for one turn of
/// the timers, in which deadlines fire in their order.
///
/// # Panics
///
/// Outside an event loop, with a text that names the fix.
#[doc(alias = "call_at")]
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    let (home, ()) = home(|_| ());
    Sleep { deadline, home, postponed: false, state: State::Unregistered }
}

/// [`sleep`]s, then gives `value` back.
///
/// # Panics
///
/// Outside an event loop, with a text that names the fix.
#[doc(alias = "asyncio.sleep")]
#[track_caller]
pub fn sleep_with<T>(duration: Duration, value: T) -> SleepWith<T> {
    SleepWith { sleep: sleep(duration), value: Some(value) }
}

/// The time by the current timers.
#[track_caller]
pub(crate) fn now() -> Instant {
    home(Current::now).1
}

/// Which timers are current, and what they say to `ask`.
#[inline]
#[track_caller]
fn home<R>(ask: impl FnOnce(&Current) -> R) -> (Id, R) {
    match with_current(|current| (current.id(), ask(current))) {
        Some(home) => home,
        None => panic_outside(),
    }
}

#[cold]
#[track_caller]
fn panic_outside() -> ! {
    match Timers::current() {
        Ok(_) => unreachable!("they were not there just now"),
        Err(error) => panic!("{error}"),
    }
}

/// A future that waits for its deadline. Made by [`sleep`] and [`sleep_until`].
///
/// Once ready it stays ready, until [`reset`](Sleep::reset). Sleeps of equal deadlines that were
/// first polled by one worker fire in the order of those polls. Dropping a sleep takes it out of the
/// timers at once, together with the waker it holds.
///
/// It need not be pinned, and may be polled and dropped on any thread. It costs least on the worker
/// that polled it first: there neither registering nor dropping takes a lock or writes what
/// other threads write.
///
/// # Panics
///
/// Polling panics if the sleep's loop was closed before the deadline: it could never end.
#[must_use = "a sleep waits only while it is polled"]
pub struct Sleep {
    deadline: Instant,
    /// The timers it was made by.
    home: Id,
    /// The wheel may have an earlier deadline than this.
    postponed: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Not polled yet, and to take its place among the timers when it is.
    Unregistered,
    /// Not polled yet, and to let others run once when it is.
    Yield,
    /// Others run; the next poll is ready.
    Yielded,
    Registered(Seat),
    /// It is over, and was not yet said to be.
    Fired,
    Done,
}

impl Sleep {
    /// When the sleep ends.
    #[doc(alias = "TimerHandle.when")]
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the sleep has ended, that is, whether a poll would be ready now.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        match &self.state {
            State::Unregistered | State::Yield => false,
            State::Yielded | State::Fired | State::Done => true,
            State::Registered(seat) => seat.standing() == Standing::Fired && !self.is_too_early(),
        }
    }

    /// Makes the sleep end at `deadline` instead, also if it has ended before.
    ///
    /// A sleep that waits goes on waiting, for the same task, and with a later deadline that costs
    /// hardly more than a store: for the time limit of a connection that is moved on at each message.
    /// Any other must be polled again to wake its task. With an earlier deadline do so too, on a
    /// thread other than that of its first poll.
    ///
    /// It keeps its place among equal deadlines for as long as it waits.
    ///
    /// ```
    /// use std::time::Duration;
    /// use loopwork_time::{Clock, Instant, Timers, sleep};
    ///
    /// let timers = Timers::new(Clock::real(), 1);
    /// let _entered = timers.enter(); // an event loop does this
    /// let mut idle = sleep(Duration::from_secs(30));
    /// let later = Instant::now() + Duration::from_secs(30);
    /// idle.reset(later);
    /// assert_eq!(idle.deadline(), later);
    /// ```
    #[doc(alias = "Timeout.reschedule")]
    #[inline]
    pub fn reset(&mut self, deadline: Instant) {
        let from = std::mem::replace(&mut self.deadline, deadline);
        if let State::Registered(seat) = &mut self.state {
            if seat.reset(from, deadline) {
                self.postponed = true;
                return;
            }
        }
        self.state = State::Unregistered;
    }

    /// Fired, by a deadline that was meant before [`reset`](Sleep::reset).
    fn is_too_early(&self) -> bool {
        self.postponed && self.now() < self.deadline
    }

    /// It has waited, and is over, unless a request to cancel it came first.
    #[inline]
    fn poll_fired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A time limit around it that is not later has passed as well, whichever was heard of first.
        expire_scopes(self.deadline.as_nanos());
        let progress = ready!(proceed(cx));
        if progress.holds_back() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        progress.made();
        self.state = State::Done;
        Poll::Ready(())
    }

    /// The time by its own timers.
    pub(crate) fn now(&self) -> Instant {
        let here = with_current(|current| (current.id() == self.home).then(|| current.now()));
        match here.flatten() {
            Some(now) => now,
            // Without its timers, it is as good as never.
            None => self.home.find().map_or(Instant::from_nanos(0), |timers| timers.now()),
        }
    }

    /// Takes its place among the timers. It counts from the first poll, wherever that is.
    #[inline]
    fn register(&mut self, waker: &Waker) {
        let here = with_current(|current| {
            (current.id() == self.home).then(|| current.insert(self.deadline, waker))
        });
        let seat = match here.flatten() {
            Some(seat) => seat,
            None => self.home.find().and_then(|timers| timers.insert(self.deadline, waker)),
        };
        match seat {
            Some(seat) => {
                self.postponed = false;
                self.state = State::Registered(seat);
            }
            None => panic_closed(),
        }
    }
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.state {
            State::Unregistered => self.register(cx.waker()),
            State::Registered(seat) => match seat.renew(cx.waker()) {
                Some(Standing::Waiting) => {}
                None => self.register(cx.waker()),
                Some(Standing::Fired) if self.is_too_early() => self.register(cx.waker()),
                Some(Standing::Fired) => self.state = State::Fired,
                Some(Standing::Closed) => panic_closed(),
            },
            State::Yield => {
                self.state = State::Yielded;
                waits_for(WaitReason::Yield);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            State::Yielded => self.state = State::Fired,
            State::Fired | State::Done => {}
        }
        match self.state {
            State::Fired => self.poll_fired(cx),
            State::Done => {
                ready!(proceed(cx)).made();
                Poll::Ready(())
            }
            _ => {
                waits_for(WaitReason::Sleep);
                Poll::Pending
            }
        }
    }
}

#[cold]
fn panic_closed() -> ! {
    panic!(
        "a sleep was polled after its event loop was closed, so it can never end: drop it before \
         `EventLoop::close`, or make it inside the loop that awaits it"
    )
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .field("is_elapsed", &self.is_elapsed())
            .finish_non_exhaustive()
    }
}

/// A [`Sleep`] that gives a value at its end. Made by [`sleep_with`].
///
/// Dropped before its end, it drops the value.
///
/// # Panics
///
/// As [`Sleep`], and when polled after it was ready: the value is gone.
#[must_use = "a sleep waits only while it is polled"]
pub struct SleepWith<T> {
    sleep: Sleep,
    value: Option<T>,
}

// No pinned reference to the value is ever made.
impl<T> Unpin for SleepWith<T> {}

impl<T> Future for SleepWith<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        ready!(Pin::new(&mut self.sleep).poll(cx));
        Poll::Ready(self.value.take().expect("`SleepWith` was polled after it was ready"))
    }
}

impl<T> fmt::Debug for SleepWith<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SleepWith").field("sleep", &self.sleep).finish_non_exhaustive()
    }
}

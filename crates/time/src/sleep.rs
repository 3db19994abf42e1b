//! Futures that wait for a point in time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use loopwork_context::{WaitReason, proceed, waits_for};

use crate::timers::Standing;
use crate::wheel::Key;
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
/// let timers = Timers::new(Clock::real());
/// let _entered = timers.enter(); // an event loop does this
/// let nap = sleep(Duration::from_secs(3600));
/// assert!(!nap.is_elapsed());
/// ```
#[doc(alias = "asyncio.sleep")]
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let timers = current();
    let deadline = timers.now() + duration;
    let state = if duration.is_zero() { State::Yield } else { State::Unregistered };
    Sleep { timers, deadline, state }
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
    Sleep { timers: current(), deadline, state: State::Unregistered }
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

#[track_caller]
fn current() -> Timers {
    match Timers::current() {
        Ok(timers) => timers,
        Err(error) => panic!("{error}"),
    }
}

/// A future that waits for its deadline. Made by [`sleep`] and [`sleep_until`].
///
/// Once ready it stays ready, until [`reset`](Sleep::reset). Sleeps of equal deadlines fire in the
/// order of their first polls. Dropping a sleep takes it out of the timers at once, together with
/// the waker it holds.
///
/// # Panics
///
/// Polling panics if the sleep's loop was closed before the deadline: it could never end.
#[must_use = "a sleep waits only while it is polled"]
pub struct Sleep {
    timers: Timers,
    deadline: Instant,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Not polled yet, and to take its place among the timers when it is.
    Unregistered,
    /// Not polled yet, and to let others run once when it is.
    Yield,
    /// Others run; the next poll is ready.
    Yielded,
    Registered(Key),
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
        match self.state {
            State::Unregistered | State::Yield => false,
            State::Yielded | State::Done => true,
            State::Registered(key) => self.timers.standing(key) == Standing::Fired,
        }
    }

    /// Makes the sleep end at `deadline` instead, also if it has ended before. It must be polled
    /// again to wake its task then, and takes a new place among equal deadlines.
    #[doc(alias = "Timeout.reschedule")]
    pub fn reset(&mut self, deadline: Instant) {
        self.cancel();
        self.deadline = deadline;
        self.state = State::Unregistered;
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.timers
    }

    fn cancel(&mut self) {
        if let State::Registered(key) = self.state {
            self.timers.remove(key);
            self.state = State::Done;
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.state {
            State::Unregistered => match self.timers.insert(self.deadline, cx.waker()) {
                Some(key) => self.state = State::Registered(key),
                None => panic_closed(),
            },
            State::Yield => {
                self.state = State::Yielded;
                waits_for(WaitReason::Yield);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            State::Yielded => self.state = State::Done,
            State::Done => {}
            State::Registered(key) => match self.timers.update(key, cx.waker()) {
                Standing::Waiting => {}
                Standing::Fired => self.state = State::Done,
                Standing::Closed => panic_closed(),
            },
        }
        if let State::Done = self.state {
            // It stays ended, whatever the budget says.
            ready!(proceed(cx)).made();
            return Poll::Ready(());
        }
        waits_for(WaitReason::Sleep);
        Poll::Pending
    }
}

#[cold]
fn panic_closed() -> ! {
    panic!(
        "a sleep was polled after its event loop was closed, so it can never end: drop it before \
         `EventLoop::close`, or make it inside the loop that awaits it"
    )
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .field("state", &self.state)
            .finish()
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

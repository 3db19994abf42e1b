//! Callbacks at a time.

use std::fmt;
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

use loopwork_core::{CallHandle, Callback, SubmitError, submit};
use loopwork_shim::sync::Mutex;
use loopwork_time::{Alarm, Instant, Timers};

/// Cancels a callback of `call_later` or `call_at`.
///
/// Dropping it does nothing: the callback stays scheduled.
///
/// asyncio: `TimerHandle`.
#[doc(alias = "asyncio.TimerHandle")]
#[derive(Clone)]
pub struct TimerHandle {
    call: CallHandle,
    timed: Weak<Timed>,
    when: Instant,
}

impl TimerHandle {
    /// Prevents the run, and drops the callback with all it holds. True if it had not begun. As
    /// [`CallHandle::cancel`].
    ///
    /// The timer is gone at once.
    ///
    /// asyncio: `TimerHandle.cancel`, which leaves the timer in the heap until it comes up.
    pub fn cancel(&self) -> bool {
        let stage = self.timed.upgrade().map(|timed| timed.end());
        drop(stage);
        self.call.cancel()
    }

    /// Whether it was cancelled, or its loop closed before it could run.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.call.cancelled()
    }

    /// When the callback becomes due; the same after it ran or was cancelled.
    ///
    /// asyncio: `TimerHandle.when`.
    #[must_use]
    pub fn when(&self) -> Instant {
        self.when
    }
}

impl fmt::Debug for TimerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerHandle")
            .field("when", &self.when)
            .field("cancelled", &self.cancelled())
            .finish()
    }
}

/// A callback that waits for its deadline. The timers hold it, as the waker of its alarm: if they
/// let go of it before it rang, their loop has closed.
struct Timed {
    loops: loopwork_core::Handle,
    callback: Callback,
    stage: Mutex<Stage>,
}

enum Stage {
    /// The alarm is `None` only while it is being made.
    Waiting(Option<Alarm>),
    /// Due, cancelled, or handed back.
    Over,
}

/// Schedules `f` at `when`, or hands it back if the loop is closed.
pub(crate) fn call_at<F: FnOnce() + Send + 'static>(
    loops: &loopwork_core::Handle,
    timers: &Timers,
    when: Instant,
    f: F,
) -> Result<TimerHandle, SubmitError<F>> {
    if loops.is_closed() {
        return Err(SubmitError(f));
    }
    let mut timed = Weak::new();
    let call = submit(f, |callback| {
        let stage = Mutex::new(Stage::Waiting(None));
        let waiting = Arc::new(Timed { loops: loops.clone(), callback, stage });
        timed = Arc::downgrade(&waiting);
        match timers.alarm(when, &Waker::from(waiting.clone())) {
            Some(alarm) => {
                if let Stage::Waiting(slot) = &mut *waiting.stage.lock() {
                    *slot = Some(alarm);
                }
                Ok(())
            }
            None => {
                drop(waiting.end());
                Err(waiting.callback.clone())
            }
        }
    });
    match call {
        Ok(call) => Ok(TimerHandle { call, timed, when }),
        Err(f) => Err(SubmitError(f)),
    }
}

impl Timed {
    fn end(&self) -> Stage {
        std::mem::replace(&mut *self.stage.lock(), Stage::Over)
    }
}

impl Wake for Timed {
    /// The deadline has come: the callback is due.
    fn wake(self: Arc<Self>) {
        let Stage::Waiting(alarm) = self.end() else { return };
        drop(alarm);
        if let Err(callback) = self.loops.enqueue(self.callback.clone()) {
            callback.cancel();
        }
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        if let Stage::Waiting(_) = self.end() {
            self.callback.cancel();
        }
    }
}

//! Callbacks at a time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use loopwork_core::{CallHandle, Callback, SubmitError};
use loopwork_shim::sync::Mutex;
use loopwork_time::{Instant, Sleep, Timers, sleep_until};

/// Cancels a callback of `call_later` or `call_at`.
///
/// Dropping it does nothing: the callback stays scheduled.
///
/// asyncio: `TimerHandle`.
#[doc(alias = "asyncio.TimerHandle")]
#[derive(Clone)]
pub struct TimerHandle {
    call: CallHandle,
    timer: Arc<Timer>,
    when: Instant,
}

/// A callback that waits for its deadline: the waker of a sleep.
struct Timer {
    loops: loopwork_core::Handle,
    waiting: Mutex<Option<Waiting>>,
}

struct Waiting {
    callback: Callback,
    /// Keeps the entry among the timers. `None` only while it is being made.
    sleep: Option<Sleep>,
}

impl TimerHandle {
    /// Prevents the run, and drops the callback with all it holds. True if it had not begun. As
    /// [`CallHandle::cancel`].
    ///
    /// asyncio: `TimerHandle.cancel`.
    pub fn cancel(&self) -> bool {
        let waiting = self.timer.waiting.lock().take();
        drop(waiting);
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
    let (callback, call) = Callback::new(f);
    let timer = Arc::new(Timer { loops: loops.clone(), waiting: Mutex::new(None) });
    let mut sleep = {
        let _entered = timers.enter();
        sleep_until(when)
    };
    // A sleep registers at its first poll, with the waker it is polled with.
    *timer.waiting.lock() = Some(Waiting { callback, sleep: None });
    let waker = Waker::from(timer.clone());
    let registered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker))
    }));
    if registered.is_ok() {
        let mut waiting = timer.waiting.lock();
        if let Some(waiting) = &mut *waiting {
            waiting.sleep = Some(sleep);
        }
    }
    Ok(TimerHandle { call, timer, when })
}

impl Wake for Timer {
    /// The deadline has come: the callback is due.
    fn wake(self: Arc<Self>) {
        let waiting = self.waiting.lock().take();
        if let Some(Waiting { callback, sleep }) = waiting {
            drop(sleep);
            if let Err(callback) = self.loops.enqueue(callback) {
                callback.cancel();
            }
        }
    }
}

impl Drop for Timer {
    /// The loop closed first: the handle is to say so.
    fn drop(&mut self) {
        if let Some(Waiting { callback, sleep }) = self.waiting.get_mut().take() {
            drop(sleep);
            callback.cancel();
        }
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

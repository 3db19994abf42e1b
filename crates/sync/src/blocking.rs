//! How a plain thread waits for a future of this crate.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loopwork_shim::sync::{Condvar, Mutex};

/// Runs `future` on this thread and blocks the thread while it is pending.
///
/// # Panics
///
/// On a thread that may not block, naming `what`.
#[track_caller]
pub(crate) fn wait_for<F: Future>(what: &str, future: F) -> F::Output {
    loopwork_context::assert_may_block(what);
    let signal = Arc::new(Signal { raised: Mutex::new(false), changed: Condvar::new() });
    let waker = Waker::from(signal.clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return out;
        }
        signal.wait();
    }
}

/// A wake-up that stays raised until it is waited for.
struct Signal {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    fn wait(&self) {
        let mut raised = self.raised.lock();
        while !*raised {
            self.changed.wait(&mut raised);
        }
        *raised = false;
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.raised.lock() = true;
        self.changed.notify_one();
    }
}

//! How a plain thread waits for a future of this crate.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loopwork_shim::atomic::{AtomicBool, Ordering};
use loopwork_shim::sync::{Condvar, Mutex};

use crate::spin::spin_then;

/// Runs `future` on this thread and blocks the thread while it is pending.
///
/// # Panics
///
/// On a thread that may not block, naming `what`.
#[track_caller]
pub(crate) fn wait_for<F: Future>(what: &str, future: F) -> F::Output {
    loopwork_context::assert_may_block(what);
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(signal.clone());
    let mut future = pin!(future);
    loop {
        // A task that may block this thread has a budget that does not come back while it does.
        let poll = loopwork_context::Poll::enter(false);
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        drop(poll);
        if let Poll::Ready(out) = polled {
            return out;
        }
        spin_then(None, || signal.is_raised(), || signal.wait());
    }
}

/// A wake-up that stays raised until it is waited for.
#[derive(Default)]
struct Signal {
    raised: Mutex<bool>,
    /// The same, as a hint that needs no lock.
    hint: AtomicBool,
    changed: Condvar,
}

impl Signal {
    fn wait(&self) {
        let mut raised = self.raised.lock();
        while !*raised {
            self.changed.wait(&mut raised);
        }
        *raised = false;
        self.hint.store(false, Ordering::Relaxed);
    }

    fn is_raised(&self) -> bool {
        // Ordering: Relaxed: who sees it takes the lock.
        self.hint.load(Ordering::Relaxed)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut raised = self.raised.lock();
        *raised = true;
        self.hint.store(true, Ordering::Relaxed);
        drop(raised);
        self.changed.notify_one();
    }
}

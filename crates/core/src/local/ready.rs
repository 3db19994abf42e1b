//! Which tasks of a set are to be polled. Wakers are `Send`, so any thread may come here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};

use loopwork_shim::atomic::{AtomicBool, Ordering};
use loopwork_shim::sync::Mutex;

#[derive(Default)]
pub(super) struct Ready(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    woken: VecDeque<Arc<Wakeup>>,
    /// Who drives the set, until it has been told.
    driver: Option<Waker>,
    /// The set is gone. Wake-ups refer to this: none may stay in the queue then.
    closed: bool,
}

/// One task's place in its set, and whether it is in the queue.
pub(super) struct Wakeup {
    ready: Arc<Ready>,
    key: usize,
    queued: AtomicBool,
}

impl Ready {
    /// The next wake-up is to wake `driver`. Before it looks at the queue, so that none is missed.
    pub(super) fn wakes(&self, driver: &Waker) {
        let replaced = {
            let mut queue = self.0.lock();
            match &queue.driver {
                Some(known) if known.will_wake(driver) => None,
                _ => queue.driver.replace(driver.clone()),
            }
        };
        drop(replaced);
    }

    /// The set is gone: nothing is queued any more.
    pub(super) fn close(&self) {
        let dropped = {
            let mut queue = self.0.lock();
            queue.closed = true;
            (std::mem::take(&mut queue.woken), queue.driver.take())
        };
        drop(dropped);
    }

    /// The task to be polled next. Wakes that come from now on queue it again.
    pub(super) fn pop(&self) -> Option<Arc<Wakeup>> {
        let wakeup = self.0.lock().woken.pop_front()?;
        // Ordering: Acquire: pairs with the swap in `wake_by_ref`, whose caller's writes the poll
        // that follows must see even if that swap found the flag set.
        wakeup.queued.swap(false, Ordering::Acquire);
        Some(wakeup)
    }
}

impl Wakeup {
    pub(super) fn new(ready: &Arc<Ready>, key: usize) -> Arc<Self> {
        Arc::new(Self { ready: ready.clone(), key, queued: AtomicBool::new(false) })
    }

    pub(super) fn key(&self) -> usize {
        self.key
    }

    /// Has the task polled. True if it was not to be polled anyway.
    pub(super) fn queue(self: &Arc<Self>) -> bool {
        // Ordering: Release: see `Ready::pop`.
        if self.queued.swap(true, Ordering::Release) {
            return false;
        }
        let driver = {
            let mut queue = self.ready.0.lock();
            if queue.closed {
                return true;
            }
            queue.woken.push_back(self.clone());
            queue.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
        true
    }
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.queue();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue();
    }
}

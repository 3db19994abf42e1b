//! What the handles of a promise share: the decision, and what follows from it.

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use loopwork_context::CancelReason;
use loopwork_core::{CallHandle, Callback, ExceptionContext, Handle, Panicked, SharedError};
use loopwork_shim::sync::Mutex;
use loopwork_shim::weaken;
use loopwork_sync::OnceCell;

use super::Promise;
use super::line::{Line, Place, Watcher};

/// What a promise comes to.
pub(super) enum Outcome<T, E> {
    Value(T),
    Error {
        error: E,
        /// Makes it one that can be reported.
        share: fn(E) -> SharedError,
    },
    Cancelled(CancelReason),
}

pub(super) struct Shared<T, E> {
    /// Filled once, under the lock of the line; read without it.
    outcome: OnceCell<Outcome<T, E>>,
    line: Mutex<Line<T, E>>,
    handle: Handle,
    pub(super) made_at: &'static Location<'static>,
}

impl<T, E> Shared<T, E> {
    pub(super) fn new(handle: Handle, made_at: &'static Location<'static>) -> Self {
        Self { outcome: OnceCell::new(), line: Mutex::new(Line::new()), handle, made_at }
    }

    pub(super) fn outcome(&self) -> Option<&Outcome<T, E>> {
        self.outcome.get()
    }

    /// Somebody looks at the error: it need not be reported.
    pub(super) fn be_seen(&self) {
        self.line.lock().seen = weaken!("promise-seen", true => false);
    }

    /// Event R: waits for the end, in the place it has or behind all others.
    pub(super) fn wait(&self, place: &mut Option<Place>, cx: &Context<'_>) -> Poll<()> {
        if let Some(place) = *place {
            // Who is in the line has not been told.
            if self.line.lock().would_wake(place, cx.waker()) {
                return Poll::Pending;
            }
        }
        let waker = cx.waker().clone();
        let mut line = self.line.lock();
        if weaken!("promise-look", self.outcome.is_set() => false) {
            drop(line);
            drop(waker);
            return Poll::Ready(());
        }
        let replaced = match *place {
            Some(place) => Some(line.replace(place, waker)),
            None => {
                *place = Some(line.push(Watcher::Waker(waker)));
                None
            }
        };
        drop(line);
        drop(replaced);
        Poll::Pending
    }

    /// Waits no more.
    pub(super) fn leave(&self, place: Place) {
        let left = self.line.lock().leave(place);
        drop(left);
    }
}

impl<T, E> Promise<T, E> {
    /// Event S: what the promise comes to, and event T: all are told. Gives `outcome` back if the
    /// promise is done.
    pub(super) fn settle(&self, outcome: Outcome<T, E>) -> Result<(), Outcome<T, E>> {
        let mut line = self.0.line.lock();
        if let Err(refused) = self.0.outcome.set(outcome) {
            drop(line);
            return Err(refused.into_inner());
        }
        // Who comes while others are told stands behind them: there is one order.
        while let Some(watchers) = line.take() {
            if weaken!("promise-over") {
                // The mistake this guards against: who comes now is told at once.
                line.over = true;
            }
            drop(line);
            watchers.for_each(|watcher| self.tell(watcher));
            line = self.0.line.lock();
        }
        line.over = true;
        Ok(())
    }

    fn tell(&self, watcher: Watcher<T, E>) {
        // Unwind: a foreign waker or a destructor may panic; the others must still be told.
        let told = catch_unwind(AssertUnwindSafe(|| match watcher {
            Watcher::Waker(waker) => waker.wake(),
            Watcher::Callback(callback, promise) => {
                *promise.lock() = Some(self.clone());
                if let Err(callback) = self.0.handle.enqueue(callback) {
                    callback.cancel();
                }
            }
        }));
        if let Err(payload) = told {
            let context = ExceptionContext::new("a waker or destructor of a promise panicked")
                .with_exception(Panicked::new(payload))
                .with_future(self.0.made_at);
            self.0.handle.call_exception_handler(&context);
        }
    }
}

impl<T: Send + Sync + 'static, E: Send + Sync + 'static> Promise<T, E> {
    /// A done-callback.
    pub(super) fn be_told(&self, f: impl FnOnce(&Self) + Send + 'static) -> CallHandle {
        let promise = Arc::new(Mutex::new(None::<Self>));
        let due = promise.clone();
        let (callback, handle) = Callback::new(move || {
            let promise = due.lock().take();
            f(&promise.expect("it is due once, and is left the promise before"));
        });
        let watcher = Watcher::Callback(callback, promise);
        let mut line = self.0.line.lock();
        if line.over {
            drop(line);
            self.tell(watcher);
        } else {
            line.push(watcher);
        }
        handle
    }
}

impl<T, E> Drop for Shared<T, E> {
    /// Nobody has the promise any more: nobody will set it, nor look at its error.
    fn drop(&mut self) {
        let line = self.line.get_mut();
        let seen = line.seen;
        for watcher in line.take().into_iter().flatten() {
            // Who awaits it has it. Unwind: the panic of a callback's destructor goes on; the other
            // callbacks are dropped all the same.
            if let Watcher::Callback(callback, _) = watcher {
                callback.cancel();
            }
        }
        let outcome = mem::take(&mut self.outcome).into_inner();
        if let (Some(Outcome::Error { error, share }), false) = (outcome, seen) {
            let context = ExceptionContext::new("a promise failed and nobody looked at its error");
            let context = context.with_exception(share(error)).with_future(self.made_at);
            self.handle.call_exception_handler(&context);
        }
    }
}

impl<T, E> fmt::Debug for Shared<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("made_at", &self.made_at).finish_non_exhaustive()
    }
}

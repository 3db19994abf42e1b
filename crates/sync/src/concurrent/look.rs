//! How a task looks at what both ends share, and waits.

use std::task::{Context, Poll, ready};

use loopwork_context::{proceed, waits_for};

use super::state::{Shared, State};
use crate::waiters::BoxedWaiter;

impl<T> Shared<T> {
    /// What `attempt` finds; if that is nothing, `waiter` waits until something has changed.
    ///
    /// The first attempt is without a waker, so that one that succeeds at once clones nothing. What
    /// succeeds spends a unit of the task's budget; when that is used up there is no attempt, nor where
    /// `waiter` has waited and a cancel request came first.
    pub(super) fn look<R>(
        &self,
        waiter: &mut BoxedWaiter,
        cx: &mut Context<'_>,
        attempt: impl FnMut(&mut State<T>) -> Option<R>,
    ) -> Poll<R> {
        let progress = ready!(proceed(cx));
        if progress.holds_back() && !waiter.is_idle() {
            // Done or not: it may be in this very moment.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.attempt_or_wait(waiter, cx, attempt);
        match polled {
            Poll::Ready(_) => progress.made(),
            Poll::Pending => waits_for(self.policy.reason()),
        }
        polled
    }

    fn attempt_or_wait<R>(
        &self,
        waiter: &mut BoxedWaiter,
        cx: &Context<'_>,
        mut attempt: impl FnMut(&mut State<T>) -> Option<R>,
    ) -> Poll<R> {
        let mut waker = None;
        loop {
            let mut state = self.state.lock();
            if let Some(done) = attempt(&mut state) {
                let left = waiter.leave(&mut state.waiters);
                drop(state);
                drop((left, waker));
                return Poll::Ready(done);
            }
            if !waiter.is_idle() && state.waiters.would_wake(waiter.make(), cx.waker()) {
                return Poll::Pending;
            }
            if let Some(waker) = waker {
                let left = waiter.leave(&mut state.waiters);
                let request = state.epoch();
                state.waiters.push_back(waiter.make(), request, waker);
                drop(state);
                drop(left);
                return Poll::Pending;
            }
            drop(state);
            waiter.make();
            waker = Some(cx.waker().clone());
        }
    }

    /// `waiter` will not look any more.
    pub(super) fn leave(&self, waiter: &mut BoxedWaiter) {
        if !waiter.is_idle() {
            let left = waiter.leave(&mut self.state.lock().waiters);
            drop(left);
        }
    }
}

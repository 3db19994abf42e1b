//! What the ends of several tasks are counted in.
//!
//! Each task's end is counted by a hook, on the thread that ends it. The owner is woken only by the
//! end that decides, and looks only after it has left its waker: so that it is never polled in
//! vain, and never misses the decision.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};

use loopwork_core::{Task, Watch};
use loopwork_shim::sync::Mutex;

/// When the owner is to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Every task has ended.
    All,
    /// Every task has ended, or one has ended as the `Judge` counts.
    AllOrOne(Judge),
    /// One more task has ended.
    Next,
}

/// Which end is enough by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judge {
    Any,
    /// Panicked or cancelled.
    Failed,
    /// Panicked; or, if so told, returned an error. Cancelled does not count.
    Raised,
}

/// How a task ended, as far as a [`Judge`] cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Returned,
    Raised,
    Cancelled,
}

#[derive(Debug)]
pub(crate) struct Tally {
    until: Until,
    count: Mutex<Count>,
}

#[derive(Debug)]
struct Count {
    left: usize,
    /// The first end that was enough by itself.
    decisive: Option<usize>,
    /// With `Until::Next`: what has ended and was not asked for yet.
    ended: VecDeque<usize>,
    waker: Option<Waker>,
}

/// What a [`Tally`] has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Not decided.
    Open,
    All,
    One(usize),
}

impl Tally {
    pub(crate) fn new(tasks: usize, until: Until) -> Arc<Self> {
        let count = Count { left: tasks, decisive: None, ended: VecDeque::new(), waker: None };
        Arc::new(Self { until, count: Mutex::new(count) })
    }

    /// Counts the end of `task`, once it comes, as that of number `index`.
    pub(crate) fn watch<T: Send + 'static>(
        self: &Arc<Self>,
        index: usize,
        task: &Task<T>,
        raised: fn(&T) -> bool,
    ) -> Option<Watch> {
        let tally = self.clone();
        let look = task.looker();
        task.on_end(move |returned| {
            let end = if !returned {
                if look.cancelled() { End::Cancelled } else { End::Raised }
            } else if look.value_is(raised) {
                End::Raised
            } else {
                End::Returned
            };
            // The task is not kept alive by who looked at it.
            drop(look);
            tally.count(index, end);
        })
    }

    fn count(&self, index: usize, end: End) {
        let waker = {
            let mut count = self.count.lock();
            count.left -= 1;
            let enough = match self.until {
                Until::All => false,
                Until::AllOrOne(Judge::Any) => true,
                Until::AllOrOne(Judge::Failed) => end != End::Returned,
                Until::AllOrOne(Judge::Raised) => end == End::Raised,
                Until::Next => {
                    count.ended.push_back(index);
                    true
                }
            };
            let decides = if enough {
                let first = count.decisive.is_none() || self.until == Until::Next;
                count.decisive.get_or_insert(index);
                first
            } else {
                count.left == 0 && count.decisive.is_none()
            };
            if decides { count.waker.take() } else { None }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What it has come to; if that is nothing yet, the waker is left to be woken.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Decision {
        let replaced;
        {
            let mut count = self.count.lock();
            match count.decisive {
                Some(index) => return Decision::One(index),
                None if count.left == 0 => return Decision::All,
                None => {}
            }
            replaced = leave(&mut count.waker, cx);
        }
        drop(replaced);
        Decision::Open
    }

    /// With `Until::Next`: the next that has ended, in order of their ends.
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Option<usize> {
        let replaced;
        {
            let mut count = self.count.lock();
            if let Some(index) = count.ended.pop_front() {
                return Some(index);
            }
            replaced = leave(&mut count.waker, cx);
        }
        drop(replaced);
        None
    }
}

/// Leaves the waker of `cx`. What is returned is to be dropped outside the lock.
fn leave(waker: &mut Option<Waker>, cx: &Context<'_>) -> Option<Waker> {
    if waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        return None;
    }
    waker.replace(cx.waker().clone())
}

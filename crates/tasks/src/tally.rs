//! What the ends of several tasks are counted in.
//!
//! Each task's end is counted on the thread that ends it: that of a task by a hook; that of a future
//! which was made a task for this by its [`Part`], which is dropped with it and costs no lock. The
//! owner is woken only by the end that decides, and looks only after it has left its waker: so that it
//! is never polled in vain, and never misses the decision.
//!
//! # Parts
//!
//! Parts have shares, which are handed out and given up in lots: so that workers that end parts at the
//! same time seldom write to the same word. The last that is given up counts once, for all parts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};

use loopwork_core::{
    Counted, Ends, Share, Stock, Task, Told, Watch, after_end, polls, wake_joiner,
};
use loopwork_shim::sync::Mutex;
use loopwork_shim::weaken;

/// When the owner is to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Every task has ended.
    All,
    /// Every task has ended, or one has ended as the `Judge` counts.
    AllOrOne(Judge),
    /// One more task has ended.
    Next,
    /// The owner is gone.
    Never,
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
    count: Mutex<Count>,
}

#[derive(Debug)]
struct Count {
    until: Until,
    /// Of all parts together: one.
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
        let count =
            Count { until, left: tasks, decisive: None, ended: VecDeque::new(), waker: None };
        Arc::new(Self { count: Mutex::new(count) })
    }

    /// A tally of parts only.
    pub(crate) fn of_parts(until: Until) -> (Arc<Self>, Parts) {
        let tally = Self::new(1, until);
        let (_, stock) = Counted::new(Whole(tally.clone()));
        (tally, Parts { stock, next: 0 })
    }

    /// Before the first poll: the owner waits for something else.
    pub(crate) fn change(&self, until: Until) {
        let mut count = self.count.lock();
        count.until = until;
        if until == Until::All {
            count.decisive = None;
        }
    }

    /// Nobody is interested any more.
    pub(crate) fn forget(&self) {
        let waker = {
            let mut count = self.count.lock();
            count.until = Until::Never;
            count.waker.take()
        };
        drop(waker);
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

    /// Counts a task that returns, or has returned, an error as failed. It is counted as such.
    pub(crate) fn watch_error<T: Send + 'static, E: Send + 'static>(
        self: &Arc<Self>,
        index: usize,
        task: &Task<Result<T, E>>,
    ) -> Option<Watch> {
        let look = task.looker();
        if task.done() {
            if look.value_is(Result::is_err) {
                self.had_failed(index);
            }
            return None;
        }
        let tally = self.clone();
        task.on_end(move |returned| {
            let failed = returned && look.value_is(Result::is_err);
            drop(look);
            if failed {
                tally.failed(index);
            }
        })
    }

    fn count(&self, index: usize, end: End) {
        let waker = {
            let mut count = self.count.lock();
            count.left -= 1;
            let enough = match count.until {
                Until::All | Until::Never => false,
                Until::AllOrOne(Judge::Any) => true,
                Until::AllOrOne(Judge::Failed) => end != End::Returned,
                Until::AllOrOne(Judge::Raised) => end == End::Raised,
                Until::Next => {
                    count.ended.push_back(index);
                    true
                }
            };
            let decides = if enough {
                let first = count.decisive.is_none() || count.until == Until::Next;
                count.decisive.get_or_insert(index);
                first
            } else {
                count.left == 0 && count.decisive.is_none()
            };
            if decides { count.waker.take() } else { None }
        };
        if let Some(waker) = waker {
            wake_joiner(waker);
        }
    }

    /// Number `index` has ended in a way that may be enough, and is counted elsewhere.
    pub(crate) fn failed(&self, index: usize) {
        let waker = {
            let mut count = self.count.lock();
            if !matches!(count.until, Until::AllOrOne(_)) || count.decisive.is_some() {
                return;
            }
            count.decisive = Some(index);
            count.waker.take()
        };
        if let Some(waker) = waker {
            wake_joiner(waker);
        }
    }

    /// As [`Tally::failed`], before the owner waits: of what has failed by then the first in order
    /// decides.
    fn had_failed(&self, index: usize) {
        let mut count = self.count.lock();
        if matches!(count.until, Until::AllOrOne(_)) {
            let decisive = count.decisive.map_or(index, |known| known.min(index));
            count.decisive = Some(decisive);
        }
    }

    /// What it has come to; if that is nothing yet, the waker is left to be woken.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Decision {
        let decision = self.look(cx, |count| match count.decisive {
            Some(index) => Some(Decision::One(index)),
            None => (count.left == 0).then_some(Decision::All),
        });
        decision.unwrap_or(Decision::Open)
    }

    /// With `Until::Next`: whether one has ended; if not, the waker is left to be woken.
    pub(crate) fn poll_any(&self, cx: &Context<'_>) -> bool {
        self.look(cx, |count| (!count.ended.is_empty()).then_some(())).is_some()
    }

    /// With `Until::Next`: the next that has ended, in order of their ends.
    pub(crate) fn take_next(&self) -> Option<usize> {
        self.count.lock().ended.pop_front()
    }

    /// What `found` finds. If that is nothing, the waker is left, and it was looked again after that.
    fn look<R>(&self, cx: &Context<'_>, found: impl Fn(&Count) -> Option<R>) -> Option<R> {
        {
            let count = self.count.lock();
            let known = count.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
            let found = found(&count);
            if known || found.is_some() {
                return found;
            }
        }
        // Cloned and dropped outside the lock: it may be foreign.
        let waker = cx.waker().clone();
        let (found, _unused) = {
            let mut count = self.count.lock();
            // One may have ended in between.
            match weaken!("tally-look", found(&count) => None) {
                None => (None, count.waker.replace(waker)),
                found => (found, Some(waker)),
            }
        };
        found
    }
}

/// Makes the parts. Until it is dropped, not all have ended.
#[derive(Debug)]
pub(crate) struct Parts {
    stock: Stock<Whole>,
    next: usize,
}

impl Parts {
    /// One more, with the next number.
    #[inline]
    pub(crate) fn make(&mut self) -> Part {
        let index = self.next;
        self.next += 1;
        Part { share: self.stock.share(), index }
    }
}

/// What a future has that is counted.
#[derive(Debug)]
pub(crate) struct Part {
    share: Share<Whole>,
    index: usize,
}

impl Told for Part {
    #[inline]
    fn polled(&self) {
        polls(&self.share);
    }

    /// It counts when its task has been marked as ended.
    #[inline]
    fn ended(self, returned: bool, marked: bool) {
        let failed = (!returned).then_some(self.index);
        if !marked {
            after_end(self.share, failed);
        } else if let Some(index) = failed {
            self.share.failed(index);
        }
    }
}

/// All parts together: they count as one.
#[derive(Debug)]
struct Whole(Arc<Tally>);

impl Ends for Whole {
    #[cold]
    fn failed(&self, index: usize) {
        self.0.failed(index);
    }

    #[cold]
    fn all_ended(&self) {
        self.0.count(0, End::Returned);
    }
}

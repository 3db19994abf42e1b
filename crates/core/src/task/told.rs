//! A future that becomes a task, and says how it ends to who made it.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::current;

/// Is told of the end of a task.
///
/// For combinators: what it does must be short, and must neither block nor run anybody's code.
#[doc(hidden)]
pub trait Told: Send + 'static {
    /// The task has returned; or panicked, or was cancelled. The task is `marked` as ended; or it is
    /// being so, on this thread, which [`after_end`] waits for.
    fn ended(self, returned: bool, marked: bool);
}

/// What is counted when a task has been marked as ended.
#[doc(hidden)]
pub trait Ends: Send + Sync + 'static {
    /// One has failed: this one, by the count of who made it.
    fn failed(&self, index: usize);
}

/// One end: of one that has failed, if there is a number. Dropping the reference counts it.
pub(crate) struct End {
    pub(crate) ends: Arc<dyn Ends>,
    pub(crate) failed: Option<usize>,
}

impl End {
    #[inline]
    pub(crate) fn tell(self) {
        if let Some(index) = self.failed {
            self.ends.failed(index);
        }
    }
}

/// The end of the task that a worker polls, until that is marked.
#[derive(Default)]
pub(crate) struct Untold(Cell<Option<End>>);

impl Untold {
    #[inline]
    pub(crate) fn replace(&self, end: End) -> Option<End> {
        self.0.replace(Some(end))
    }

    #[inline]
    pub(crate) fn tell(&self) {
        if let Some(end) = self.0.take() {
            end.tell();
        }
    }
}

impl fmt::Debug for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Untold")
    }
}

/// Wakes who waits for the end of a task: as a join does.
#[doc(hidden)]
pub fn wake_joiner(waker: Waker) {
    current::while_ending(|| waker.wake());
}

/// By a destructor of the future of a task that ends: lets `ends` go when the task has been marked as
/// ended, and tells it that number `failed` has failed, if that is so. Elsewhere it does so now.
#[doc(hidden)]
#[inline]
pub fn after_end(ends: Arc<dyn Ends>, failed: Option<usize>) {
    let end = End { ends, failed };
    let left = current::with_worker(|worker| match worker {
        Some(worker) => worker.after_end(end),
        None => Some(end),
    });
    if let Some(end) = left {
        end.tell();
    }
}

/// The future is pinned as long as this is; `told` is not.
pub(super) struct Telling<F, D: Told> {
    future: F,
    // Last: what the future owns is gone before.
    teller: Teller<D>,
}

struct Teller<D: Told> {
    told: Option<D>,
    returned: bool,
}

impl<F, D: Told> Telling<F, D> {
    #[inline]
    pub(super) fn new(future: F, told: D) -> Self {
        Self { future, teller: Teller { told: Some(told), returned: false } }
    }

    /// The future of a task that was refused.
    pub(super) fn into_inner(self) -> F {
        let Self { future, mut teller } = self;
        teller.told = None;
        future
    }
}

impl<D: Told> Drop for Teller<D> {
    #[inline]
    fn drop(&mut self) {
        if let Some(told) = self.told.take() {
            told.ended(self.returned, false);
        }
    }
}

impl<F: Future, D: Told> Future for Telling<F, D> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: it is pinned with the whole: it is dropped in place, there is no `Drop`, and the
        // whole is `Unpin` only if the future is.
        let polled = unsafe { Pin::new_unchecked(&mut this.future) }.poll(cx);
        if polled.is_ready() {
            this.teller.returned = true;
        }
        polled
    }
}

//! A future that becomes a task, and says how it ends to who made it.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll, Waker};

use loopwork_shim::weaken;

use super::shares::{AnyShare, Bundle, Ends, Gathered, Share};
use crate::current;

/// Is told of the end of a task.
///
/// For combinators: what it does must be short, and must neither block nor run anybody's code.
#[doc(hidden)]
pub trait Told: Send + 'static {
    /// The task is about to be polled: see [`polls`].
    fn polled(&self);
    /// The task has returned; or panicked, or was cancelled. The task is `marked` as ended; or it is
    /// being so, on this thread, which [`after_end`] waits for.
    fn ended(self, returned: bool, marked: bool);
}

/// One end, of one that has failed, if there is a number.
pub(crate) struct End {
    share: AnyShare,
    /// `NO_FAILURE`, or which.
    failed: usize,
}

const NO_FAILURE: usize = usize::MAX;

impl End {
    /// Says what has failed, and gives the share that counts the end.
    #[inline]
    fn tell(self) -> AnyShare {
        if self.failed != NO_FAILURE {
            self.share.value().failed(self.failed);
        }
        self.share
    }
}

/// The ends that a worker has not counted yet: that of the task it polls, until that is marked; and
/// those of tasks before it, for as long as it goes on with others of the same count. These have
/// shares, so that nobody waits for the ones that are kept.
///
/// Its words are read as they were written: a processor waits where it reads two at once of which it has just written one.
#[derive(Default)]
pub(crate) struct Untold {
    ending: Cell<Option<AnyShare>>,
    /// Of the end that this is.
    failed: Cell<usize>,
    kept: Gathered,
    /// Of the tasks whose ends are kept: of what type they are. Null if none is.
    table: Cell<*const ()>,
}

impl Untold {
    /// The task that is polled ends. Gives back what is not kept.
    #[inline]
    pub(crate) fn replace(&self, end: End) -> Option<End> {
        let before = self.ending.replace(Some(end.share));
        let failed = self.failed.replace(end.failed);
        before.map(|share| End { share, failed })
    }

    /// The task that was polled, of the type that `table` says, is marked. Gives what is to be given
    /// up now.
    #[inline]
    pub(crate) fn marked(&self, table: *const (), keep: bool) -> Option<Bundle> {
        let share = self.ending.take()?;
        let share = End { share, failed: self.failed.get() }.tell();
        if !keep {
            return Some(share.into());
        }
        self.table.set(table);
        self.kept.add(share).map(Bundle::from)
    }

    /// A task of the type that `table` says is to be polled. Gives what is to be given up before.
    #[inline]
    pub(crate) fn before(&self, table: *const ()) -> Option<Bundle> {
        let kept = self.table.get();
        let goes_on = kept.is_null() || weaken!("told-kept", kept == table => true);
        if goes_on { None } else { self.take() }
    }

    /// The task that is polled has this share.
    #[inline]
    fn goes_on_for(&self, name: *const ()) -> Option<Bundle> {
        let ends_here = weaken!("told-other", self.kept.is_of_another_than(name) => false);
        if ends_here { self.take() } else { None }
    }

    pub(crate) fn is_kept(&self) -> bool {
        !self.table.get().is_null()
    }

    /// All that is kept.
    #[inline]
    pub(crate) fn take(&self) -> Option<Bundle> {
        if self.table.replace(ptr::null()).is_null() { None } else { self.kept.take() }
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

/// By a destructor of the future of a task that ends: gives `share` up when the task has been marked
/// as ended, and says then that number `failed` has failed, if that is so. Elsewhere it does so now.
///
/// Each poll of the future has begun with [`polls`].
#[doc(hidden)]
#[inline]
pub fn after_end<T: Ends>(share: Share<T>, failed: Option<usize>) {
    let end = End { share: share.into_any(), failed: failed.unwrap_or(NO_FAILURE) };
    let left = current::with_worker(|worker| match worker {
        Some(worker) => worker.after_end(end),
        None => Some(end),
    });
    if let Some(end) = left {
        drop(end.tell());
    }
}

/// By a future that has a share, at the begin of each of its polls: while a worker goes on with tasks
/// of the same count, their ends need not be counted one by one.
#[doc(hidden)]
#[inline]
pub fn polls<T: Ends>(share: &Share<T>) {
    let due = current::with_worker(|worker| {
        worker.and_then(|worker| worker.untold().goes_on_for(share.name()))
    });
    drop(due);
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
        if let Some(told) = &this.teller.told {
            told.polled();
        }
        // SAFETY: it is pinned with the whole: it is dropped in place, there is no `Drop`, and the
        // whole is `Unpin` only if the future is.
        let polled = unsafe { Pin::new_unchecked(&mut this.future) }.poll(cx);
        if polled.is_ready() {
            this.teller.returned = true;
        }
        polled
    }
}

//! The waker of every task: its data pointer is a counted reference.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::header::Header;
use super::raw::RawTask;
use super::state::{LastWake, Wake};
use crate::current;
use crate::scheduler::Origin;

/// One table for borrowed and counted wakers, so that they compare equal.
static WAKER: RawWakerVTable = RawWakerVTable::new(
    |data| {
        // SAFETY: see `borrow`.
        let task = unsafe { borrow(data) };
        let clone = ManuallyDrop::new(RawTask::clone(&task));
        RawWaker::new(clone.as_ptr().cast(), &WAKER)
    },
    |data| {
        // SAFETY: `wake` consumes the waker and with it the reference, which `task` now is.
        let task = ManuallyDrop::into_inner(unsafe { borrow(data) });
        task.wake_and_drop(current::origin());
    },
    |data| {
        // SAFETY: see `borrow`.
        unsafe { borrow(data) }.wake();
    },
    |data| {
        // SAFETY: dropping the waker gives up its reference, which this is.
        drop(ManuallyDrop::into_inner(unsafe { borrow(data) }));
    },
);

/// Whether `waker` is that of a task, rather than of something between a task and its wait.
#[doc(hidden)]
#[must_use]
#[inline]
pub fn is_task_waker(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &raw const WAKER)
}

/// The task whose waker this is.
#[inline]
pub(super) fn task(waker: &Waker) -> Option<ManuallyDrop<RawTask>> {
    // SAFETY: the waker is alive, and its table is that of tasks.
    is_task_waker(waker).then(|| unsafe { borrow(waker.data()) })
}

/// A waker that owns a reference.
///
/// # Safety
///
/// The reference is the caller's, and becomes the waker's.
#[inline]
pub(super) unsafe fn owning(task: NonNull<Header>) -> Waker {
    // SAFETY: `task` is alive for the functions of `WAKER` as long as its reference is.
    unsafe { Waker::from_raw(RawWaker::new(task.as_ptr().cast_const().cast(), &WAKER)) }
}

/// The task behind a waker's data, without counting.
///
/// # Safety
///
/// `data` belongs to a live waker made with `WAKER`.
#[inline]
unsafe fn borrow(data: *const ()) -> ManuallyDrop<RawTask> {
    // SAFETY: wakers are made from the non-null header of a task whose reference they hold.
    let header = unsafe { NonNull::new_unchecked(data.cast_mut().cast::<Header>()) };
    // SAFETY: it is not dropped, so that no reference is given up.
    ManuallyDrop::new(unsafe { RawTask::from_owned(header) })
}

impl RawTask {
    #[inline]
    pub(crate) fn wake(&self) {
        if loopwork_context::is_polling(self.as_ptr().cast()) {
            // Its poll is under way on this thread, which puts it back itself.
            loopwork_context::requeue();
        } else if self.header().state.wake() == Wake::Schedule {
            self.schedule(current::origin());
        }
    }

    /// As [`RawTask::wake`], and gives the reference up: on a worker of its loop in the same write.
    pub(super) fn wake_and_drop(self, origin: Origin) {
        if loopwork_context::is_polling(self.as_ptr().cast()) {
            loopwork_context::requeue();
            return;
        }
        if !current::with_worker_of(self.shared(), |worker| worker.is_some()) {
            // Once the `Runnable` is pushed the task may end, and its loop be closed and gone, while
            // this thread is still about to wake a worker: the reference keeps the loop until then.
            if self.header().state.wake() == Wake::Schedule {
                self.schedule(origin);
            }
            return;
        }
        let task = ManuallyDrop::new(self);
        match task.header().state.wake_and_drop() {
            // The loop holds the task until it has ended, and it has not: who ends it now knows
            // from the word that a `Runnable` is out, and leaves the reference to that. This
            // worker holds the loop.
            LastWake::Schedule => task.schedule(origin),
            LastWake::Nothing => {}
            // SAFETY: that was the last reference.
            LastWake::Free => unsafe { task.free() },
        }
    }
}

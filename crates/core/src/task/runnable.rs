//! The right to poll a task once: what the run queues hold.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{Context, Waker};

use loopwork_context::{Poll, Request, collecting};

use super::header::{Ended, Header};
use super::raw::RawTask;
use super::state::{By, FinishPending, StartPoll};
use super::waker;
use crate::scheduler::Worker;

/// At most one exists of each task. It counts no reference: the loop's keeps the task alive until
/// it has ended, and then, if this is still out, until this is collected.
#[derive(Debug)]
pub(crate) struct Runnable(ManuallyDrop<RawTask>);

/// What came of running a [`Runnable`] once.
#[must_use]
pub(crate) enum Ran {
    /// It was woken meanwhile: put it back.
    Again(Runnable),
    /// The task waits, or has ended.
    Done,
}

impl Runnable {
    /// # Safety
    ///
    /// The word has just counted its first wake, with nobody polling.
    #[inline]
    pub(super) unsafe fn new(header: NonNull<Header>) -> Self {
        // SAFETY: not dropped, and alive by what the type says.
        Self(ManuallyDrop::new(unsafe { RawTask::from_owned(header) }))
    }

    #[inline]
    pub(crate) fn task(&self) -> &RawTask {
        &self.0
    }

    /// Links `next` behind this in a chain. What was linked before has been taken.
    #[inline]
    pub(super) fn link(&self, next: Option<Self>) {
        let next = next.map(|next| ManuallyDrop::new(next).task().pointer());
        self.task().header().link.with_mut(|link| {
            // SAFETY: the link belongs to whoever has the `Runnable`, and there is one of each task.
            unsafe { *link = next };
        });
    }

    /// What is linked behind this.
    #[inline]
    pub(super) fn take_link(&self) -> Option<Self> {
        // SAFETY: as in `link`.
        let next = self.task().header().link.with_mut(|link| unsafe { (*link).take() });
        // SAFETY: `link` took it in, so that it is the one `Runnable` of its task.
        next.map(|next| unsafe { Self::new(next) })
    }

    /// Names this without owning it.
    #[inline]
    pub(super) fn unowned(&self) -> Unowned {
        Unowned(self.task().pointer())
    }

    /// The one word it is; see [`Runnable::from_ptr`].
    #[inline]
    pub(super) fn into_ptr(self) -> *mut Header {
        ManuallyDrop::new(self).task().pointer().as_ptr()
    }

    /// Undoes [`Runnable::into_ptr`], once.
    ///
    /// # Safety
    ///
    /// If not null, `ptr` came from `into_ptr`, and nobody else does this with it.
    #[inline]
    pub(super) unsafe fn from_ptr(ptr: *mut Header) -> Option<Self> {
        // SAFETY: it was the one `Runnable` of its task, and is again.
        NonNull::new(ptr).map(|header| unsafe { Self::new(header) })
    }

    /// Polls the task once, on this thread, which is `worker`, and does what follows from it.
    pub(crate) fn run(self, worker: &Worker) -> Ran {
        let header = self.task().header();
        worker.before(header);
        let StartPoll::Poll { seen, cancel } = header.state.start_poll() else {
            self.collect();
            return Ran::Done;
        };
        let polling = worker.polling(self.task());
        header.running();
        let name = self.task().as_ptr().cast();
        let poll = if cancel { self.enter_asked() } else { Poll::enter_task(name, None) };
        let waker = self.borrowed_waker();
        let (pointer, cx) = (self.task().pointer(), &mut Context::from_waker(&waker));
        let table = header.table();
        // SAFETY: who has the `Runnable` of a task that has not ended owns the future.
        let mut ended = unsafe { (header.vtable.poll)(pointer, cx) };
        let mut finished = poll.finish();
        if let Some(request) = finished.request.take() {
            ended = Some(self.answer(request, ended));
        }
        if let Some(ended) = ended {
            let task = ManuallyDrop::new(self);
            // SAFETY: this does not touch the task any more.
            unsafe { task.0.complete(ended, By::Runnable) };
            polling.has_ended(table);
            return Ran::Done;
        }
        header.waiting(finished.reason_number());
        if finished.requeued() {
            // The wakes it answered stay in the word: that is all a requeue takes.
            return Ran::Again(self);
        }
        match header.state.finish_pending(seen) {
            FinishPending::Again => Ran::Again(self),
            FinishPending::Idle => {
                // The task may be gone already.
                std::mem::forget(self);
                Ran::Done
            }
        }
    }

    /// Enters a poll in which a request is delivered: it reaches all inside that may take it.
    #[cold]
    fn enter_asked(&self) -> Poll {
        let (request, insides) = self.task().asked();
        let poll = Poll::enter_task(self.task().as_ptr().cast(), request);
        if let Some(insides) = insides {
            insides.wake_all();
        }
        poll
    }

    /// A request was left by the poll: the task ends cancelled, unless it has `ended`.
    #[cold]
    fn answer(&self, request: Request, ended: Option<Ended>) -> Ended {
        if let Some(ended) = ended {
            self.task().ends_before_its_request();
            request.end();
            return ended;
        }
        // Nobody inside took the request: the task drops what it owns.
        let (header, pointer) = (self.task().header(), self.task().pointer());
        let its_own = Poll::enter_task(pointer.as_ptr().cast_const().cast(), None);
        // SAFETY: whoever polls, and calls this, owns the future, which has not ended.
        let held = collecting(|| unsafe { (header.vtable.cancel)(pointer) });
        drop(its_own);
        let request = Request::merge(Some(request), held).expect("one of them is there");
        self.task().ends_cancelled(&request);
        request.end();
        Ended::Cancelled
    }

    /// The waker of a poll: it borrows the loop's reference instead of counting one.
    #[inline]
    fn borrowed_waker(&self) -> ManuallyDrop<Waker> {
        // SAFETY: the loop's reference lasts longer than the poll; not being dropped, the waker
        // gives up no reference it does not have.
        ManuallyDrop::new(unsafe { waker::owning(self.task().pointer()) })
    }

    /// Ends a stale `Runnable`, and with it the loop's reference.
    fn collect(self) {
        let task = ManuallyDrop::new(self);
        if task.0.header().state.collect() {
            // SAFETY: that was the last reference.
            unsafe { task.0.free() };
        }
    }
}

/// Names a `Runnable` that a chain owns.
#[derive(Clone, Copy)]
pub(super) struct Unowned(NonNull<Header>);

// SAFETY: it is a name; to follow it is `unsafe`.
unsafe impl Send for Unowned {}

impl Unowned {
    #[inline]
    pub(super) fn is(self, task: &RawTask) -> bool {
        self.0 == task.pointer()
    }

    /// Links `next` behind it.
    ///
    /// # Safety
    ///
    /// The `Runnable` that this names is in a chain of the caller's, and nothing is behind it.
    #[inline]
    pub(super) unsafe fn link_behind(self, next: Runnable) {
        // SAFETY: the caller's promise; `next` is owned by the link from now on.
        unsafe { self.relink(next.into_ptr()) };
    }

    /// Links what `next` points to behind it, or nothing if that is null.
    ///
    /// # Safety
    ///
    /// The `Runnable` that this names is the caller's. A link that is not taken again but written
    /// over does not drop what it led to.
    #[inline]
    pub(super) unsafe fn relink(self, next: *mut Header) {
        // SAFETY: the caller has the `Runnable`, which keeps the task alive and owns the link.
        let header = unsafe { self.0.as_ref() };
        header.link.with_mut(|link| {
            // SAFETY: as above.
            unsafe { *link = NonNull::new(next) };
        });
    }
}

impl Drop for Runnable {
    /// A `Runnable` that is dropped instead of run ends its task as cancelled.
    fn drop(&mut self) {
        // Who else could poll it, or end it, needs what is dropped here.
        self.task().shut_down();
        // SAFETY: `self` is not used any more, and what is copied is not dropped.
        unsafe { Self::new(self.task().pointer()) }.collect();
    }
}

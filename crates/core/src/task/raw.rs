//! Counted references to a task, without its type: what wakers, handles and lists hold.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

use super::any::AnyTask;
use super::arena::{self, Class};
use super::cell;
use super::error::TaskError;
use super::extension::{Extension, FailureOf, Watcher};
use super::header::{Birth, Ended, Header};
use super::runnable::Runnable;
use super::state::{By, Completed, Detach, End};
use super::waker;
use crate::current;
use crate::exception::{ExceptionContext, report_destructor};
use crate::panicked::Panicked;
use crate::scheduler::{Origin, Shared, Worker};
use crate::shared_error::SharedError;

/// One reference to a task.
///
/// Invariant: the pointer is that of a cell with a task in it, with the provenance of its whole
/// chunk, and the word counts this reference.
pub(crate) struct RawTask(NonNull<Header>);

// SAFETY: `Header` is shared safely: its words are atomic, its link belongs to the one `Runnable`,
// and the rest never changes. The future is reached only by who polls, and is `Send` unless its
// task has a home, and only that worker's thread polls and drops it. The output is `Send`, or that
// of a root, which stays on its thread.
unsafe impl Send for RawTask {}
// SAFETY: as for `Send`; a shared reference gives no more than a clone would.
unsafe impl Sync for RawTask {}

impl RawTask {
    /// A new task: the reference of its `Task`, and its `Runnable`. `worker` is the one of `shared`
    /// that this thread is. Hands the future back if the loop is closed.
    ///
    /// `future` is called once, when there is a cell, perhaps under a lock: it puts together what it has, and
    /// neither panics nor runs anybody's code.
    ///
    /// The caller answers for what the type system cannot see here: unless `birth.kind` is
    /// `Root` or `Pinned`, future and output are `Send + 'static`. A root's future is polled and
    /// dropped on one thread, and it and its output are gone before what they borrow; that of a
    /// pinned task is `'static`, may be moved until it was polled, and stays on one thread then.
    #[inline(always)]
    pub(crate) fn spawn<F: Future>(
        shared: &Arc<Shared>,
        worker: Option<&Worker>,
        future: impl FnOnce() -> F,
        birth: Birth,
    ) -> Result<(Self, Runnable), F> {
        match worker {
            // What gets by while the loop closes is found when this worker has been joined.
            Some(_) if shared.closed.get() => Err(future()),
            Some(worker) => {
                Ok(Self::place(future, birth, |class| worker.cells().take(shared, class)))
            }
            None => {
                // Under the lock: a loop that closes finds every task it did not refuse.
                let mut outside = shared.arena.outside();
                if outside.is_closed() && !loopwork_shim::weaken!("close-refuse") {
                    return Err(future());
                }
                Ok(Self::place(future, birth, |class| outside.take(shared, class)))
            }
        }
    }

    /// As [`RawTask::spawn`], from a thread that is no worker: all or none.
    pub(crate) fn spawn_all<F: Future>(
        shared: &Arc<Shared>,
        futures: Vec<F>,
        mut birth: impl FnMut() -> Birth,
    ) -> Result<Vec<(Self, Runnable)>, Vec<F>> {
        let mut outside = shared.arena.outside();
        if outside.is_closed() {
            return Err(futures);
        }
        let place =
            |future| Self::place(move || future, birth(), |class| outside.take(shared, class));
        Ok(futures.into_iter().map(place).collect())
    }

    #[inline(always)]
    fn place<F: Future>(
        future: impl FnOnce() -> F,
        birth: Birth,
        take: impl FnOnce(Class) -> NonNull<Header>,
    ) -> (Self, Runnable) {
        let header = take(const { cell::class::<F>() });
        // SAFETY: it was taken for this class, and holds no task.
        unsafe { cell::place(header, future(), birth) };
        // The word starts with two references, one of them the loop's, and one wake.
        // SAFETY: the first is this one's; the wake makes this the one `Runnable`.
        (Self(header), unsafe { Runnable::new(header) })
    }

    /// Takes over a reference.
    ///
    /// # Safety
    ///
    /// `header` is that of a task with the provenance of its chunk, and a reference is the
    /// caller's, or the caller sees to it that this is never dropped and does not outlive the task.
    #[inline]
    pub(crate) unsafe fn from_owned(header: NonNull<Header>) -> Self {
        Self(header)
    }

    /// One more reference to the task behind `header`, unless that is null.
    ///
    /// # Safety
    ///
    /// If not null, it is the header of a task that is alive, with the provenance of its chunk.
    pub(crate) unsafe fn from_header(header: *const Header) -> Option<Self> {
        let header = NonNull::new(header.cast_mut())?;
        Some(Self::clone(&ManuallyDrop::new(Self(header))))
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: by the invariant the task is alive while this reference is.
        unsafe { self.0.as_ref() }
    }

    /// Where the header is, with the provenance of the whole chunk.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *const Header {
        self.0.as_ptr()
    }

    #[inline]
    pub(super) fn pointer(&self) -> NonNull<Header> {
        self.0
    }

    pub(crate) fn ptr_eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        // SAFETY: the cell is not free while this lives.
        unsafe { arena::shared(self.0) }
    }

    /// Makes the `Runnable` that a wake has asked for, and puts it where it belongs.
    #[inline]
    pub(super) fn schedule(&self, origin: Origin) {
        // SAFETY: the wake that found none before it makes the one `Runnable`.
        let runnable = unsafe { Runnable::new(self.0) };
        self.shared().schedule(runnable, origin);
    }

    /// The name given, or asyncio's default.
    pub(crate) fn name(&self) -> String {
        let header = self.header();
        let given = header.aux.extension().and_then(|extension| {
            let trailer = extension.lock();
            trailer.name.as_deref().map(str::to_owned)
        });
        given.unwrap_or_else(|| format!("Task-{}", header.id()))
    }

    pub(crate) fn set_name(&self, name: &str) {
        self.header().aux.extend().lock().name = Some(name.into());
    }

    /// Runs `f` on the output slot, under the lock. `None` if the task has not ended.
    ///
    /// # Safety
    ///
    /// `T` is the output of the task's future.
    pub(crate) unsafe fn with_output<T, R>(
        &self,
        f: impl FnOnce(&mut Option<T>, Option<&(dyn Any + Send)>) -> R,
    ) -> Option<R> {
        let header = self.header();
        if !header.state.is_complete() {
            return None;
        }
        let trailer = header.aux.extend().lock();
        // SAFETY: the task has ended, and this holds the lock.
        let output = unsafe { (header.vtable.output)(self.0) }.cast::<Option<T>>();
        // SAFETY: `T` is the output's type by the caller's promise; the lock makes it exclusive.
        Some(f(unsafe { &mut *output }, trailer.clone_output.as_deref()))
    }

    /// As [`RawTask::with_output`], by somebody who looks at the output for the task's owner: it need
    /// not be reported as a failure.
    ///
    /// # Safety
    ///
    /// As for [`RawTask::with_output`].
    pub(crate) unsafe fn read_output<T, R>(
        &self,
        f: impl FnOnce(&mut Option<T>, Option<&(dyn Any + Send)>) -> R,
    ) -> Option<R> {
        // SAFETY: the caller's promise.
        let read = unsafe { self.with_output(f) };
        if read.is_some() {
            self.header().aux.extend().lock().failure = None;
        }
        read
    }

    /// From now on an output that `failure` finds to be one is reported, if nobody looks at it.
    ///
    /// `failure` takes an output of this task.
    pub(super) fn outputs_fail(&self, failure: FailureOf) {
        self.header().aux.extend().lock().failure = Some(failure);
    }

    /// Takes the value of a task that returned, without a lock. `None` if there is an extension,
    /// whose lock is needed then; `Some(None)` if it was taken before.
    ///
    /// # Safety
    ///
    /// `T` is the output of the task's future, and the caller has the only `Task` to itself.
    pub(super) unsafe fn take_alone<T>(&self) -> Option<Option<T>> {
        let header = self.header();
        if header.state.end() != Some(End::Returned) || header.aux.extension().is_some() {
            return None;
        }
        // SAFETY: the task has ended; what else reaches the slot was made through the `Task`, along
        // with an extension.
        let output = unsafe { (header.vtable.output)(self.0) }.cast::<Option<T>>();
        // SAFETY: `T` is the output's type by the caller's promise.
        Some(unsafe { (*output).take() })
    }

    /// A failure of this task need not be reported: somebody has looked, or nobody will care.
    pub(crate) fn ignore_failure(&self) {
        let mut trailer = self.header().aux.extend().lock();
        trailer.ignored = true;
        trailer.unseen = false;
    }

    /// From now on the lock guards the output, whoever reads it.
    pub(crate) fn share_slot(&self) {
        self.header().aux.extend();
    }

    /// One more `Task`. From now on the output stays in its slot when it is read.
    pub(crate) fn handle_inc<T: Clone + 'static>(&self) {
        let clone: fn(&T) -> T = T::clone;
        let mut trailer = self.header().aux.extend().lock();
        trailer.clone_output.get_or_insert_with(|| Box::new(clone));
        trailer.handles += 1;
    }

    /// What the drop of a `Task` does: gives up the handle and its reference.
    #[inline]
    pub(crate) fn drop_handle(self) {
        let header = self.header();
        if let Some(extension) = header.aux.extension() {
            let mut trailer = extension.lock();
            if trailer.handles > 0 {
                trailer.handles -= 1;
                drop(trailer);
                return;
            }
        }
        let task = ManuallyDrop::new(self);
        let state = &task.header().state;
        let was_in_hand =
            || current::with_worker(|worker| worker.is_some_and(|it| it.disclaim(&task)));
        if !state.is_complete() && (was_in_hand() || state.detach() == Detach::Detached) {
            return;
        }
        task.discard_output();
        // SAFETY: the reference of the handle is given up here, once.
        unsafe { task.give_up_ended() };
    }

    /// By who has its `Runnable`, and the only `Task`: as [`RawTask::drop_handle`], without an exchange. The handle and its
    /// reference go at the end.
    #[inline]
    pub(crate) fn disclaim(&self) {
        self.header().disclaim();
    }

    /// Drops an output that nobody wants, and reports a failure that nobody saw.
    #[inline]
    fn discard_output(&self) {
        let header = self.header();
        match header.aux.extension() {
            Some(extension) => self.discard_with(extension),
            None if header.vtable.needs_drop => {
                // SAFETY: the task has ended, and without an extension nobody else reaches the slot:
                // there is no `Task` any more, or this is the last.
                let failure = unsafe { (header.vtable.drop_output)(self.0, None) };
                debug_assert!(failure.is_none(), "an extension says what a failure is");
            }
            None => {}
        }
    }

    #[cold]
    fn discard_with(&self, extension: &Extension) {
        // SAFETY: the task has ended, and the lock is that of its extension.
        let failure = unsafe { (self.header().vtable.drop_output)(self.0, Some(extension)) };
        if let Some(error) = self.take_unseen().map(SharedError::new).or(failure) {
            self.report(format!("{} failed and nobody looked at its result", self.name()), error);
        }
    }

    /// The panic that nobody has seen: from now on it counts as seen.
    pub(super) fn take_unseen(&self) -> Option<Panicked> {
        let mut trailer = self.header().aux.extension()?.lock();
        let unseen = std::mem::take(&mut trailer.unseen);
        trailer.error.as_ref().filter(|_| unseen)?.panicked_with().cloned()
    }

    fn report(&self, message: String, error: impl Into<Box<dyn Error + Send + Sync>>) {
        let context = ExceptionContext::new(message).with_exception(error);
        self.shared().exceptions.call(&context.with_task(AnyTask::new(self.clone())));
    }

    /// Ends the task: this thread owned its future, which is gone, the output in its slot. Gives
    /// up the loop's reference, or leaves it to a stale `Runnable`.
    ///
    /// # Safety
    ///
    /// The caller does not touch the task any more, unless by a reference of its own.
    pub(super) unsafe fn complete(&self, ended: Ended, by: By) {
        let header = self.header();
        let end = match ended {
            Ended::Returned => End::Returned,
            Ended::Cancelled => End::Cancelled,
            Ended::Panicked(error) => {
                let mut trailer = header.aux.extend().lock();
                trailer.unseen = !trailer.ignored;
                trailer.error = Some(error);
                End::Panicked
            }
        };
        let completed = header.state.complete(end, by, header.is_disclaimed());
        let Completed::Pending { wanted, watched, stale } = completed else {
            return;
        };
        if watched {
            self.wake_watchers(end == End::Returned);
        }
        if !wanted {
            self.discard_output();
        }
        if !stale {
            // SAFETY: the loop's reference is given up here, once.
            unsafe { self.give_up_ended() };
        }
    }

    fn wake_watchers(&self, returned: bool) {
        self.tell_watchers(|watcher| {
            // Unwind: a foreign waker may panic; the others must still hear of the end.
            let told = catch_unwind(AssertUnwindSafe(|| match watcher {
                Watcher::Waker(waker) => match waker::task(&waker) {
                    Some(task) => {
                        std::mem::forget(waker);
                        ManuallyDrop::into_inner(task).wake_and_drop(Origin::Join);
                    }
                    None => current::while_ending(|| waker.wake()),
                },
                Watcher::Hook(hook) => current::while_ending(|| hook(returned)),
            }));
            if let Err(payload) = told {
                // SAFETY: the task is alive: its reference is given up later.
                unsafe { report_destructor(self.0, payload) };
            }
        });
    }

    /// How the task ended, if it has ended and did not return a value.
    pub(crate) fn error(&self) -> Option<TaskError> {
        let header = self.header();
        match header.state.end()? {
            End::Returned => None,
            End::Cancelled => {
                let extension = header.aux.extension();
                let reason = extension.and_then(|extension| extension.lock().requests.ended_by());
                Some(TaskError::cancelled(reason))
            }
            End::Panicked => header.aux.extension()?.lock().error.clone(),
        }
    }

    #[inline]
    pub(crate) fn cancelled(&self) -> bool {
        self.header().state.end() == Some(End::Cancelled)
    }

    /// Ends the task as cancelled from outside, dropping its future here, unless it has ended. The
    /// caller knows that nobody polls the task, and that nobody will.
    pub(crate) fn shut_down(&self) {
        let header = self.header();
        if header.state.is_complete() {
            return;
        }
        // SAFETY: nobody polls the task, so that the future is this thread's.
        unsafe { (header.vtable.cancel)(self.0) };
        // SAFETY: `self` keeps the task alive.
        unsafe { self.complete(Ended::Cancelled, By::Other) };
    }

    /// Drops this reference of a task that has ended: without a write if it is the last.
    pub(super) fn drop_ended(self) {
        let task = ManuallyDrop::new(self);
        // SAFETY: not dropped otherwise.
        unsafe { task.give_up_ended() };
    }

    /// Gives up a reference of a task that has ended.
    ///
    /// # Safety
    ///
    /// The reference is the caller's.
    #[inline]
    unsafe fn give_up_ended(&self) {
        if self.header().state.ref_dec_ended() {
            // SAFETY: that was the last reference.
            unsafe { self.free() };
        }
    }

    /// # Safety
    ///
    /// The last reference was the caller's.
    pub(super) unsafe fn free(&self) {
        // SAFETY: passed on; the output went with the last handle, or at the end without one.
        unsafe { cell::free(self.0) };
    }
}

impl Clone for RawTask {
    fn clone(&self) -> Self {
        self.header().state.ref_inc();
        Self(self.0)
    }
}

impl Drop for RawTask {
    fn drop(&mut self) {
        if self.header().state.ref_dec() {
            // SAFETY: that was the last reference.
            unsafe { self.free() };
        }
    }
}

impl fmt::Debug for RawTask {
    /// How it is, for people: name, place, and what it waits for or how it ended.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header();
        let mut debug = f.debug_struct("Task");
        debug.field("name", &self.name()).field("state", &header.phase());
        match header.state.end() {
            None => {
                debug.field("outcome", &format_args!("pending"));
                if let Some(reason) = header.waits_for() {
                    debug.field("waits_for", &format_args!("{reason}"));
                }
                match self.cancelling() {
                    0 => {}
                    requests => _ = debug.field("cancelling", &requests),
                }
            }
            Some(end) => {
                let outcome = match (end, self.error()) {
                    (End::Returned, _) => "returned".to_owned(),
                    (_, Some(error)) => error.outcome(),
                    (_, None) => "ended".to_owned(),
                };
                debug.field("outcome", &format_args!("{outcome}"));
            }
        }
        debug.field("spawned", &format_args!("{}", header.location)).finish()
    }
}

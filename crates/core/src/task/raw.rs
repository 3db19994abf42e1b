//! Counted references to a task, without its type: what queues, registries and wakers hold.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, RawWaker, RawWakerVTable, Waker};

use loopwork_shim::weaken;

use super::cell;
use super::error::TaskError;
use super::header::{Header, Kind, TaskId, WatchId, Watcher};
use super::state::{Claim, FinishPending, StartPoll, Wake};
use crate::exception::{ExceptionContext, report_destructor};
use crate::scheduler::{Origin, Shared};

/// One reference to a task.
///
/// Invariant: the pointer came from `cell::allocate`, and the word counts this reference.
pub(crate) struct RawTask(NonNull<Header>);

// SAFETY: `Header` is shared safely: its word is atomic, its trailer is behind a lock, its link
// belongs to the one `Runnable`, and the rest never changes. The future is reached only by the owner of `RUNNING`, and is `Send` unless its task is
// a root, which only worker 0's thread polls and drops. The output is `Send` for the same reason.
unsafe impl Send for RawTask {}
// SAFETY: as for `Send`; a shared reference gives no more than a clone would.
unsafe impl Sync for RawTask {}

/// What [`RawTask::allocate`] needs besides the future.
pub(crate) struct Birth {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: TaskId,
    pub(crate) kind: Kind,
    pub(crate) shard: usize,
    pub(crate) location: &'static Location<'static>,
    pub(crate) name: Option<Box<str>>,
}

/// What came of running a [`Runnable`] once.
#[must_use]
pub(crate) enum Ran {
    /// It was woken meanwhile: put it back.
    Again(Runnable),
    /// The task waits, or has ended.
    Done,
}

impl RawTask {
    /// A new task: the reference of its `Task`, that of the registry, and its `Runnable`.
    ///
    /// The caller answers for what the type system cannot see here: unless `birth.kind` is
    /// `Root`, future and output are `Send + 'static`; if it is, the future is polled and dropped
    /// on one thread, and it and its output are gone before what they borrow.
    pub(crate) fn allocate<F: Future>(future: F, birth: Birth) -> (Self, Self, Runnable) {
        let Birth { shared, id, kind, shard, location, name } = birth;
        let header = cell::allocate(future, |vtable| {
            Header::new(vtable, shared, id, kind, shard, location, name)
        });
        // The word starts with these three references.
        (Self(header), Self(header), Runnable(ManuallyDrop::new(Self(header))))
    }

    /// Undoes [`RawTask::allocate`] before anybody has seen the task.
    ///
    /// # Safety
    ///
    /// `F` is the future's type, and the three are all the references there are.
    pub(crate) unsafe fn dismantle<F: Future>(task: Self, other: Self, runnable: Runnable) -> F {
        let header = task.0;
        std::mem::forget((task, other, runnable));
        // SAFETY: the caller's promise, passed on.
        unsafe { cell::dismantle::<F>(header) }
    }

    /// One more reference to the task behind `header`, unless that is null.
    ///
    /// # Safety
    ///
    /// If not null, it is the header of a task that is alive, with the provenance of its cell.
    pub(crate) unsafe fn from_header(header: *const Header) -> Option<Self> {
        let header = NonNull::new(header.cast_mut())?;
        Some(Self::clone(&ManuallyDrop::new(Self(header))))
    }

    pub(crate) fn header(&self) -> &Header {
        // SAFETY: by the invariant the task is alive while this reference is.
        unsafe { self.0.as_ref() }
    }

    /// Where the header is, with the provenance of the whole cell.
    pub(crate) fn as_ptr(&self) -> *const Header {
        self.0.as_ptr()
    }

    pub(crate) fn ptr_eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.header().shared
    }

    /// The name given, or asyncio's default.
    pub(crate) fn name(&self) -> String {
        let header = self.header();
        match &header.trailer.lock().name {
            Some(name) => name.to_string(),
            None => format!("Task-{}", header.id),
        }
    }

    pub(crate) fn set_name(&self, name: &str) {
        self.header().trailer.lock().name = Some(name.into());
    }

    pub(crate) fn wake(&self) {
        self.act_on(self.header().state.wake());
    }

    /// Requests cancellation. True if the task had not ended.
    pub(crate) fn cancel(&self) -> bool {
        let wake = self.header().state.cancel();
        let accepted = wake != Wake::Ended;
        self.act_on(wake);
        accepted
    }

    fn act_on(&self, wake: Wake) {
        if wake == Wake::Schedule {
            // The word counted this reference in the transition.
            let runnable = Runnable(ManuallyDrop::new(Self(self.0)));
            self.shared().schedule(runnable, Origin::Wake);
        }
    }

    /// Registers for the end. `Err` gives the watcher back: the task has ended.
    pub(crate) fn watch(&self, watcher: Watcher) -> Result<WatchId, Watcher> {
        let header = self.header();
        if header.state.is_complete() {
            return Err(watcher);
        }
        let mut trailer = header.trailer.lock();
        let id = trailer.push(watcher);
        if header.state.watch() {
            if let Some(watcher) = trailer.remove(id) {
                return Err(watcher);
            }
        }
        Ok(id)
    }

    /// Keeps an earlier registration up to date. `Err`: the task has ended.
    pub(crate) fn rewatch(&self, id: WatchId, waker: &Waker) -> Result<(), ()> {
        let header = self.header();
        if header.state.is_complete() {
            return Err(());
        }
        let mut trailer = header.trailer.lock();
        let Some(Watcher::Waker(known)) = trailer.find(id) else {
            // The end has taken it, and wakes the waker that was known until now: the new one has
            // to hear of it here.
            return weaken!("task-rewatch", Err(()) => Ok(()));
        };
        if known.will_wake(waker) {
            return Ok(());
        }
        let replaced = std::mem::replace(known, waker.clone());
        drop(trailer);
        drop(replaced);
        Ok(())
    }

    pub(crate) fn unwatch(&self, id: WatchId) {
        let removed = self.header().trailer.lock().remove(id);
        drop(removed);
    }

    /// Runs `f` on the output slot, under the lock. `None` if the task has not ended.
    ///
    /// # Safety
    ///
    /// `T` is the output of the task's future.
    pub(crate) unsafe fn with_output<T, R>(
        &self,
        f: impl FnOnce(&mut Option<Result<T, TaskError>>, Option<&(dyn Any + Send)>) -> R,
    ) -> Option<R> {
        let header = self.header();
        if !header.state.is_complete() {
            return None;
        }
        let trailer = header.trailer.lock();
        // SAFETY: the task has ended, and this holds the lock.
        let output =
            unsafe { (header.vtable.output)(self.0) }.cast::<Option<Result<T, TaskError>>>();
        // SAFETY: `T` is the output's type by the caller's promise; the lock makes it exclusive.
        Some(f(unsafe { &mut *output }, trailer.clone_output.as_deref()))
    }

    /// A failure of this task need not be reported: somebody has looked, or nobody will care.
    pub(crate) fn ignore_failure(&self) {
        let mut trailer = self.header().trailer.lock();
        trailer.ignored = true;
        trailer.unseen = false;
    }

    /// From now on the output stays in its slot when it is read.
    pub(crate) fn share_output<T: Clone + 'static>(&self) {
        let clone: fn(&T) -> T = T::clone;
        self.header().trailer.lock().clone_output.get_or_insert_with(|| Box::new(clone));
    }

    pub(crate) fn handle_inc(&self) {
        self.header().handle_inc();
    }

    /// What the drop of a `Task` does, besides giving its reference up.
    pub(crate) fn drop_handle(&self) {
        let header = self.header();
        if header.handle_dec() && header.state.drop_handle() {
            self.discard_output();
        }
    }

    /// Drops an output that nobody wants, and reports a failure that nobody saw.
    fn discard_output(&self) {
        let header = self.header();
        // SAFETY: the task has ended.
        unsafe { (header.vtable.drop_output)(self.0) };
        let unseen = {
            let mut trailer = header.trailer.lock();
            let unseen = std::mem::take(&mut trailer.unseen);
            trailer.error.clone().filter(|_| unseen)
        };
        if let Some(error) = unseen {
            header.shared.exceptions.call(&ExceptionContext::task(
                format!("{} failed and nobody looked at its result", self.name()),
                error.message(),
                self,
            ));
        }
    }

    /// Ends the task: its output is in the slot, and this thread owned its future.
    fn complete(&self) {
        let header = self.header();
        // SAFETY: this thread owns the future, so the slot as well, until `complete`.
        let error = unsafe { (header.vtable.error)(self.0) };
        let returned = error.is_none();
        if let Some(error) = error {
            let mut trailer = header.trailer.lock();
            trailer.unseen = error.is_panic() && !trailer.ignored;
            trailer.error = Some(error);
        }
        let completed = header.state.complete();
        header.shared.registry.remove(header);
        if completed.watched {
            let watchers = header.trailer.lock().take_watchers();
            for watcher in watchers {
                // Unwind: a foreign waker may panic; the others must still hear of the end.
                let called = catch_unwind(AssertUnwindSafe(|| match watcher {
                    Watcher::Waker(waker) => waker.wake(),
                    Watcher::Hook(hook) => hook(returned),
                }));
                if let Err(payload) = called {
                    report_destructor(header, payload);
                }
            }
        }
        if !completed.wanted {
            self.discard_output();
        }
    }

    /// How the task ended, if it has ended and did not return a value.
    pub(crate) fn error(&self) -> Option<TaskError> {
        let header = self.header();
        if !header.state.is_complete() {
            return None;
        }
        header.trailer.lock().error.clone()
    }

    /// Ends the task as cancelled from outside, dropping its future here. True if a `Runnable` of
    /// it is in a queue or on its way there. The caller knows that nobody polls the task.
    pub(crate) fn shut_down(&self) -> bool {
        match self.header().state.claim() {
            Claim::Ended => false,
            Claim::Claimed { scheduled } => {
                // SAFETY: `claim` made this thread the owner of the future.
                unsafe { (self.header().vtable.cancel)(self.0) };
                self.complete();
                scheduled
            }
        }
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
            unsafe { (self.header().vtable.free)(self.0) };
        }
    }
}

impl fmt::Debug for RawTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header();
        let outcome = match self.error() {
            _ if !header.state.is_complete() => "pending",
            None => "returned",
            Some(error) if error.is_cancelled() => "cancelled",
            Some(_) => "panicked",
        };
        f.debug_struct("Task")
            .field("name", &self.name())
            .field("state", &header.state.phase())
            .field("outcome", &format_args!("{outcome}"))
            .field("spawned", &format_args!("{}", header.location))
            .finish()
    }
}

/// The right to poll a task once: what the run queues hold. At most one exists of each task.
#[derive(Debug)]
pub(crate) struct Runnable(ManuallyDrop<RawTask>);

impl Runnable {
    pub(crate) fn task(&self) -> &RawTask {
        &self.0
    }

    /// Links `next` behind this in a chain. What was linked before has been taken.
    pub(super) fn link(&self, next: Option<Self>) {
        let next = next.map(|next| ManuallyDrop::new(next).task().0);
        self.task().header().link.with_mut(|link| {
            // SAFETY: the link belongs to whoever has the `Runnable`, and there is one of each task.
            unsafe { *link = next };
        });
    }

    /// What is linked behind this.
    pub(super) fn take_link(&self) -> Option<Self> {
        // SAFETY: as in `link`.
        let next = self.task().header().link.with_mut(|link| unsafe { (*link).take() });
        next.map(|next| Self(ManuallyDrop::new(RawTask(next))))
    }

    /// Names this without owning it.
    pub(super) fn unowned(&self) -> Unowned {
        Unowned(self.task().0)
    }

    /// The one word it is; see [`Runnable::from_ptr`].
    pub(super) fn into_ptr(self) -> *mut Header {
        ManuallyDrop::new(self).task().0.as_ptr()
    }

    /// Undoes [`Runnable::into_ptr`], once.
    ///
    /// # Safety
    ///
    /// If not null, `ptr` came from `into_ptr`, and nobody else does this with it.
    pub(super) unsafe fn from_ptr(ptr: *mut Header) -> Option<Self> {
        NonNull::new(ptr).map(|header| Self(ManuallyDrop::new(RawTask(header))))
    }

    /// Polls the task once, on this thread, and does what follows from it.
    pub(crate) fn run(self) -> Ran {
        let header = self.task().header();
        let StartPoll::Poll { cancel } = header.state.start_poll() else {
            self.give_up();
            return Ran::Done;
        };
        let poll = loopwork_context::Poll::enter(cancel);
        let waker = self.borrowed_waker();
        // SAFETY: `start_poll` made this thread the owner of the future.
        let mut ended =
            unsafe { (header.vtable.poll)(self.task().0, &mut Context::from_waker(&waker)) };
        if poll.leave() && !ended {
            // Nobody inside took the request: the task drops what it owns.
            // SAFETY: still the owner.
            unsafe { (header.vtable.cancel)(self.task().0) };
            ended = true;
        }
        if ended {
            self.task().complete();
            self.give_up();
            return Ran::Done;
        }
        match header.state.finish_pending() {
            FinishPending::Again => Ran::Again(self),
            FinishPending::Idle => {
                // `finish_pending` gave the reference up; the task may be gone already.
                std::mem::forget(self);
                Ran::Done
            }
        }
    }

    /// The waker of a poll: it borrows this reference instead of counting one.
    fn borrowed_waker(&self) -> ManuallyDrop<Waker> {
        let data = self.task().0.as_ptr().cast_const().cast();
        // SAFETY: `data` is valid for the functions of `WAKER` while `self` lives, which is longer
        // than the poll; not being dropped, it gives up no reference it does not have.
        ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(data, &WAKER)) })
    }

    fn give_up(mut self) {
        // SAFETY: `self` is forgotten below, so the reference is dropped once.
        unsafe { ManuallyDrop::drop(&mut self.0) };
        std::mem::forget(self);
    }
}

/// Names a `Runnable` that a chain owns.
#[derive(Clone, Copy)]
pub(super) struct Unowned(NonNull<Header>);

// SAFETY: it is a name; to follow it is `unsafe`.
unsafe impl Send for Unowned {}

impl Unowned {
    /// Links `next` behind it.
    ///
    /// # Safety
    ///
    /// The `Runnable` that this names is in a chain of the caller's, and nothing is behind it.
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
        if !self.task().shut_down() {
            // It had ended. `start_poll` marks the stale `Runnable` as collected.
            let _ended = self.task().header().state.start_poll();
        }
        // SAFETY: dropped once: this is the destructor.
        unsafe { ManuallyDrop::drop(&mut self.0) };
    }
}

/// The waker of every task: its data pointer is a counted reference to the header.
static WAKER: RawWakerVTable = RawWakerVTable::new(
    |data| {
        // SAFETY: see `borrow`.
        let task = unsafe { borrow(data) };
        let clone = ManuallyDrop::new(RawTask::clone(&task));
        RawWaker::new(clone.0.as_ptr().cast_const().cast(), &WAKER)
    },
    |data| {
        // SAFETY: `wake` consumes the waker and with it the reference, which `task` now is.
        let task = ManuallyDrop::into_inner(unsafe { borrow(data) });
        task.wake();
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
pub fn is_task_waker(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &raw const WAKER)
}

/// The task behind a waker's data, without counting.
///
/// # Safety
///
/// `data` belongs to a live waker made with `WAKER`.
unsafe fn borrow(data: *const ()) -> ManuallyDrop<RawTask> {
    // SAFETY: wakers are made from the non-null header of a task whose reference they hold.
    let header = unsafe { NonNull::new_unchecked(data.cast_mut().cast::<Header>()) };
    ManuallyDrop::new(RawTask(header))
}

//! `Task<T>`: what spawning gives.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;

use loopwork_context::{CancelReason, Request, WaitReason};

use super::any::AnyTask;
use super::error::TaskError;
use super::extension::{WatchId, Watcher};
use super::header::{TaskId, TaskState};
use super::join::JoinMut;
use super::raw::RawTask;
use super::state::End;
use super::told::Told;
use crate::callback::{CallHandle, Callback};
use crate::shared_error::SharedError;

/// A spawned task: await it for its output, cancel it, ask how it is.
///
/// The loop keeps a task alive until it ends, whether or not anybody holds its `Task`. Dropping
/// the `Task` detaches it: the task runs on, and its output is dropped. A detached task that
/// panics is reported to the loop's exception handler.
///
/// Awaiting gives `Result<T, TaskError>`: an error if the task panicked or was cancelled. It works
/// on any executor. When the awaiting task is cancelled, the request is forwarded to the task it
/// awaits, as in asyncio; when the await is merely dropped, nothing is cancelled. Awaiting moves
/// the value out, once. If `T: Clone` a `Task` can be cloned, and then each reader gets a clone.
///
/// `Task` is not itself a future but becomes one ([`IntoFuture`]): so `gather` and `ensure_future`
/// can tell a task from a future that still has to become one.
///
/// A task that awaits itself panics: it would wait for ever.
///
/// asyncio: `Task`. Its loop holds tasks weakly, so that one which nobody else holds may vanish; and a
/// failure is reported whenever its garbage is collected. Here neither is left to chance.
#[doc(alias = "asyncio.Task")]
#[must_use = "a task runs on when its handle is dropped; `drop` it to say that this is meant"]
pub struct Task<T> {
    // Its reference goes with the handle, in one write.
    raw: ManuallyDrop<RawTask>,
    // The value stays in the task's cell: a handle only moves values of type `T`.
    output: PhantomData<fn() -> T>,
}

impl<T> Task<T> {
    /// Takes over one reference and one handle count. `T` is the output of the task's future.
    #[inline]
    pub(crate) fn new(raw: RawTask) -> Self {
        Self { raw: ManuallyDrop::new(raw), output: PhantomData }
    }

    #[inline]
    pub(crate) fn raw(&self) -> &RawTask {
        &self.raw
    }

    /// Identifies the task within its loop.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.raw.header().id()
    }

    /// The task's name: `Task-<id>` unless one was set.
    ///
    /// asyncio: `Task.get_name`.
    #[doc(alias = "get_name")]
    #[must_use]
    pub fn name(&self) -> String {
        self.raw.name()
    }

    /// Names the task.
    ///
    /// asyncio: `Task.set_name`.
    pub fn set_name(&self, name: &str) {
        self.raw.set_name(name);
    }

    /// Where the task was spawned.
    #[must_use]
    pub fn spawn_location(&self) -> &'static Location<'static> {
        self.raw.header().location
    }

    /// Where the task is in its life.
    ///
    /// asyncio: `inspect.getcoroutinestate`.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.raw.header().phase()
    }

    /// What the task waits for, as far as what it waits in says so. None unless it waits.
    #[must_use]
    pub fn waits_for(&self) -> Option<WaitReason> {
        self.raw.header().waits_for()
    }

    /// Requests cancellation. True if the task had not ended, so that the request stands.
    ///
    /// The request is delivered when the task is polled next and its future is still pending: to the
    /// innermost [`catch_cancel`](loopwork_context::catch_cancel) around its wait, or, while it awaits
    /// another task, to that one. If nobody takes it, the future is dropped and the task ends
    /// cancelled. A task always starts: one that is cancelled before its first poll is still polled
    /// once. One that returns in that poll has finished, not been cancelled. Repeated requests before
    /// delivery count once.
    ///
    /// A request that finds the task waiting comes before whatever the task waits for and has not got
    /// yet: a result that comes later is not taken, and goes to another.
    ///
    /// asyncio: `Task.cancel`. There a task that has not begun never does, one that returns in the same
    /// moment loses its value, and so does a wait whose result has just come.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.raw.cancel(CancelReason::unspoken())
    }

    /// Requests cancellation, and says why: whoever catches it, or awaits the task, can read it. A
    /// task that has had a reason's request ignores it when the same one comes again.
    ///
    /// asyncio: `Task.cancel(msg)`.
    ///
    /// ```
    /// # async fn example(task: loopwork_core::Task<u32>) {
    /// task.cancel_with("the user has left");
    /// let error = task.await.unwrap_err();
    /// assert_eq!(error.to_string(), "the task was cancelled: the user has left");
    /// # }
    /// ```
    #[track_caller]
    pub fn cancel_with(&self, reason: impl Into<CancelReason>) -> bool {
        self.raw.cancel(reason.into())
    }

    /// Requests cancellation, and waits until the task has ended, however it does.
    ///
    /// The future is not itself cancelled thereby. A request to the task that awaits it is forwarded,
    /// as by any await of a task; dropping the future stops waiting.
    ///
    /// # Errors
    ///
    /// As for awaiting the task: usually that it was cancelled. A task that refused, or had ended by
    /// then, gives its value.
    ///
    /// asyncio: `task.cancel()`, and then `await task` inside a `try`.
    #[track_caller]
    pub fn cancel_and_wait(&mut self) -> JoinMut<'_, T> {
        self.cancel();
        self.join()
    }

    /// How many requests stand: accepted, and neither swallowed by a catcher nor taken back.
    ///
    /// For those who know asyncio. Who cancelled is told by the reason and by which scope reports
    /// it, not by this count.
    ///
    /// asyncio: `Task.cancelling`.
    #[must_use]
    pub fn cancelling(&self) -> usize {
        self.raw.cancelling()
    }

    /// Takes one request back, and gives how many are left. At zero, a request that was not delivered
    /// yet is not delivered any more.
    ///
    /// asyncio: `Task.uncancel`.
    pub fn uncancel(&self) -> usize {
        self.raw.uncancel(1)
    }

    /// Whether the task has ended: returned, panicked or cancelled.
    ///
    /// asyncio: `Task.done`.
    #[must_use]
    #[inline]
    pub fn done(&self) -> bool {
        self.raw.header().state.is_complete()
    }

    /// Whether the task ended cancelled.
    ///
    /// asyncio: `Task.cancelled`.
    #[must_use]
    #[inline]
    pub fn cancelled(&self) -> bool {
        self.raw.cancelled()
    }

    /// The panic the task failed with, or `None` if it returned.
    ///
    /// Looking at a panic counts as having seen it: it is not reported again.
    ///
    /// # Errors
    ///
    /// If the task has not ended, or was cancelled.
    ///
    /// asyncio: `Task.exception`.
    pub fn exception(&self) -> Result<Option<TaskError>, TaskError> {
        if !self.done() {
            return Err(TaskError::not_done());
        }
        match self.raw.error() {
            None => Ok(None),
            Some(error) if error.is_cancelled() => Err(error),
            Some(error) => {
                self.raw.ignore_failure();
                Ok(Some(error))
            }
        }
    }

    /// The task without its type.
    #[must_use]
    pub fn as_any(&self) -> AnyTask {
        AnyTask::new(RawTask::clone(&self.raw))
    }

    /// Passes a request on, with its reason. True if the task had not ended.
    #[doc(hidden)]
    pub fn forward(&self, request: &Request) -> bool {
        self.raw.forward(request)
    }

    /// Of a task that has ended, and not cancelled: whether that was its answer to a request, which
    /// something in it had taken. Otherwise it has ended by itself.
    #[doc(hidden)]
    #[must_use]
    pub fn has_answered(&self) -> bool {
        self.raw.has_answered()
    }

    /// [`Looker::on_end`].
    #[doc(hidden)]
    pub fn on_end(&self, hook: impl FnOnce(bool) + Send + 'static) -> Option<Watch> {
        self.looker().on_end(hook)
    }

    /// Has `told` told of the end: now, if that was before.
    #[doc(hidden)]
    pub fn tell(&self, told: impl Told) -> Option<Watch> {
        let tell = move |returned| told.ended(returned, true);
        match self.raw.header().state.end() {
            Some(end) => {
                tell(end == End::Returned);
                None
            }
            None => self.on_end(tell),
        }
    }

    /// What a hook may look at the task with. It does not count as a handle.
    #[doc(hidden)]
    #[must_use]
    pub fn looker(&self) -> Looker<T> {
        self.raw.share_slot();
        Looker { raw: RawTask::clone(&self.raw), output: PhantomData }
    }

    /// Failures of this task are of no interest: they are not reported.
    #[doc(hidden)]
    pub fn ignore_failure(&self) {
        self.raw.ignore_failure();
    }

    /// The output, moved out even if it is shared. `NotDone` and `Taken` are errors.
    #[doc(hidden)]
    pub fn take_result(&self) -> Result<T, TaskError> {
        // SAFETY: `Task<T>` is only made for tasks whose output is `T`.
        let output = unsafe { self.raw.read_output::<T, _>(|output, _| output.take()) };
        self.settle(output)
    }

    /// What was found in the slot, as a result. A failure that is given out has been seen.
    fn settle(&self, output: Option<Option<T>>) -> Result<T, TaskError> {
        match output {
            None => Err(TaskError::not_done()),
            Some(Some(value)) => Ok(value),
            Some(None) => {
                let error = self.raw.error();
                if error.as_ref().is_some_and(TaskError::is_panic) {
                    self.raw.ignore_failure();
                }
                Err(error.unwrap_or_else(TaskError::taken))
            }
        }
    }
}

impl<T: 'static> Task<T> {
    /// The output of a task that has ended: cloned if it is shared, else moved out.
    #[doc(hidden)]
    pub fn take_shared(&self) -> Result<T, TaskError> {
        // SAFETY: `Task<T>` is only made for tasks whose output is `T`.
        let cloned = unsafe {
            self.raw.read_output::<T, _>(|output, clone| {
                let clone = clone?.downcast_ref::<fn(&T) -> T>()?;
                output.as_ref().map(clone)
            })
        };
        match cloned.flatten() {
            Some(value) => Ok(value),
            None => self.take_result(),
        }
    }

    /// The output of a task that has ended, by the handle that awaits it.
    #[doc(hidden)]
    #[inline]
    pub fn take_joined(&mut self) -> Result<T, TaskError> {
        // SAFETY: `Task<T>` is only made for tasks whose output is `T`, and this one is borrowed
        // uniquely; if it is not the only one, there is an extension.
        match unsafe { self.raw.take_alone::<T>() } {
            Some(value) => value.ok_or_else(TaskError::taken),
            None => self.take_shared(),
        }
    }
}

impl<T, E> Task<Result<T, E>>
where
    T: 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    /// Has an `Err` count as a failure, as a panic does: if nobody looks at it, it is reported to the
    /// loop's exception handler when the last handle is dropped, or when the task ends without one.
    ///
    /// Looking is awaiting the task, and asking for its result. What `gather` leaves behind after
    /// its first failure is not reported. The children of a group need this not: the group has their
    /// errors.
    ///
    /// asyncio: every task is so.
    ///
    /// ```
    /// # use loopwork_core::{Builder, Handle, SleepDriver};
    /// # async fn flush() -> Result<(), std::io::Error> { Ok(()) }
    /// # Builder::new().build(SleepDriver::new()).unwrap().block_on(async {
    /// # let handle = Handle::current().unwrap();
    /// // Nobody waits for it; but that it failed is to be known.
    /// drop(handle.spawn(flush()).errors_fail());
    /// # }).unwrap();
    /// ```
    pub fn errors_fail(self) -> Self {
        self.raw.outputs_fail(error_of::<T, E>);
        self
    }
}

/// The error of an output, which is gone then.
///
/// # Safety
///
/// `output` is an `Option<Result<T, E>>`, and the caller's.
unsafe fn error_of<T, E>(output: *mut ()) -> Option<SharedError>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    // SAFETY: the caller's promise.
    let output = unsafe { &mut *output.cast::<Option<Result<T, E>>>() };
    output.take()?.err().map(SharedError::new)
}

impl<T: Clone + 'static> Task<T> {
    /// A clone of the task's value.
    ///
    /// `T::clone` runs under the task's lock, and must not use the task.
    ///
    /// # Errors
    ///
    /// If the task has not ended, was cancelled or panicked, or if its value was moved out.
    ///
    /// asyncio: `Task.result`.
    pub fn result(&self) -> Result<T, TaskError> {
        // SAFETY: `Task<T>` is only made for tasks whose output is `T`.
        let output = unsafe { self.raw.read_output::<T, _>(|output, _| output.clone()) };
        self.settle(output)
    }

    /// Calls `callback` with the task once it has ended, in the loop's callback order: after the
    /// callbacks that became due before it, never beside another one. If the task has ended, the
    /// callback is due now.
    ///
    /// The handle that is returned cancels the callback. If the loop is closed before the callback
    /// could run, it is dropped, and its handle says that it was cancelled. A callback that panics is
    /// reported to the exception handler.
    ///
    /// asyncio: `Task.add_done_callback`; `remove_done_callback` is [`CallHandle::cancel`].
    ///
    /// ```
    /// # fn example(task: &loopwork_core::Task<u32>) {
    /// task.add_done_callback(|task| println!("{:?}", task.result()));
    /// # }
    /// ```
    #[doc(alias = "remove_done_callback")]
    pub fn add_done_callback(&self, callback: impl FnOnce(&Self) + Send + 'static) -> CallHandle {
        let task = self.clone();
        let (callback, handle) = Callback::new(move || callback(&task));
        let shared = self.raw.shared().clone();
        self.on_end(move |_| {
            // A closed loop gives the callback back: nobody is left to run it.
            if let Err(callback) = shared.call_soon(callback) {
                callback.cancel();
            }
        });
        handle
    }
}

impl<T: Clone + 'static> Clone for Task<T> {
    /// Another handle. From now on readers get clones of the value instead of the value itself.
    fn clone(&self) -> Self {
        self.raw.handle_inc::<T>();
        Self::new(RawTask::clone(&self.raw))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        // SAFETY: dropped once: this is the destructor.
        unsafe { ManuallyDrop::take(&mut self.raw) }.drop_handle();
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.raw, f)
    }
}

/// Looks at how a task ended, from inside its hooks.
#[doc(hidden)]
#[derive(Debug)]
pub struct Looker<T> {
    raw: RawTask,
    output: PhantomData<fn() -> T>,
}

impl<T> Looker<T> {
    /// Calls `hook` once the task has ended, on the thread that ends it, or here if it has ended.
    /// It is told whether the task returned a value.
    ///
    /// For combinators: `hook` must be short, and must neither block nor run anybody's code.
    pub fn on_end(&self, hook: impl FnOnce(bool) + Send + 'static) -> Option<Watch> {
        match self.raw.watch(Watcher::Hook(Box::new(hook))) {
            Ok(id) => Some(Watch { task: self.raw.clone(), id }),
            Err(Watcher::Hook(hook)) => {
                hook(self.raw.error().is_none());
                None
            }
            Err(Watcher::Waker(_)) => unreachable!("`watch` gives back what it was given"),
        }
    }

    /// Whether the task ended cancelled.
    #[must_use]
    #[inline]
    pub fn cancelled(&self) -> bool {
        self.raw.cancelled()
    }

    /// Whether the task's value is in its place, and `test` holds for it.
    pub fn value_is(&self, test: impl FnOnce(&T) -> bool) -> bool {
        // SAFETY: a `Looker<T>` comes from a `Task<T>`, whose output is `T`.
        let holds =
            unsafe { self.raw.with_output::<T, _>(|output, _| output.as_ref().is_some_and(test)) };
        holds.unwrap_or(false)
    }
}

/// A registration made with `Task::on_end`; dropping it keeps it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Watch {
    task: RawTask,
    id: WatchId,
}

impl Watch {
    /// Takes the registration back, if it has not fired.
    pub fn remove(self) {
        self.task.unwatch(self.id);
    }
}

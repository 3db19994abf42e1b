//! Which worker this thread is, if it is one.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use crate::scheduler::{Origin, Shared, Worker};
use crate::task::{AnyTask, CURRENT_TASK, Kind, RawTask};

loopwork_shim::thread_local! {
    /// The worker that runs on this thread. Invariant: null, or set by an `Entered` that lives, and
    /// then its worker outlives it. An `Away` hides it for a time.
    static WORKER: Cell<*const Worker> = Cell::new(ptr::null())
}

loopwork_shim::thread_local! {
    /// Whether this thread tells those who wait for the end of a task.
    static ENDING: Cell<bool> = Cell::new(false)
}

/// While this lives, its thread is the worker it was made with.
#[must_use]
pub(crate) struct Entered<'a>(PhantomData<&'a Worker>);

impl<'a> Entered<'a> {
    /// None if the thread is a worker already, of whichever loop.
    pub(crate) fn new(worker: &'a Worker) -> Option<Self> {
        WORKER.with(|current| {
            current.get().is_null().then(|| {
                current.set(worker);
                loopwork_context::install(CURRENT_TASK);
                Self(PhantomData)
            })
        })
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        WORKER.with(|current| current.set(ptr::null()));
    }
}

/// While this lives, its thread is no worker, and leaves its timers to others.
#[must_use]
pub(crate) struct Away(*const Worker);

impl Away {
    pub(crate) fn new() -> Self {
        with_worker(|worker| worker.map(|worker| worker.shared().driver().rest(worker.index())));
        Self(WORKER.with(|current| current.replace(ptr::null())))
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        WORKER.with(|current| current.set(self.0));
        with_worker(|worker| worker.map(|worker| worker.shared().driver().resume(worker.index())));
    }
}

/// Calls `f` with the worker this thread is.
#[inline]
pub(crate) fn with_worker<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
    let worker = WORKER.with(Cell::get);
    // SAFETY: null or valid, by the invariant. The borrow ends with `f`, which cannot drop an
    // `Entered`: that lives in a frame further up this thread's stack.
    f(unsafe { worker.as_ref() })
}

/// As [`with_worker`], but only for workers of the given loop.
#[inline]
pub(crate) fn with_worker_of<R>(shared: &Arc<Shared>, f: impl FnOnce(Option<&Worker>) -> R) -> R {
    with_worker(|worker| f(worker.filter(|worker| Arc::ptr_eq(worker.shared(), shared))))
}

/// The task that is being polled on this thread. None in callbacks, outside a loop, and inside
/// [`block_in_place`](crate::block_in_place).
///
/// asyncio: `current_task`.
///
/// ```
/// assert!(loopwork_core::current_task().is_none(), "no loop runs here");
/// ```
#[must_use]
pub fn current_task() -> Option<AnyTask> {
    let task = polled_task()?;
    (task.header().kind() != Kind::Internal).then(|| AnyTask::new(task))
}

/// Some number below `bound`, which is not zero, by the loop that runs here: its seed says which. None
/// outside a loop.
#[doc(hidden)]
#[must_use]
pub fn random_below(bound: usize) -> Option<usize> {
    with_worker(|worker| worker.map(|worker| worker.random_below(bound)))
}

/// What is being polled on this thread, callbacks included.
pub(crate) fn polled_task() -> Option<RawTask> {
    let task = with_worker(|worker| worker.map_or(ptr::null(), Worker::polled));
    // SAFETY: null, or the header of a task whose poll is under way on this thread, by what
    // `Worker::polled` says.
    unsafe { RawTask::from_header(task) }
}

/// Why this thread makes a task ready.
#[inline]
pub(crate) fn origin() -> Origin {
    if ENDING.with(Cell::get) { Origin::Join } else { Origin::Wake }
}

/// Calls what waits for the end of a task: what it wakes is woken by a join.
pub(crate) fn while_ending(tell: impl FnOnce()) {
    struct Outer(bool);
    impl Drop for Outer {
        fn drop(&mut self) {
            ENDING.with(|ending| ending.set(self.0));
        }
    }
    let _outer = Outer(ENDING.with(|ending| ending.replace(true)));
    tell();
}

/// While this lives, its thread polls a task inside the poll of another.
#[must_use]
pub(crate) struct Nested(());

/// So deep may polls nest: each takes some of the stack of the thread.
const NESTED_MAX: u32 = 32;

loopwork_shim::thread_local! {
    /// How many `Nested` live on this thread.
    static NESTED: Cell<u32> = Cell::new(0)
}

impl Nested {
    /// None if polls are nested as deep as they may be.
    pub(crate) fn enter() -> Option<Self> {
        let depth = NESTED.with(Cell::get);
        (depth < NESTED_MAX).then(|| {
            NESTED.with(|nested| nested.set(depth + 1));
            Self(())
        })
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        NESTED.with(|nested| nested.set(nested.get() - 1));
    }
}

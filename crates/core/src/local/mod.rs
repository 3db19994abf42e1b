//! Tasks whose futures need not be `Send`: they stay on the thread that drives their set.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | [`LocalSet`]: what drives the tasks |
//! | `ready.rs` | which of them are to be polled: the one part that other threads reach |
//! | `task.rs` | [`LocalTask`] and its await |

mod ready;
mod task;

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use self::ready::{Ready, Wakeup};
use self::task::{Body, Run};
pub use self::task::{LocalJoin, LocalTask};
use crate::current;
use crate::exception::Exceptions;

/// So many polls are made in a row before others of the loop get their turn.
const BATCH: usize = 61;

/// A set of tasks that are polled and dropped on one thread only, so that their futures may hold
/// `Rc`, `RefCell` and borrows of the thread.
///
/// The set is a value that is not `Send`. It runs while it is driven: by
/// [`run_until`](LocalSet::run_until) or by awaiting it, inside the future of `run_until_complete`
/// or inside a pinned task. Its tasks run beside that future, one at a time, in the order in which
/// they were woken.
///
/// Dropping the set drops its tasks: who awaits them learns that they were cancelled.
///
/// asyncio needs no counterpart: all its tasks are of one thread. The name is tokio's.
///
/// ```
/// use std::cell::RefCell;
/// use std::rc::Rc;
/// use loopwork_core::{Builder, LocalSet, SleepDriver};
///
/// let mut runtime = Builder::new().workers(2).build(SleepDriver::new())?;
/// let log = Rc::new(RefCell::new(Vec::new()));
/// let local = LocalSet::new();
/// for n in 0..3 {
///     let log = log.clone();
///     drop(local.spawn_local(async move { log.borrow_mut().push(n) }));
/// }
/// runtime.block_on(local)?;
/// assert_eq!(*log.borrow(), [0, 1, 2]);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct LocalSet {
    set: Rc<Set>,
}

#[derive(Default)]
struct Set {
    ready: Arc<Ready>,
    entries: RefCell<Entries>,
    /// Whom to wake when the last task has ended.
    idle: RefCell<Option<Waker>>,
}

/// A slab of tasks.
#[derive(Default)]
struct Entries {
    slots: Vec<Option<Entry>>,
    free: Vec<usize>,
    alive: usize,
}

struct Entry {
    /// Out while it is polled.
    body: Option<Pin<Box<dyn Body>>>,
    wakeup: Arc<Wakeup>,
}

loopwork_shim::thread_local! {
    /// The set that is driven on this thread, innermost.
    static CURRENT: RefCell<Option<Rc<Set>>> = RefCell::new(None)
}

/// Spawns a task into the set that is being driven on this thread.
///
/// ```
/// use std::rc::Rc;
/// use loopwork_core::{Builder, LocalSet, SleepDriver, spawn_local};
///
/// let mut runtime = Builder::new().build(SleepDriver::new())?;
/// let local = LocalSet::new();
/// let text = runtime.block_on(local.run_until(async {
///     let text = Rc::new("not `Send`");
///     spawn_local(async move { text.len() }).await
/// }))??;
/// assert_eq!(text, 10);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// If no set is driven here.
pub fn spawn_local<F>(future: F) -> LocalTask<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let current = CURRENT.with(|current| current.borrow().clone());
    let set = current.expect(
        "`spawn_local` needs a `LocalSet` that is driven on this thread: call it inside \
         `LocalSet::run_until`, or call the set's own `spawn_local`",
    );
    set.spawn(future)
}

impl LocalSet {
    /// A set without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a task of `future`. It first runs when the set is driven.
    pub fn spawn_local<F>(&self, future: F) -> LocalTask<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.set.spawn(future)
    }

    /// Drives the set until `future` is done. Tasks that have not ended then stay in the set.
    ///
    /// Dropped before it is done, it drops `future` and stops driving.
    pub async fn run_until<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let _current = Current::enter(&self.set);
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            self.set.drive(cx);
            Poll::Pending
        })
        .await
    }

    /// How many tasks have not ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.entries.borrow().alive
    }

    /// Whether all tasks have ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Awaiting a set drives it until all its tasks have ended.
impl Future for LocalSet {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _current = Current::enter(&self.set);
        self.set.drive(cx);
        if self.is_empty() {
            return Poll::Ready(());
        }
        *self.set.idle.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for LocalSet {
    fn drop(&mut self) {
        let _current = Current::enter(&self.set);
        // A destructor may spawn into this set: until nothing is left.
        loop {
            let slots = std::mem::take(&mut *self.set.entries.borrow_mut()).slots;
            if slots.is_empty() {
                break;
            }
            drop(slots);
        }
        self.set.ready.close();
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet").field("tasks", &self.len()).finish()
    }
}

/// While this lives, its set is the one that this thread drives.
struct Current {
    outer: Option<Rc<Set>>,
}

impl Current {
    fn enter(set: &Rc<Set>) -> Self {
        Self { outer: CURRENT.with(|current| current.replace(Some(set.clone()))) }
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        let inner = CURRENT.with(|current| current.replace(self.outer.take()));
        drop(inner);
    }
}

impl Set {
    fn spawn<F>(&self, future: F) -> LocalTask<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let mut entries = self.entries.borrow_mut();
        let key = entries.free.pop().unwrap_or(entries.slots.len());
        let wakeup = Wakeup::new(&self.ready, key);
        let (run, task) = Run::new(future, wakeup.clone());
        let entry = Some(Entry { body: Some(Box::pin(run)), wakeup: wakeup.clone() });
        match entries.slots.get_mut(key) {
            Some(slot) => *slot = entry,
            None => entries.slots.push(entry),
        }
        entries.alive += 1;
        drop(entries);
        std::task::Wake::wake(wakeup);
        task
    }

    /// Polls what is ready, up to a batch.
    fn drive(&self, cx: &mut Context<'_>) {
        self.ready.wakes(cx.waker());
        for _ in 0..BATCH {
            let Some(wakeup) = self.ready.pop() else { return };
            self.poll(&wakeup);
        }
        cx.waker().wake_by_ref();
    }

    fn poll(&self, wakeup: &Arc<Wakeup>) {
        // A stale wake-up finds another task in its slot, or none, or one that is being polled.
        let body = self.entries.borrow_mut().slots.get_mut(wakeup.key()).and_then(|slot| {
            let entry = slot.as_mut().filter(|entry| Arc::ptr_eq(&entry.wakeup, wakeup))?;
            entry.body.take()
        });
        let Some(mut body) = body else { return };
        let waker = Waker::from(wakeup.clone());
        let ended = body.as_mut().step(&mut Context::from_waker(&waker));
        if ended {
            let gone = self.entries.borrow_mut().remove(wakeup.key());
            // Unwind: of the future's destructor; the set goes on.
            let dropped = catch_unwind(AssertUnwindSafe(|| drop((gone, body))));
            if let Err(payload) = dropped {
                report(payload);
            }
            let waker = if self.entries.borrow().alive == 0 { self.idle.take() } else { None };
            if let Some(waker) = waker {
                waker.wake();
            }
        } else if let Some(Some(entry)) = self.entries.borrow_mut().slots.get_mut(wakeup.key()) {
            entry.body = Some(body);
        }
    }
}

impl Entries {
    fn remove(&mut self, key: usize) -> Option<Entry> {
        let entry = self.slots.get_mut(key)?.take()?;
        self.free.push(key);
        self.alive -= 1;
        Some(entry)
    }
}

/// A destructor panicked at the end of a task: to the exception handler of the loop, if one runs here.
fn report(payload: Box<dyn Any + Send>) {
    current::with_worker(|worker| {
        let default = Exceptions::default();
        let exceptions = worker.map_or(&default, |worker| &worker.shared().exceptions);
        exceptions.panicked("a destructor panicked at the end of a local task", payload);
    });
}

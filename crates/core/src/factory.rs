//! What is done with each task that is made.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use loopwork_shim::atomic::{AtomicBool, Ordering};
use loopwork_shim::sync::Mutex;

use crate::scheduler::Spawn;

/// A task that is about to be made, as a [`TaskFactory`] sees it.
#[derive(Debug)]
pub struct NewTask<'a>(&'a mut Spawn);

impl NewTask<'_> {
    /// The name it was given, if it was.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Names it, whatever it was named before.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.0.name = Some(name.into().into());
    }

    /// Where it is made.
    #[must_use]
    pub fn spawn_location(&self) -> &'static Location<'static> {
        self.0.location
    }

    /// Whether whoever makes it said that it is to be polled at once, or that it is not.
    #[must_use]
    pub fn eager_start(&self) -> Option<bool> {
        self.0.eager_start
    }

    /// Has it polled at once, before whoever makes it goes on, unless that one said otherwise: see
    /// [`Handle::spawn_eager`](crate::Handle::spawn_eager).
    pub fn start_eagerly(&mut self) {
        self.0.eager_start.get_or_insert(true);
    }
}

/// Called for each task that is made, where it is made and before it exists: it may name the task, have it
/// started eagerly, count it.
///
/// In asyncio a factory makes the task. A function that can make a task of any future is no value in
/// Rust, and here the loop makes it all the same: what is left to the factory is how.
///
/// It is called on the thread that makes the task, and must be quick. A task that it makes on the same
/// loop calls it again. If it panics, no task is made, and who wanted one gets the panic.
///
/// asyncio: what `set_task_factory` takes.
#[doc(alias = "set_task_factory")]
pub type TaskFactory = Arc<dyn Fn(&mut NewTask<'_>) + Send + Sync>;

/// A [`TaskFactory`] that has each task polled at once: one that never waits has ended when it has been
/// made, and was in no queue.
///
/// asyncio: `eager_task_factory`.
///
/// ```
/// use std::sync::Arc;
/// use loopwork_core::{Builder, Handle, SleepDriver, eager_task_factory};
///
/// let mut runtime = Builder::new().build(SleepDriver::new())?;
/// runtime.handle().set_task_factory(Some(Arc::new(eager_task_factory)));
/// runtime.block_on(async {
///     let handle = Handle::current().unwrap();
///     assert!(handle.spawn(async { 6 * 7 }).done());
///     assert!(!handle.task().eager_start(false).spawn(async { 6 * 7 }).done());
/// })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn eager_task_factory(task: &mut NewTask<'_>) {
    task.start_eagerly();
}

/// The task factory of one loop.
#[derive(Default)]
pub(crate) struct Factory {
    is_set: AtomicBool,
    factory: Mutex<Option<TaskFactory>>,
}

impl Factory {
    pub(crate) fn set(&self, factory: Option<TaskFactory>) {
        let is_set = factory.is_some();
        let before = std::mem::replace(&mut *self.factory.lock(), factory);
        // Ordering: Relaxed: who is to find the factory has been told so by other means.
        self.is_set.store(is_set, Ordering::Relaxed);
        drop(before);
    }

    pub(crate) fn get(&self) -> Option<TaskFactory> {
        self.factory.lock().clone()
    }

    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        // Ordering: Relaxed: as above; what is found is read under the lock.
        self.is_set.load(Ordering::Relaxed)
    }

    /// Has it look at a task that is about to be made, if there is a factory.
    #[inline]
    pub(crate) fn consult(&self, spawn: Spawn) -> Spawn {
        if self.is_set() { self.call(spawn) } else { spawn }
    }

    #[cold]
    fn call(&self, mut spawn: Spawn) -> Spawn {
        // Outside the lock: it is somebody else's code.
        if let Some(factory) = self.get() {
            factory(&mut NewTask(&mut spawn));
        }
        spawn
    }
}

impl fmt::Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Factory").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}

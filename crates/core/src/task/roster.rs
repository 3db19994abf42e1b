//! The names of tasks: how several are reached later, without a reference to each.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;

use super::any::AnyTask;
use super::handle::Task;
use super::header::{Header, TaskId};
use super::raw::RawTask;
use super::state::Kind;
use crate::current;
use crate::error::SubmitError;
use crate::handle::Handle;
use crate::scheduler::Spawn;

/// Tasks of one loop, by name. It keeps the loop's memory, and no task: one that has ended is gone, though
/// its name may stay for a while.
#[doc(hidden)]
pub struct Roster {
    /// Keeps the cells that the names are of.
    handle: Handle,
    names: Vec<Name>,
}

/// A cell, and which of the tasks that were ever in it.
#[derive(Clone, Copy)]
struct Name {
    cell: NonNull<Header>,
    id: TaskId,
}

// SAFETY: a name is no more than an address and a number; what is looked at in the cell is atomic.
unsafe impl Send for Name {}
// SAFETY: as above.
unsafe impl Sync for Name {}

impl Roster {
    #[must_use]
    pub fn new(handle: Handle) -> Self {
        Self { handle, names: Vec::new() }
    }

    /// The loop of the tasks.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Makes a task and enters it, without asking a task factory: it runs nobody's code. `future` is called
    /// once, and only puts together what it has: it does not panic. `alive` says how many of those that were
    /// entered may not have ended.
    ///
    /// # Errors
    ///
    /// As [`Handle::try_spawn`].
    #[inline]
    pub fn spawn<F>(
        &mut self,
        future: impl FnOnce() -> F,
        location: &'static Location<'static>,
        alive: impl FnOnce() -> usize,
    ) -> Result<Task<F::Output>, SubmitError<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let shared = self.handle.shared();
        let spawned = current::with_worker_of(shared, |worker| {
            shared.spawn_on(worker, future, Spawn::new(Kind::Task, location))
        });
        let task = Task::new(spawned.map_err(SubmitError)?);
        self.enter(task.raw(), alive);
        Ok(task)
    }

    /// Enters a task that was made by the same loop.
    ///
    /// # Panics
    ///
    /// If it is of another one.
    pub fn add<T>(&mut self, task: &Task<T>, alive: impl FnOnce() -> usize) {
        let same = Arc::ptr_eq(task.raw().shared(), self.handle.shared());
        assert!(same, "a task of another loop cannot be entered here");
        self.enter(task.raw(), alive);
    }

    /// The task is of the loop that this keeps.
    #[inline]
    fn enter(&mut self, task: &RawTask, alive: impl FnOnce() -> usize) {
        if self.names.len() == self.names.capacity() {
            self.make_room(alive());
        }
        self.names.push(Name { cell: task.pointer(), id: task.header().id() });
    }

    /// Looks which have ended, if that may be half of them; so each is looked at once or twice, if at all.
    #[cold]
    fn make_room(&mut self, alive: usize) {
        if alive <= self.names.len() / 2 {
            // SAFETY: the handle keeps the cells.
            self.names.retain(|name| unsafe { name.is_alive() });
        }
        self.names.reserve(self.names.len().max(4));
    }

    /// References to those that have not ended.
    #[must_use]
    pub fn tasks(&self) -> Vec<AnyTask> {
        // SAFETY: the handle keeps the cells.
        let tasks = self.names.iter().filter_map(|name| unsafe { name.task() });
        tasks.map(AnyTask::new).collect()
    }
}

impl Name {
    /// # Safety
    ///
    /// The loop of the cell is kept.
    unsafe fn is_alive(self) -> bool {
        // SAFETY: a carved cell, of whose front the words are shared: see `README.md`, "The arena".
        let state = unsafe { &(*self.cell.as_ptr()).state };
        // SAFETY: as above; the id is a word like the other.
        state.is_alive() && unsafe { Header::id_at(self.cell) } == self.id
    }

    /// # Safety
    ///
    /// The loop of the cell is kept.
    unsafe fn task(self) -> Option<RawTask> {
        // SAFETY: as in `is_alive`.
        let state = unsafe { &(*self.cell.as_ptr()).state };
        if !state.ref_found() {
            return None;
        }
        // SAFETY: the reference that was just counted. It may be that of another task, which has the
        // cell now: then it is given up like any other.
        let task = unsafe { RawTask::from_owned(self.cell) };
        (task.header().id() == self.id).then_some(task)
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster").field("names", &self.names.len()).finish_non_exhaustive()
    }
}

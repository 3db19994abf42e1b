//! What a running program has: tasks, callbacks, events, locks, each by its name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use loopwork::sync::{Event, Lock, Queue, Semaphore};
use loopwork::{CallHandle, Handle, Instant, Promise, SharedError, Task, TaskGroup, TimerHandle};
use loopwork_shim::sync::Mutex;

use crate::interpret;
use crate::program::Program;
use crate::record::Record;

/// How a task of a program ends, unless it is cancelled.
pub(crate) type Outcome = Result<String, SharedError>;

/// What `raise` raises.
#[derive(Debug, Clone)]
pub(crate) struct Boom(pub(crate) String);

impl fmt::Display for Boom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Boom {}

pub(crate) struct World {
    pub(crate) program: Arc<Program>,
    pub(crate) handle: Handle,
    pub(crate) record: Record,
    began: Instant,
    tasks: Mutex<BTreeMap<String, Task<Outcome>>>,
    calls: Mutex<BTreeMap<String, Call>>,
    pub(crate) events: Named<Event>,
    pub(crate) locks: Named<Lock<()>>,
    pub(crate) semaphores: Named<Semaphore>,
    pub(crate) queues: Named<Queue<String>>,
    pub(crate) promises: Named<Promise<String>>,
}

/// A callback that was scheduled.
#[derive(Clone)]
enum Call {
    Soon(CallHandle),
    Later(TimerHandle),
}

/// Things of one kind, each made when it is first named.
pub(crate) struct Named<T> {
    made: Mutex<BTreeMap<String, Arc<T>>>,
    make: fn() -> T,
}

impl World {
    pub(crate) fn new(program: Arc<Program>, handle: Handle) -> Arc<Self> {
        Arc::new(Self {
            program,
            began: handle.time(),
            handle,
            record: Record::default(),
            tasks: Mutex::default(),
            calls: Mutex::default(),
            events: Named::new(Event::new),
            locks: Named::new(|| Lock::new(())),
            semaphores: Named::new(|| Semaphore::new(2)),
            queues: Named::new(|| Queue::new(2)),
            promises: Named::new(Promise::new),
        })
    }

    pub(crate) fn say(&self, who: &str, text: impl Into<String>) {
        self.record.say(self.handle.time() - self.began, who, text.into());
    }

    /// Creates a task. Under the lock, so that whoever the task tells of itself finds it.
    pub(crate) fn spawn(self: &Arc<Self>, name: &str) {
        let body = interpret::body(self.clone(), name.to_owned());
        let mut tasks = self.tasks.lock();
        let before = tasks.insert(name.to_owned(), self.handle.create_task(body));
        drop(tasks);
        drop(before);
    }

    /// Creates a task in `group`.
    pub(crate) fn spawn_in(self: &Arc<Self>, group: &TaskGroup, name: &str) {
        let body = interpret::body(self.clone(), name.to_owned());
        let mut tasks = self.tasks.lock();
        let before = tasks.insert(name.to_owned(), group.create_task(body));
        drop(tasks);
        drop(before);
    }

    pub(crate) fn task(&self, name: &str) -> Option<Task<Outcome>> {
        self.tasks.lock().get(name).cloned()
    }

    pub(crate) fn tasks(&self) -> Vec<(String, Task<Outcome>)> {
        self.tasks.lock().iter().map(|(name, task)| (name.clone(), task.clone())).collect()
    }

    /// Those of `names` that were spawned, without `me`.
    pub(crate) fn known<'a>(
        &self,
        me: &str,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Vec<(&'a str, Task<Outcome>)> {
        let others = names.into_iter().filter(|name| *name != me);
        others.filter_map(|name| Some((name.as_str(), self.task(name)?))).collect()
    }

    pub(crate) fn call_soon(self: &Arc<Self>, name: &str) {
        let call = Call::Soon(self.handle.call_soon(self.callback(name)));
        self.scheduled(name, call);
    }

    pub(crate) fn call_later(self: &Arc<Self>, delay: Duration, name: &str) {
        let call = Call::Later(self.handle.call_later(delay, self.callback(name)));
        self.scheduled(name, call);
    }

    pub(crate) fn callback(self: &Arc<Self>, name: &str) -> impl FnOnce() + Send + 'static {
        let (world, name) = (self.clone(), name.to_owned());
        move || interpret::callback(&world, &name)
    }

    fn scheduled(&self, name: &str, call: Call) {
        let before = self.calls.lock().insert(name.to_owned(), call);
        drop(before);
    }

    pub(crate) fn cancel_callback(&self, name: &str) {
        // Out of the lock: what a callback holds is dropped with it.
        let call = self.calls.lock().get(name).cloned();
        match call {
            None => {}
            Some(Call::Soon(call)) => _ = call.cancel(),
            Some(Call::Later(call)) => _ = call.cancel(),
        }
    }

    /// Lets go of what holds this world in turn.
    pub(crate) fn clear(&self) {
        let (tasks, calls) =
            (std::mem::take(&mut *self.tasks.lock()), std::mem::take(&mut *self.calls.lock()));
        drop((tasks, calls));
    }
}

impl<T> Named<T> {
    fn new(make: fn() -> T) -> Self {
        Self { made: Mutex::default(), make }
    }

    pub(crate) fn get(&self, name: &str) -> Arc<T> {
        let mut made = self.made.lock();
        made.entry(name.to_owned()).or_insert_with(|| Arc::new((self.make)())).clone()
    }
}

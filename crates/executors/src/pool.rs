//! What the pool and its threads share.
//!
//! The channel carries the jobs; the mutex around [`State`] guards the counts and the sending end.
//! A thread counts as idle from the moment it starts, or comes back from a job, until it has taken
//! the next job; a job counts as queued until a thread has taken it. So `queued > idle` means that
//! a job would wait although no thread is free, and that is when another thread is started.
//! Dropping the sending end is the shutdown: threads take what is left, then find the channel
//! closed.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::{io, mem};

use crossbeam_channel::{Receiver, Sender};
use loopwork_shim::sync::{Condvar, Mutex};

use crate::error::{RejectReason, RejectedJob};
use crate::job::Job;

pub(crate) type Initializer = Arc<dyn Fn() + Send + Sync>;

loopwork_shim::thread_local! {
    /// The address of the pool this thread belongs to; zero for none.
    static OWN_POOL: Cell<usize> = Cell::new(0)
}

pub(crate) struct Pool {
    max_workers: usize,
    thread_name_prefix: String,
    initializer: Option<Initializer>,
    jobs: Receiver<Job>,
    state: Mutex<State>,
    /// Notified when the last thread is about to end.
    ended: Condvar,
}

struct State {
    /// `None` once shut down.
    sender: Option<Sender<Job>>,
    broken: bool,
    /// Threads started and not ended.
    threads: usize,
    /// Threads ever started: the number in the next one's name.
    started: usize,
    idle: usize,
    queued: usize,
    handles: Vec<JoinHandle<()>>,
}

/// The counts of a pool at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) threads: usize,
    pub(crate) idle: usize,
    pub(crate) queued: usize,
}

impl Pool {
    pub(crate) fn new(
        max_workers: usize,
        thread_name_prefix: String,
        initializer: Option<Initializer>,
    ) -> Arc<Self> {
        let (sender, jobs) = crossbeam_channel::unbounded();
        let state = State {
            sender: Some(sender),
            broken: false,
            threads: 0,
            started: 0,
            idle: 0,
            queued: 0,
            handles: Vec::new(),
        };
        let state = Mutex::new(state);
        let ended = Condvar::new();
        Arc::new(Self { max_workers, thread_name_prefix, initializer, jobs, state, ended })
    }

    pub(crate) fn max_workers(&self) -> usize {
        self.max_workers
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state.lock();
        Counts { threads: state.threads, idle: state.idle, queued: state.queued }
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.state.lock().sender.is_none()
    }

    /// Queues the job, and starts a thread if none is free and one more is allowed.
    pub(crate) fn execute(self: &Arc<Self>, job: Job) -> Result<(), RejectedJob> {
        let mut state = self.state.lock();
        if state.broken {
            return Err(RejectedJob::new(job, RejectReason::Broken));
        }
        if state.sender.is_none() {
            return Err(RejectedJob::new(job, RejectReason::ShutDown));
        }
        if state.queued >= state.idle && state.threads < self.max_workers {
            match self.start_thread(&mut state) {
                Ok(()) => {}
                // With other threads the job waits for one of them.
                Err(_) if state.threads > 0 => {}
                Err(error) => return Err(RejectedJob::new(job, RejectReason::NoThread(error))),
            }
        }
        state.queued += 1;
        let sender = state.sender.as_ref().expect("the pool is not shut down");
        sender.send(job).expect("the pool holds the receiving end");
        Ok(())
    }

    /// Closes the channel. Threads take what is left in it and end.
    pub(crate) fn close(&self) {
        self.state.lock().sender = None;
    }

    /// Drops the jobs no thread has taken; their futures are cancelled.
    pub(crate) fn discard_queued(&self) {
        while let Ok(job) = self.jobs.try_recv() {
            self.state.lock().queued -= 1;
            // A destructor of the job's captures must not keep the others from being dropped.
            contain(move || drop(job));
        }
    }

    pub(crate) fn is_own_thread(self: &Arc<Self>) -> bool {
        OWN_POOL.with(Cell::get) == self.address()
    }

    /// Blocks until every thread has ended. The pool was closed before.
    pub(crate) fn wait_for_end(&self) {
        let mut state = self.state.lock();
        while state.threads > 0 {
            self.ended.wait(&mut state);
        }
        let handles = mem::take(&mut state.handles);
        drop(state);
        for handle in handles {
            // A pool's thread catches the panics of its jobs, so it has none of its own.
            let _ = handle.join();
        }
    }

    fn start_thread(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let name = format!("{}-{}", self.thread_name_prefix, state.started);
        let pool = self.clone();
        let handle = thread::Builder::new().name(name).spawn(move || pool.thread_main())?;
        state.handles.push(handle);
        state.started += 1;
        state.threads += 1;
        state.idle += 1;
        Ok(())
    }

    fn thread_main(self: Arc<Self>) {
        OWN_POOL.with(|own| own.set(self.address()));
        let initialized = match &self.initializer {
            Some(initializer) => contain(|| initializer()),
            None => true,
        };
        if initialized {
            self.run_jobs();
        } else {
            self.state.lock().broken = true;
            self.close();
            self.discard_queued();
        }
        let mut state = self.state.lock();
        state.threads -= 1;
        state.idle -= 1;
        let last = state.threads == 0;
        drop(state);
        if last {
            self.ended.notify_all();
        }
    }

    fn run_jobs(&self) {
        while let Ok(job) = self.jobs.recv() {
            {
                let mut state = self.state.lock();
                state.queued -= 1;
                state.idle -= 1;
            }
            contain(move || job.run());
            self.state.lock().idle += 1;
        }
    }

    fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

/// Runs code of the user; false if it panicked, which the panic hook has reported.
fn contain(work: impl FnOnce()) -> bool {
    // Unwind: what the work borrowed is gone with it; the counts are not touched inside.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(()) => true,
        Err(payload) => {
            forget_panic(payload);
            false
        }
    }
}

/// Drops the payload of a panic. A payload whose destructor panics is leaked instead: the thread
/// goes on.
fn forget_panic(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        mem::forget(second);
    }
}

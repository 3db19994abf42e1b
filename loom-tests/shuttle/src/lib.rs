//! What the tests share: how schedules are explored, and the books that they keep of each task.
//! `README.md` beside this crate says how to replay a failure.

use std::env;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loopwork_core::{Builder, Runtime, SleepDriver, TaskError};
use loopwork_shim::atomic::AtomicUsize as Visible;
use loopwork_shim::model::{
    Config, MaxSteps, PctScheduler, RandomScheduler, ReplayScheduler, Runner, with_time,
};
pub use loopwork_shim::model::{Rng, thread_rng};
use loopwork_shim::sync::{Condvar, Mutex};
pub use loopwork_shim::thread::{spawn, yield_now as switch};

/// So many schedules of each kind, where `LOOPWORK_SHUTTLE` names no other number.
const SCHEDULES: usize = 2_000;
/// How many priorities change in a schedule by priorities.
const DEPTH: usize = 5;

/// Explores `test` under random schedules and under random priorities, each without time and with a
/// time that passes at random.
pub fn explore(test: fn()) {
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    config.max_steps = MaxSteps::FailAfter(2_000_000);
    config.silence_warnings = true;
    if let Ok(schedule) = env::var("LOOPWORK_REPLAY") {
        let replay =
            || Runner::new(ReplayScheduler::new_from_encoded(&schedule), config.clone()).run(test);
        if env::var_os("LOOPWORK_TIME").is_some() {
            with_time(replay)
        } else {
            replay()
        };
        return;
    }
    let schedules =
        env::var("LOOPWORK_SHUTTLE").map_or(SCHEDULES, |n| n.parse().expect("a number"));
    let random = || {
        Runner::new(RandomScheduler::new(schedules), config.clone()).run(test);
    };
    let by_priority = || {
        Runner::new(PctScheduler::new(DEPTH, schedules), config.clone()).run(test);
    };
    eprintln!("without time");
    random();
    by_priority();
    eprintln!("with time: to replay what fails from here on, set LOOPWORK_TIME");
    with_time(random);
    with_time(by_priority);
}

/// One of the numbers of workers that tests run at.
pub fn workers() -> usize {
    [2, 4, 8][thread_rng().gen_range(0..3)]
}

/// A loop whose exception handler is silent: tasks panic as planned.
pub fn runtime(workers: usize) -> Runtime<SleepDriver> {
    let runtime =
        Builder::new().workers(workers).build(SleepDriver::new()).expect("it has threads");
    runtime.handle().set_exception_handler(Some(Arc::new(|_| ())));
    runtime
}

/// The books: what was submitted, and what became of it.
#[derive(Debug, Clone, Default)]
pub struct Books(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    opened: AtomicUsize,
    closed: AtomicUsize,
    ran: AtomicUsize,
    /// Who polls right now. An event of the model, so that another thread may come in between.
    inside: Visible,
}

/// The entry of one task or callback, which owns it.
#[derive(Debug)]
pub struct Entry {
    counts: Arc<Counts>,
    ran: bool,
}

impl Books {
    pub fn open(&self) -> Entry {
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        Entry { counts: self.0.clone(), ran: false }
    }

    pub fn opened(&self) -> usize {
        self.0.opened.load(Ordering::Relaxed)
    }

    /// How many ran to their end.
    pub fn ran(&self) -> usize {
        self.0.ran.load(Ordering::Relaxed)
    }

    /// How many are neither at their end nor dropped.
    pub fn pending(&self) -> usize {
        self.opened() - self.0.closed.load(Ordering::Relaxed)
    }

    /// No task is being polled.
    pub fn assert_at_rest(&self) {
        assert_eq!(self.0.inside.load(Ordering::SeqCst), 0, "a task runs in a loop that does not");
    }
}

impl Entry {
    /// A step of what it is the entry of.
    pub fn step(&self) {
        self.counts.inside.fetch_add(1, Ordering::SeqCst);
        self.counts.inside.fetch_sub(1, Ordering::SeqCst);
    }

    /// The end of it.
    pub fn end(mut self) {
        self.step();
        assert!(!std::mem::replace(&mut self.ran, true));
        self.counts.ran.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.counts.closed.fetch_add(1, Ordering::Relaxed);
    }
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Ran,
    Cancelled,
    Panicked,
}

impl End {
    pub fn of<T>(result: &Result<T, TaskError>) -> Self {
        match result {
            Ok(_) => Self::Ran,
            Err(error) if error.is_cancelled() => Self::Cancelled,
            Err(error) if error.is_panic() => Self::Panicked,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Gives way once.
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A flag that a thread or a task waits for.
#[derive(Debug, Clone, Default)]
pub struct Signal(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<(bool, Option<Waker>)>,
    condvar: Condvar,
}

impl Signal {
    pub fn set(&self) {
        let waker = {
            let mut state = self.0.state.lock();
            state.0 = true;
            state.1.take()
        };
        self.0.condvar.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Blocks this thread.
    pub fn block(&self) {
        let mut state = self.0.state.lock();
        while !state.0 {
            self.0.condvar.wait(&mut state);
        }
        state.0 = false;
    }

    /// Waits as a task.
    pub async fn wait(&self) {
        poll_fn(|cx| {
            let mut state = self.0.state.lock();
            if std::mem::replace(&mut state.0, false) {
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Wake for Inner {
    fn wake(self: Arc<Self>) {
        Signal(self).set();
    }
}

/// Waits for `future` on a thread that is no worker.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let signal = Signal::default();
    let waker = Waker::from(signal.0.clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        signal.block();
    }
}

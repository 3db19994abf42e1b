//! A thread that is no worker spawns tasks that count down, and waits until the last has run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Instant;

use super::outside::outside;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn spawn_remote<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    outside(move || {
        let mut recorder = Recorder::new(plan.sampling, plan.tasks);
        // One for the process, so that a task holds a plain reference.
        let countdown: &'static Countdown = Box::leak(Box::new(Countdown::of_this_thread()));
        while recorder.wants_more() {
            countdown.begin(plan.tasks);
            let begin = Instant::now();
            for _ in 0..plan.tasks {
                C::detach(contender.spawn(async { countdown.one() }));
            }
            countdown.wait();
            recorder.add(begin.elapsed());
        }
        recorder.finish()
    })
    .await
}

/// What one thread waits for, and the tasks of all workers bring about.
struct Countdown {
    left: AtomicUsize,
    waiter: Thread,
}

impl Countdown {
    fn of_this_thread() -> Self {
        Self { left: AtomicUsize::new(0), waiter: thread::current() }
    }

    fn begin(&self, left: usize) {
        // Ordering: Relaxed: spawning hands the tasks over, and this with them.
        self.left.store(left, Ordering::Relaxed);
    }

    fn one(&self) {
        // Ordering: Release: what a task did is before what follows `wait`.
        if self.left.fetch_sub(1, Ordering::Release) == 1 {
            self.waiter.unpark();
        }
    }

    /// Only by the thread that it was made on.
    fn wait(&self) {
        // Ordering: Acquire: pairs with `one`.
        while self.left.load(Ordering::Acquire) != 0 {
            thread::park();
        }
    }
}

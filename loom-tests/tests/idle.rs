//! Sleeping and waking: the idle protocol, the parker, resting.

use std::sync::Arc;

use loopwork_core::DriverHandle;
use loopwork_core::model::{Flag, Idle, Loop, Parker};
use loopwork_loom_tests::{Data, block_on, explore, spawn};
use loopwork_shim::atomic::{AtomicUsize, Ordering};

/// A push from outside against a worker that falls asleep: the task runs.
#[test]
fn push_against_sleep() {
    explore(2, || {
        let (lane, mut workers) = Loop::new(2);
        let sleeper = workers.pop().unwrap();
        let handle = lane.handle();
        // Nobody runs worker 0 here, so only the sleeper can run the task.
        lane.resume();
        let background = spawn(move || sleeper.background());
        let task = handle.spawn(async { 3 });
        assert_eq!(block_on(task.into_future()).unwrap(), 3);
        lane.exit();
        background.join().unwrap();
        drop(workers);
        lane.close();
    });
}

/// Pushes of two threads against a sleeper: both tasks run. With two switches it takes minutes.
#[test]
fn two_pushes_against_a_sleeper() {
    explore(1, || {
        let (lane, mut workers) = Loop::new(2);
        let sleeper = workers.pop().unwrap();
        let handle = lane.handle();
        lane.resume();
        let background = spawn(move || sleeper.background());
        let first = handle.spawn(async { 1 });
        let other = handle.clone();
        let pusher = spawn(move || {
            let second = other.spawn(async { 2 });
            assert_eq!(block_on(second.into_future()).unwrap(), 2);
        });
        assert_eq!(block_on(first.into_future()).unwrap(), 1);
        pusher.join().unwrap();
        lane.exit();
        background.join().unwrap();
        drop(workers);
        lane.close();
    });
}

/// What becomes ready for one worker alone while the loop is stopped wakes it in vain: the start of
/// the loop wakes it again.
#[test]
fn a_pinned_push_against_rest_and_resume() {
    explore(2, || {
        let (lane, mut workers) = Loop::new(3);
        // It has no thread, and is perhaps the one that watches.
        let other = workers.pop().unwrap();
        let sleeper = workers.pop().unwrap();
        let handle = lane.handle();
        assert!(sleeper.run_one(), "the callback lane begins");
        let background = spawn(move || sleeper.background());
        let task = handle.spawn_pinned(|| async { 3 });
        lane.announce(2);
        lane.resume();
        assert_eq!(block_on(task.into_future()).unwrap(), 3);
        lane.exit();
        background.join().unwrap();
        drop((other, workers));
        lane.close();
    });
}

/// What a worker that is about to block hands over against one that falls asleep: the tasks run.
#[test]
fn handing_over_against_sleep() {
    explore(1, || {
        let (lane, mut workers) = Loop::new(2);
        let (sleeper, blocks) = (workers.pop().unwrap(), workers.pop().unwrap());
        lane.resume();
        let background = spawn(move || sleeper.background());
        let task = blocks.spawn(async { 3 });
        blocks.give_way();
        assert_eq!(block_on(task.into_future()).unwrap(), 3);
        lane.exit();
        background.join().unwrap();
        drop(blocks);
        lane.close();
    });
}

/// A push that wakes nobody, because somebody searches, against the end of that search: one of them
/// sees the other.
#[test]
fn push_against_the_end_of_a_search() {
    explore(3, || {
        let idle = Arc::new(Idle::new(3));
        idle.announce(1);
        idle.announce(2);
        assert!(idle.notify_after_push(), "one sleeper searches now");
        let queue = Arc::new(AtomicUsize::new(0));
        let (searcher, queued) = (idle.clone(), queue.clone());
        let search = spawn(move || {
            assert!(searcher.end_search(), "it was the last");
            queued.load(Ordering::Relaxed) == 1
        });
        queue.store(1, Ordering::Relaxed);
        let woke = idle.notify_after_push();
        assert!(search.join().unwrap() || woke, "the push was overlooked");
    });
}

/// An unpark is never lost, and publishes what came before it.
#[test]
fn park_against_unpark() {
    explore(3, || {
        let parker = Arc::new(Parker::default());
        let data = Arc::new(Data::new());
        let (unparker, written) = (parker.clone(), data.clone());
        let thread = spawn(move || {
            written.write(1);
            unparker.unpark();
        });
        parker.park();
        assert_eq!(data.read(), 1);
        thread.join().unwrap();
    });
}

/// A second unpark during the first block leaves a token for the next.
#[test]
fn unparks_coalesce_into_a_token() {
    explore(3, || {
        let parker = Arc::new(Parker::default());
        let unparker = parker.clone();
        let thread = spawn(move || unparker.unpark());
        parker.unpark();
        parker.park();
        thread.join().unwrap();
        parker.unpark();
        parker.park();
    });
}

/// When the loop rests nothing runs: what tasks did is over, and visible.
#[test]
fn rest_waits_for_running_tasks() {
    explore(2, || {
        let (lane, mut workers) = Loop::new(2);
        let sibling = workers.pop().unwrap();
        let data = Arc::new(Data::new());
        let written = data.clone();
        let task = lane.handle().spawn(async move { written.write(1) });
        let background = spawn(move || sibling.background());
        let handle = lane.handle();
        lane.resume();
        handle.stop();
        lane.rest();
        // The task ran before, or waits for the next run; it does not run now.
        let now = data.read();
        assert_eq!(now == 1, task.done());
        lane.exit();
        background.join().unwrap();
        drop(workers);
        lane.close();
    });
}

/// Has the timers of one worker.
struct Timers {
    inner: Arc<dyn DriverHandle>,
    left: Arc<Data>,
}

impl DriverHandle for Timers {
    fn unpark(&self) {
        self.inner.unpark();
    }

    fn rest(&self, _: usize) {
        self.left.write(1);
    }
}

/// While a loop is quiet, each worker has left its timers to the driver.
#[test]
fn quiet_against_sleep() {
    explore(3, || {
        let left = Arc::new(Data::new());
        let (lane, mut workers) = Loop::with_handle(2, |inner| {
            let left = left.clone();
            Arc::new(Timers { inner, left })
        });
        let (sleeper, has_driver) = (workers.pop().unwrap(), workers.pop().unwrap());
        assert!(sleeper.run_one(), "the callback lane begins");
        lane.announce(0);
        lane.resume();
        let background = spawn(move || sleeper.background());
        if has_driver.quiet().is_some() {
            assert_eq!(left.read(), 1);
        }
        lane.exit();
        background.join().unwrap();
        drop(has_driver);
        lane.close();
    });
}

/// What is read between two equal moments of quiet is not out of date: here, a deadline that a task
/// makes before whoever submitted it lets time go on.
#[test]
fn quiet_against_a_task_in_between() {
    explore(3, || {
        let (lane, mut workers) = Loop::new(2);
        let (sleeper, has_driver) = (workers.pop().unwrap(), workers.pop().unwrap());
        assert!(sleeper.run_one(), "the callback lane begins");
        lane.announce(0);
        lane.resume();
        let background = spawn(move || sleeper.background());
        let (deadline, held) = (Arc::new(AtomicUsize::new(9)), Arc::new(AtomicUsize::new(1)));
        let (handle, earlier, hold) = (lane.handle(), deadline.clone(), held.clone());
        let submitter = spawn(move || {
            drop(handle.spawn(async move { earlier.store(5, Ordering::Relaxed) }));
            hold.store(0, Ordering::Release);
        });
        let before = has_driver.quiet();
        let next = deadline.load(Ordering::Relaxed);
        let held = held.load(Ordering::Acquire) == 1;
        if before.is_some() && !held && has_driver.quiet() == before {
            assert_eq!(next, 5);
        }
        submitter.join().unwrap();
        lane.exit();
        background.join().unwrap();
        drop(has_driver);
        lane.close();
    });
}

/// Whoever sees a flag sees what came before it was set.
#[test]
fn a_flag_publishes() {
    explore(3, || {
        let shared = Arc::new((Flag::default(), Data::new()));
        let setter = shared.clone();
        let thread = spawn(move || {
            setter.1.write(1);
            setter.0.set(true);
        });
        if shared.0.get() {
            assert_eq!(shared.1.read(), 1);
        }
        thread.join().unwrap();
    });
}

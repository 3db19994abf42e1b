//! The ends of several tasks, against who waits for them.

use std::future::{Future, pending, poll_fn, ready};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loopwork_core::model::{Loop, Worker};
use loopwork_core::{Ends, IntoTask, Task, Told, after_end};
use loopwork_loom_tests::{Bell, explore, spawn};
use loopwork_tasks::gather;

fn run_all(worker: &Worker) {
    worker.run_pinned();
    while worker.run_one() {
        worker.run_pinned();
    }
}

/// Gathers on worker 0, counting the polls, while the other worker runs one task that it finds.
fn gathered<G, T>(gathering: impl FnOnce(&Loop) -> G + 'static)
where
    G: Future<Output = T> + Unpin + Send + 'static,
    T: Send + 'static,
{
    let (lane, mut workers) = Loop::new(2);
    assert!(workers[0].run_one(), "the first poll of the lane");
    let polls = Arc::new(AtomicUsize::new(0));
    let (counted, mut gathering) = (polls.clone(), gathering(&lane));
    let root: Task<T> = lane.spawn_root(poll_fn(move |cx| {
        counted.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut gathering).poll(cx)
    }));
    let elsewhere = workers.pop().unwrap();
    let other = spawn(move || _ = elsewhere.run_one());
    workers[0].run_pinned();
    other.join().unwrap();
    run_all(&workers[0]);
    assert!(root.done(), "the last end was missed");
    let polls = polls.load(Ordering::Relaxed);
    assert!(polls <= 2, "polled {polls} times: not all were marked as ended when it was woken");
    drop(root.take_result());
    drop(root);
    lane.close();
}

/// A task ends elsewhere while who gathers it begins to wait.
#[test]
fn the_last_end_against_the_begin_of_the_wait() {
    explore(2, || {
        gathered(|lane| {
            // Of no worker: so that the other one finds it.
            let task = lane.handle().spawn(ready(5));
            gather([task])
        });
    });
}

/// What an end is counted in: rings when it is counted, and before that if the task has failed.
struct Rings(Arc<Bell>);

impl Ends for Rings {
    fn failed(&self, _: usize) {
        self.0.ring();
    }
}

impl Drop for Rings {
    fn drop(&mut self) {
        self.0.ring();
    }
}

struct Tells(Arc<Rings>);

impl Told for Tells {
    fn ended(self, returned: bool, marked: bool) {
        assert!(!marked, "a future says so before its task is marked");
        after_end(self.0, (!returned).then_some(0));
    }
}

/// A worker ends the task of `future`, which says how, while another thread waits to hear of it.
fn heard_after_the_mark(future: impl Future<Output = u32> + Send + 'static, cancelled: bool) {
    let (lane, mut workers) = Loop::new(2);
    assert!(workers[0].run_one(), "the first poll of the lane");
    let bell = Arc::new(Bell::default());
    let told = Tells(Arc::new(Rings(bell.clone())));
    let made = future.into_told(&lane.handle(), Location::caller(), told);
    let (task, _) = made.unwrap_or_else(|_| unreachable!("the loop is open"));
    assert!(!cancelled || task.cancel());
    let elsewhere = workers.pop().unwrap();
    let other = spawn(move || assert!(elsewhere.run_one()));
    bell.wait();
    assert!(task.done(), "it was counted before it was marked as ended");
    assert_eq!(task.take_result().is_err(), cancelled);
    other.join().unwrap();
    run_all(&workers[0]);
    drop(task);
    lane.close();
}

/// A task returns elsewhere while who waits for the count looks at it.
#[test]
fn an_end_is_counted_after_its_mark() {
    explore(2, || heard_after_the_mark(ready(5), false));
}

/// A task ends cancelled: that it has failed is said, like the count, when it can be seen.
#[test]
fn a_failure_is_told_after_its_mark() {
    explore(2, || heard_after_the_mark(pending(), true));
}

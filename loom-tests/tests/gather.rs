//! The ends of several tasks, against who waits for them.

use std::future::{Future, pending, poll_fn, ready};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loopwork_core::model::{Loop, Worker};
use loopwork_core::{Counted, Ends, IntoTask, Share, Task, Told, after_end, polls};
use loopwork_loom_tests::{Bell, Data, explore, spawn};
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

/// What ends are counted in: rings when the last is counted, and before that if a task has failed.
struct Rings(Arc<Bell>);

impl Ends for Rings {
    fn failed(&self, _: usize) {
        self.0.ring();
    }

    fn all_ended(&self) {
        self.0.ring();
    }
}

struct Tells(Share<Rings>);

impl Told for Tells {
    fn polled(&self) {
        polls(&self.0);
    }

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
    let task = told(&lane, Rings(bell.clone()), future);
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

/// A worker ends the last of some tasks, and goes on with another one right after it: who waits has heard
/// before that begins.
fn heard_before_the_next(next: impl FnOnce(&Loop, Arc<Bell>)) {
    let (lane, mut workers) = Loop::new(2);
    let worker = workers.pop().unwrap();
    assert!(worker.run_one(), "the first poll of the lane");
    let bell = Arc::new(Bell::default());
    drop(told(&lane, Rings(bell.clone()), ready(5)));
    next(&lane, bell);
    worker.run_in_a_row(2);
    run_all(&worker);
    drop((worker, workers));
    lane.close();
}

/// A task of which `rings` alone hears.
fn told<F>(lane: &Loop, rings: Rings, future: F) -> Task<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (_, mut stock) = Counted::new(rings);
    let told = Tells(stock.share());
    drop(stock);
    let made = future.into_told(&lane.handle(), Location::caller(), told);
    made.unwrap_or_else(|_| unreachable!("the loop is open")).0
}

/// The next one is no part of any count.
#[test]
fn an_end_is_counted_before_another_kind_of_task() {
    explore(2, || {
        heard_before_the_next(|lane, bell| {
            drop(lane.handle().spawn(async move {
                assert!(bell.has_rung(), "it would wait for as long as this task takes");
            }));
        });
    });
}

/// The next one looks the same, and is of another count.
#[test]
fn an_end_is_counted_before_a_task_of_another_count() {
    async fn checks(earlier: Option<Arc<Bell>>) -> u32 {
        let heard = earlier.is_none_or(|bell| bell.has_rung());
        assert!(heard, "it would wait for as long as this task takes");
        5
    }
    explore(2, || {
        let (lane, mut workers) = Loop::new(2);
        let worker = workers.pop().unwrap();
        assert!(worker.run_one(), "the first poll of the lane");
        let (first, second) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let earlier = Some(first.clone());
        drop(told(&lane, Rings(first), checks(None)));
        let next = told(&lane, Rings(second), checks(earlier));
        worker.run_in_a_row(2);
        run_all(&worker);
        assert!(next.take_result().is_ok(), "it panicked");
        drop((next, worker, workers));
        lane.close();
    });
}

/// Two workers end one task each, and none is left: whoever is last has seen what the other one did, and
/// nobody joins any more.
#[test]
fn the_last_share_against_another_and_a_late_one() {
    struct Reads(Arc<Data>, Arc<AtomicUsize>);

    impl Ends for Reads {
        fn failed(&self, _: usize) {}

        fn all_ended(&self) {
            let ends = self.1.fetch_add(1, Ordering::Relaxed);
            assert_eq!(ends, 0, "all ended twice");
            self.0.write(self.0.read() + 1);
        }
    }

    explore(3, || {
        let (written, ends) = (Arc::new(Data::new()), Arc::new(AtomicUsize::new(0)));
        let (counted, mut stock) = Counted::new(Reads(written.clone(), ends.clone()));
        let first = stock.share();
        let late = counted.clone();
        let other = spawn(move || {
            first.0.write(5);
            drop(first);
            // A group is joined without a stock once its body has ended.
            late.share().is_some()
        });
        drop(stock);
        drop(counted);
        _ = other.join().unwrap();
        assert_eq!(ends.load(Ordering::Relaxed), 1);
        assert_eq!(written.read(), 6);
    });
}

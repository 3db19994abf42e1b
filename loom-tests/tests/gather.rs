//! The ends of several tasks, against who waits for them.

use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loopwork_core::Task;
use loopwork_core::model::{Loop, Worker};
use loopwork_loom_tests::{explore, spawn};
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

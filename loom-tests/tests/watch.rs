//! Who awaits a task, and who walks over all of them: the end, extensions, free cells.

use std::future::{Future, IntoFuture, pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use loopwork_core::model::{Loop, Worker};
use loopwork_core::{Join, Task, current_task};
use loopwork_loom_tests::{explore, spawn};

/// A loop whose lane has had its first poll.
fn two_workers() -> (Loop, Vec<Worker>) {
    let (lane, workers) = Loop::new(2);
    assert!(workers[0].run_one());
    (lane, workers)
}

/// Worker 0 runs what is pinned to it while the other thread ends a task; then all that is left.
fn end_elsewhere(workers: Vec<Worker>, root: &Task<()>) {
    let mut workers = workers.into_iter();
    let (here, elsewhere) = (workers.next().unwrap(), workers.next().unwrap());
    let ending = spawn(move || assert!(elsewhere.run_one()));
    here.run_pinned();
    ending.join().unwrap();
    here.run_pinned();
    assert!(root.done(), "the end of what it awaits was missed");
}

/// The end against a task that awaits: no lock, no extension.
#[test]
fn end_against_an_awaiting_task() {
    explore(2, || {
        let (lane, workers) = two_workers();
        let task = lane.handle().spawn(async { 5 });
        let root = lane.spawn_root(async move { assert_eq!(task.await.unwrap(), 5) });
        end_elsewhere(workers, &root);
        drop(root);
        lane.close();
    });
}

/// The end against a task that stops waiting and waits anew.
#[test]
fn end_against_another_await() {
    explore(2, || {
        let (lane, workers) = two_workers();
        let mut task = lane.handle().spawn(async { 5 });
        let root = lane.spawn_root(async move {
            let mut join = task.join();
            let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut join).poll(cx))).await;
            drop(join);
            match first {
                Poll::Ready(value) => assert_eq!(value.unwrap(), 5),
                Poll::Pending => assert_eq!(task.await.unwrap(), 5),
            }
        });
        end_elsewhere(workers, &root);
        drop(root);
        lane.close();
    });
}

/// The end against an extension that takes over who awaits.
#[test]
fn end_against_an_extension() {
    explore(2, || {
        let (lane, workers) = two_workers();
        let task = lane.handle().spawn(async { 5 });
        let any = task.as_any();
        let root = lane.spawn_root(async move { assert_eq!(task.await.unwrap(), 5) });
        let naming = spawn(move || any.set_name("named"));
        end_elsewhere(workers, &root);
        naming.join().unwrap();
        drop(root);
        lane.close();
    });
}

/// The end against an await that moves from one task to another: the new one hears of it.
#[test]
fn end_against_a_moved_await() {
    explore(2, || {
        let (lane, workers) = two_workers();
        let task = lane.handle().spawn(async { 5 });
        let join: Arc<Mutex<Option<Join<i32>>>> = Arc::new(Mutex::new(Some(task.into_future())));
        let moved = join.clone();
        let first = lane.spawn_root(poll_fn(move |cx| {
            let mut join = join.lock().unwrap();
            if Pin::new(join.as_mut().unwrap()).poll(cx).is_ready() {
                *join = None;
            }
            Poll::Ready(())
        }));
        let root = lane.spawn_root(poll_fn(move |cx| match &mut *moved.lock().unwrap() {
            Some(join) => Pin::new(join).poll(cx).map(|value| assert_eq!(value.unwrap(), 5)),
            None => Poll::Ready(()),
        }));
        end_elsewhere(workers, &root);
        drop((first, root));
        lane.close();
    });
}

/// Two handles of one task, awaited by two tasks: both hear of the end.
#[test]
fn end_against_two_awaiting_tasks() {
    explore(2, || {
        let (lane, workers) = two_workers();
        let task = lane.handle().spawn(async { 5 });
        let clone = task.clone();
        let first = lane.spawn_root(async move { assert_eq!(clone.await.unwrap(), 5) });
        let root = lane.spawn_root(async move { assert_eq!(task.await.unwrap(), 5) });
        end_elsewhere(workers, &root);
        assert!(first.done());
        drop((first, root));
        lane.close();
    });
}

/// A walk against a spawn on a worker: who finds a task finds all of it.
#[test]
fn walk_against_spawn() {
    explore(3, || {
        let (lane, mut workers) = Loop::new(1);
        let handle = lane.handle();
        let spawning = handle.clone();
        drop(handle.spawn(async move {
            drop(spawning.spawn(pending::<()>()));
        }));
        let worker = workers.pop().unwrap();
        let running = spawn(move || {
            assert!(worker.run_one());
            worker
        });
        for task in handle.all_tasks() {
            assert_ne!(task.id().to_string(), "0", "a task without its id");
        }
        let _worker = running.join().unwrap();
        lane.close();
    });
}

/// A walk against the end and the free of a task: it finds a task that has not ended, or none.
#[test]
fn walk_against_free() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let handle = lane.handle();
        let task = handle.spawn(async { 5 });
        let walking = spawn(move || drop(handle.all_tasks()));
        assert!(workers[0].run_one());
        assert_eq!(task.take_result().unwrap(), 5);
        drop(task);
        walking.join().unwrap();
        lane.close();
    });
}

/// A handle that outlives its loop: whoever is last frees the memory, after all others.
#[test]
fn handle_against_close() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let ended = lane.handle().spawn(async { 5 });
        let pending = lane.handle().spawn(pending::<()>());
        assert!(workers[0].run_one());
        drop(workers);
        let holding = spawn(move || {
            drop(ended);
            drop(pending);
        });
        lane.close();
        drop(lane);
        holding.join().unwrap();
    });
}

/// A task is woken while it is polled, by itself: it is polled again, with nothing written.
#[test]
fn a_task_wakes_itself() {
    explore(2, || {
        let (lane, workers) = Loop::new(1);
        let mut polls = 0;
        let task = lane.handle().spawn(poll_fn(move |cx| {
            assert!(current_task().is_some());
            polls += 1;
            cx.waker().wake_by_ref();
            if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
        }));
        let any = task.as_any();
        let cancelling = spawn(move || any.cancel());
        while workers[0].run_one() {}
        let accepted = cancelling.join().unwrap();
        while workers[0].run_one() {}
        assert!(task.done() && (accepted || !task.cancelled()));
        drop(task);
        lane.close();
    });
}

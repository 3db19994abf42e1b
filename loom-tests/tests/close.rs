//! Submission against `close()`: accepted or handed back, and what was accepted ends.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::{Poll, Waker};

use loopwork_core::model::Loop;
use loopwork_loom_tests::{explore, spawn};

/// A spawn against `close()`, with one worker and with two.
#[test]
fn spawn_against_close() {
    for workers in [1, 2] {
        explore(3, move || {
            let (lane, workers) = Loop::new(workers);
            let handle = lane.handle();
            let held = Arc::new(());
            let in_future = held.clone();
            let submitter = spawn(move || {
                handle.try_spawn(async move {
                    let _held = in_future;
                    pending::<()>().await;
                })
            });
            lane.close();
            match submitter.join().unwrap() {
                Ok(task) => assert!(task.cancelled(), "accepted, and neither ran nor cancelled"),
                Err(refused) => assert_eq!(Arc::strong_count(&held), 2, "{refused}"),
            }
            assert_eq!(Arc::strong_count(&held), 1);
            assert!(lane.is_drained(), "a task is left in a queue");
            drop(workers);
        });
    }
}

/// A callback against `close()`, in the lane and in the one queue.
#[test]
fn call_soon_against_close() {
    for workers in [1, 2] {
        explore(3, move || {
            let (lane, workers) = Loop::new(workers);
            let handle = lane.handle();
            let held = Arc::new(());
            let in_callback = held.clone();
            let submitter = spawn(move || handle.try_call_soon(move || drop(in_callback)));
            lane.close();
            match submitter.join().unwrap() {
                Ok(call) => assert!(call.cancelled(), "accepted, and neither ran nor cancelled"),
                Err(refused) => drop(refused),
            }
            assert_eq!(Arc::strong_count(&held), 1);
            assert!(lane.is_drained(), "a task is left in a queue");
            drop(workers);
        });
    }
}

/// A wake against `close()`: it does nothing, or its `Runnable` is collected.
#[test]
fn wake_against_close() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let (send, receive) = std::sync::mpsc::channel::<Waker>();
        let task = lane.handle().spawn(poll_fn(move |cx| {
            send.send(cx.waker().clone()).unwrap();
            Poll::<()>::Pending
        }));
        assert!(workers[0].run_one());
        let waker = receive.recv().unwrap();
        let waking = spawn(move || waker.wake());
        lane.close();
        waking.join().unwrap();
        assert!(task.cancelled());
        assert!(lane.is_drained(), "a task is left in a queue");
    });
}

/// A worker that ends drops its pinned tasks, on its own thread, against a wake of one of them.
#[test]
fn wake_against_the_end_of_a_pinned_task() {
    explore(2, || {
        let (lane, mut workers) = Loop::new(2);
        let worker = workers.pop().unwrap();
        let (send, receive) = std::sync::mpsc::channel::<Waker>();
        let held = Arc::new(());
        let in_future = held.clone();
        let task = lane.handle().spawn_pinned(move || {
            poll_fn(move |cx| {
                let _held = &in_future;
                let _ = send.send(cx.waker().clone());
                Poll::<()>::Pending
            })
        });
        assert!(worker.run_one());
        let waker = receive.recv().unwrap();
        let waking = spawn(move || waker.wake());
        let background = spawn(move || worker.background());
        lane.exit();
        background.join().unwrap();
        assert!(task.cancelled(), "it outlives its thread");
        assert_eq!(Arc::strong_count(&held), 1);
        lane.close();
        waking.join().unwrap();
        assert!(lane.is_drained(), "a task is left in a queue");
    });
}

/// The callback lane runs what arrives while it runs.
#[test]
fn lane_against_callback() {
    explore(2, || {
        let (lane, workers) = Loop::new(2);
        let handle = lane.handle();
        let ran = Arc::new(());
        let (first, second) = (ran.clone(), ran.clone());
        handle.try_call_soon(move || drop(first)).unwrap();
        let submitter = spawn(move || handle.try_call_soon(move || drop(second)).unwrap());
        while workers[0].run_one() {}
        submitter.join().unwrap();
        while workers[0].run_one() {}
        assert_eq!(Arc::strong_count(&ran), 1, "a callback that was due did not run");
        lane.close();
    });
}

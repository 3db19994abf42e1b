//! A poll that does not return strands nothing: what is ready behind it is run by others.
//!
//! Each test blocks a worker inside a poll until others have done the work, so that a stranded task
//! hangs the test.

#![allow(clippy::disallowed_types, reason = "tests are not model-checked")]

mod common;

use std::sync::mpsc;
use std::task::Poll;

use common::{runtime, yield_now};
use loopwork_core::{Handle, block_in_place};

/// Spawns `children` tasks, and blocks until all have run.
fn spawn_and_block(handle: &Handle, children: usize) {
    let (done, ended) = mpsc::channel();
    for n in 0..children {
        let done = done.clone();
        drop(handle.spawn(async move { done.send(n).unwrap() }));
    }
    let mut ran: Vec<_> = ended.iter().take(children).collect();
    ran.sort_unstable();
    assert!(ran.into_iter().eq(0..children), "each ran once");
}

async fn cheap_rounds(handle: &Handle, rounds: usize) {
    for _ in 0..rounds {
        handle.spawn(async {}).await.unwrap();
    }
}

#[test]
fn children_of_a_task_that_computes_on_are_run_by_others() {
    for workers in [2, 8] {
        for children in [1, 2, 31, 32, 33, 1000] {
            let mut runtime = runtime(workers);
            let handle = runtime.handle();
            let parent = handle.clone();
            let task = handle.spawn(async move { spawn_and_block(&parent, children) });
            runtime.block_on(task.into_future()).unwrap().unwrap();
        }
    }
}

#[test]
fn also_after_cheap_times_in_which_help_was_not_worth_it() {
    for workers in [2, 8] {
        let mut runtime = runtime(workers);
        let handle = runtime.handle();
        let parent = handle.clone();
        let task = handle.spawn(async move {
            for children in [1, 2, 33, 1, 100] {
                cheap_rounds(&parent, 2000).await;
                spawn_and_block(&parent, children);
            }
        });
        runtime.block_on(task.into_future()).unwrap().unwrap();
    }
}

#[test]
fn tasks_that_were_ready_before_the_long_poll_are_run_by_others() {
    for workers in [2, 8] {
        let mut runtime = runtime(workers);
        let handle = runtime.handle();
        let parent = handle.clone();
        let task = handle.spawn(async move {
            cheap_rounds(&parent, 2000).await;
            let (done, ended) = mpsc::channel();
            for _ in 0..50 {
                let done = done.clone();
                drop(parent.spawn(async move {
                    for _ in 0..10 {
                        yield_now().await;
                    }
                    done.send(()).unwrap();
                }));
            }
            // Some have begun, and are in whatever queue.
            yield_now().await;
            assert_eq!(ended.iter().take(50).count(), 50);
        });
        runtime.block_on(task.into_future()).unwrap().unwrap();
    }
}

#[test]
fn the_root_may_be_stuck_as_well() {
    let mut runtime = runtime(2);
    let handle = runtime.handle();
    runtime.block_on(async { spawn_and_block(&handle, 100) }).unwrap();
}

#[test]
fn block_in_place_hands_over_what_is_ready() {
    for workers in [2, 8] {
        let mut runtime = runtime(workers);
        let handle = runtime.handle();
        let parent = handle.clone();
        let task = handle.spawn(async move {
            cheap_rounds(&parent, 2000).await;
            let (done, ended) = mpsc::channel();
            let before = done.clone();
            drop(parent.spawn(async move { before.send("before").unwrap() }));
            block_in_place(|| {
                drop(parent.spawn(async move { done.send("inside").unwrap() }));
                assert!(loopwork_context::may_block().is_ok());
                let mut ran: Vec<_> = ended.iter().collect();
                ran.sort_unstable();
                assert_eq!(ran, ["before", "inside"]);
            });
            assert!(loopwork_context::may_block().is_err(), "and then no more");
            assert!(Handle::current().is_ok(), "the thread is a worker again");
        });
        runtime.block_on(task.into_future()).unwrap().unwrap();
    }
}

#[test]
fn block_in_place_may_run_another_loop() {
    let mut outer = runtime(2);
    let answer = outer
        .block_on(async { block_in_place(|| runtime(2).block_on(async { 42 }).unwrap()) })
        .unwrap();
    assert_eq!(answer, 42);
}

/// The budget is the poll's, not that of an executor that runs inside it.
#[test]
fn block_in_place_is_outside_the_budget_of_the_poll() {
    let mut runtime = runtime(2);
    let handle = runtime.handle();
    let task = handle.spawn(async {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        while let Poll::Ready(progress) = loopwork_context::proceed(&mut cx) {
            progress.made();
        }
        block_in_place(|| assert!(loopwork_context::proceed(&mut cx).is_ready()));
    });
    runtime.block_on(task.into_future()).unwrap().unwrap();
}

#[test]
fn block_in_place_with_one_worker_or_none_just_calls() {
    let mut alone = runtime(1);
    assert_eq!(alone.block_on(async { block_in_place(|| 1) }).unwrap(), 1);
    assert_eq!(block_in_place(|| 2), 2);
}

#[test]
fn a_panic_in_block_in_place_leaves_the_worker_whole() {
    let mut runtime = runtime(2);
    let handle = runtime.handle();
    let task = handle.spawn(async { block_in_place(|| panic!("inside")) });
    let error = runtime.block_on(task.into_future()).unwrap().unwrap_err();
    assert!(error.is_panic());
    let inner = handle.clone();
    let next = handle.spawn(async move { inner.spawn(async { 5 }).await.unwrap() });
    assert_eq!(runtime.block_on(next.into_future()).unwrap().unwrap(), 5);
}

/// A worker that always has something to do forgets what others have taken from it.
#[test]
fn a_stolen_task_is_not_counted_where_it_was() {
    for workers in [2, 8] {
        let mut runtime = runtime(workers);
        let handle = runtime.handle();
        let parent = handle.clone();
        let task = handle.spawn(async move {
            let ((here, began), (go_on, end)) = (mpsc::channel(), mpsc::channel::<()>());
            let child = parent.spawn(async move {
                here.send(()).unwrap();
                end.recv().unwrap();
            });
            began.recv().unwrap();
            // The clock is read every 32 polls at least. This task is ready itself while it is counted.
            for _ in 0..100 {
                yield_now().await;
            }
            assert!(parent.metrics().total().queue_depth <= 1);
            go_on.send(()).unwrap();
            child.await.unwrap();
        });
        runtime.block_on(task.into_future()).unwrap().unwrap();
    }
}

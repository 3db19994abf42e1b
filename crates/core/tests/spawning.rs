//! Many at once, and pinned.

#![allow(clippy::disallowed_types, reason = "tests are not model-checked")]

mod common;

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread::{self, ThreadId};

use common::{Count, at_each_size, runtime, yield_now};

#[test]
fn many_at_once_from_a_worker_and_from_outside() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        for n in [0_u32, 1, 31, 32, 33, 1000] {
            let outside = handle.spawn_many((0..n).map(|n| async move { n }));
            let inner = handle.clone();
            let sums = runtime.block_on(async move {
                let inside = inner.spawn_many((0..n).map(|n| async move { n }));
                let mut sums = (0, 0);
                for (one, other) in outside.into_iter().zip(inside) {
                    sums = (sums.0 + one.await.unwrap(), sums.1 + other.await.unwrap());
                }
                sums
            });
            let expected = n * n.saturating_sub(1) / 2;
            assert_eq!(sums.unwrap(), (expected, expected));
        }
    });
}

#[test]
fn many_run_in_their_order_with_one_worker() {
    let mut runtime = runtime(1);
    let log = Arc::new(Mutex::new(Vec::new()));
    let futures = (0..100).map(|n| {
        let log = log.clone();
        async move { log.lock().unwrap().push(n) }
    });
    let tasks = runtime.handle().spawn_many(futures);
    runtime
        .block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        })
        .unwrap();
    assert!(log.lock().unwrap().iter().copied().eq(0..100));
}

#[test]
fn a_closed_loop_hands_all_back() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        runtime.close();
        let refused = handle.try_spawn_many((0..3).map(|n| async move { n })).unwrap_err();
        assert_eq!(refused.into_inner().len(), 3);
    });
}

/// Remembers its thread, and says on which it was dropped.
struct Here(Rc<Cell<ThreadId>>, mpsc::Sender<(ThreadId, ThreadId)>);

impl Drop for Here {
    fn drop(&mut self) {
        self.1.send((self.0.get(), thread::current().id())).unwrap();
    }
}

fn assert_on_their_threads(drops: mpsc::Receiver<(ThreadId, ThreadId)>, count: usize) {
    let drops: Vec<_> = drops.try_iter().collect();
    assert_eq!(drops.len(), count);
    assert!(drops.iter().all(|(made, dropped)| made == dropped), "{drops:?}");
}

#[test]
fn a_pinned_task_stays_on_its_thread_however_it_is_woken() {
    for workers in [2, 8] {
        let mut runtime = runtime(workers);
        let handle = runtime.handle();
        let (wakers, waiting) = mpsc::channel::<Waker>();
        let waking = thread::spawn(move || waiting.into_iter().for_each(Waker::wake));
        let (dropped, drops) = mpsc::channel();
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (wakers, dropped) = (wakers.clone(), dropped.clone());
                handle.spawn_pinned(move || async move {
                    let here = Here(Rc::new(Cell::new(thread::current().id())), dropped);
                    for _ in 0..50 {
                        let mut polls = 0;
                        poll_fn(|cx| {
                            assert_eq!(thread::current().id(), here.0.get());
                            polls += 1;
                            if polls == 2 {
                                return Poll::Ready(());
                            }
                            wakers.send(cx.waker().clone()).unwrap();
                            Poll::Pending
                        })
                        .await;
                        yield_now().await;
                    }
                    thread::current().id()
                })
            })
            .collect();
        let main = thread::current().id();
        runtime
            .block_on(async {
                for task in tasks {
                    assert_ne!(task.await.unwrap(), main, "worker 0 is nobody's home");
                }
            })
            .unwrap();
        drop(wakers);
        waking.join().unwrap();
        drop(dropped);
        assert_on_their_threads(drops, 20);
    }
}

#[test]
fn pinned_tasks_are_dropped_on_their_thread_when_the_loop_closes_or_cancels_them() {
    for workers in [2, 8] {
        let mut runtime = runtime(workers);
        let handle = runtime.handle();
        let (dropped, drops) = mpsc::channel();
        let started = Count::default();
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let (dropped, started) = (dropped.clone(), started.clone());
                handle.spawn_pinned(move || async move {
                    let _here = Here(Rc::new(Cell::new(thread::current().id())), dropped);
                    started.add();
                    pending::<()>().await;
                })
            })
            .collect();
        runtime
            .block_on(async {
                while started.get() < 10 {
                    yield_now().await;
                }
                for task in &tasks[..3] {
                    assert!(task.cancel());
                }
                while !tasks[..3].iter().all(|task| task.done()) {
                    yield_now().await;
                }
            })
            .unwrap();
        runtime.close();
        drop(dropped);
        assert_on_their_threads(drops, 10);
        assert!(tasks.iter().all(|task| task.cancelled()));
    }
}

#[test]
fn a_pinned_task_that_never_ran_is_dropped_with_its_loop() {
    let drops = Count::default();
    let mut runtime = runtime(2);
    let held = drops.on_drop();
    let task = runtime.handle().spawn_pinned(move || async move {
        let _held = held;
    });
    runtime.close();
    assert!(task.cancelled());
    assert_eq!(drops.get(), 1);
}

#[test]
#[should_panic(expected = "use a `LocalSet`")]
fn with_one_worker_nothing_can_be_pinned() {
    let runtime = runtime(1);
    drop(runtime.handle().spawn_pinned(|| async {}));
}

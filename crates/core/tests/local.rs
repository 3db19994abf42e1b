//! Tasks that stay on one thread.

#![allow(clippy::disallowed_types, reason = "tests are not model-checked")]

mod common;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::{Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;

use common::{Count, Forever, at_each_size, yield_now};
use loopwork_core::{LocalSet, current_task, spawn_local};

#[test]
fn tasks_run_in_the_order_they_were_woken_beside_the_future_that_drives_them() {
    at_each_size(|runtime| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let local = LocalSet::new();
        let finished = runtime
            .block_on(local.run_until(async {
                let tasks: Vec<_> = (0..3)
                    .map(|n| {
                        let log = log.clone();
                        spawn_local(async move {
                            for round in 0..2 {
                                log.borrow_mut().push((round, n));
                                yield_now().await;
                            }
                            n
                        })
                    })
                    .collect();
                let mut sum = 0;
                for task in tasks {
                    sum += task.await.unwrap();
                }
                sum
            }))
            .unwrap();
        assert_eq!(finished, 3);
        assert_eq!(*log.borrow(), [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
        assert!(local.is_empty());
    });
}

#[test]
fn a_wake_from_another_thread_reaches_its_task() {
    at_each_size(|runtime| {
        for _ in 0..200 {
            let local = LocalSet::new();
            let (wakers, waiting) = std::sync::mpsc::channel::<Waker>();
            let waker = thread::spawn(move || waiting.recv().unwrap().wake());
            let woken = local.run_until(async move {
                let mut polls = 0;
                spawn_local(poll_fn(move |cx| {
                    polls += 1;
                    if polls == 2 {
                        return Poll::Ready(polls);
                    }
                    wakers.send(cx.waker().clone()).unwrap();
                    Poll::Pending
                }))
                .await
                .unwrap()
            });
            assert_eq!(runtime.block_on(woken).unwrap(), 2);
            waker.join().unwrap();
        }
    });
}

#[test]
fn all_is_polled_and_dropped_on_one_thread() {
    struct Here(thread::ThreadId, Count);
    impl Drop for Here {
        fn drop(&mut self) {
            assert_eq!(thread::current().id(), self.0);
            self.1.add();
        }
    }
    at_each_size(|runtime| {
        let drops = Count::default();
        let local = LocalSet::new();
        for n in 0..10 {
            let here = Here(thread::current().id(), drops.clone());
            drop(local.spawn_local(async move {
                let _here = here;
                for _ in 0..n {
                    yield_now().await;
                }
                if n == 9 {
                    pending::<()>().await;
                }
            }));
        }
        runtime
            .block_on(local.run_until(async {
                while local.len() > 1 {
                    yield_now().await;
                }
            }))
            .unwrap();
        assert_eq!(drops.get(), 9);
        drop(local);
        assert_eq!(drops.get(), 10, "the set drops what it still has");
    });
}

#[test]
fn cancelled_and_panicked_tasks_say_so() {
    at_each_size(|runtime| {
        let local = LocalSet::new();
        let polls = Count::default();
        let ended = polls.clone();
        runtime
            .block_on(local.run_until(async {
                let task = spawn_local(Forever(polls.clone()));
                yield_now().await;
                assert!(task.cancel() && !task.done());
                assert!(task.await.unwrap_err().is_cancelled());
                let task = spawn_local(async { panic!("inside") });
                assert!(task.await.unwrap_err().is_panic());
                let task = spawn_local(async { 1 });
                yield_now().await;
                yield_now().await;
                assert!(task.done() && !task.cancel(), "too late");
                assert_eq!(task.await.unwrap(), 1);
            }))
            .unwrap();
        assert_eq!(ended.get(), 2, "once to begin, once for the request");
    });
}

#[test]
fn a_request_is_forwarded_to_the_local_task_that_is_awaited() {
    at_each_size(|runtime| {
        let inner = Rc::new(Cell::new(None));
        let seen = inner.clone();
        let handle = runtime.handle();
        let outcome = runtime.block_on(async {
            let local = LocalSet::new();
            local
                .run_until(async {
                    let child = spawn_local(pending::<()>());
                    let parent = spawn_local(async move {
                        let result = child.await;
                        seen.set(Some(result.is_err()));
                    });
                    yield_now().await;
                    assert!(parent.cancel());
                    parent.await
                })
                .await
        });
        assert!(outcome.unwrap().unwrap_err().is_cancelled());
        assert_eq!(inner.get(), None, "the request went on through the parent's await");
        drop(handle);
    });
}

/// The waker of the task that drives the set is called inside a local task's poll.
#[test]
fn a_local_task_may_wake_the_task_that_drives_it() {
    at_each_size(|runtime| {
        let slot = Rc::new(RefCell::new((None, None::<Waker>)));
        let (sent, local) = (slot.clone(), LocalSet::new());
        drop(local.spawn_local(async move {
            yield_now().await;
            sent.borrow_mut().0 = Some(5);
            let waker = sent.borrow_mut().1.take();
            waker.expect("the driver waits").wake();
            pending::<()>().await;
        }));
        let received = poll_fn(move |cx| {
            let (value, waker) = &mut *slot.borrow_mut();
            *waker = Some(cx.waker().clone());
            value.take().map_or(Poll::Pending, Poll::Ready)
        });
        assert_eq!(runtime.block_on(local.run_until(received)).unwrap(), 5);
        assert_eq!(local.len(), 1);
    });
}

#[test]
fn inside_a_local_task_the_current_task_is_the_one_that_drives_it() {
    at_each_size(|runtime| {
        let local = LocalSet::new();
        let (outer, inner) = runtime
            .block_on(local.run_until(async {
                let inner = spawn_local(async { current_task().unwrap().id() });
                (current_task().unwrap().id(), inner.await.unwrap())
            }))
            .unwrap();
        assert_eq!(outer, inner);
    });
}

#[test]
fn a_set_that_is_dropped_cancels_its_tasks() {
    at_each_size(|runtime| {
        let drops = Count::default();
        let local = LocalSet::new();
        let counted = drops.on_drop();
        let task = local.spawn_local(async move {
            let _counted = counted;
            pending::<()>().await;
        });
        runtime.block_on(local.run_until(yield_now())).unwrap();
        drop(local);
        assert!(task.done());
        assert_eq!(drops.get(), 1);
        let error = runtime.block_on(task.into_future()).unwrap().unwrap_err();
        assert!(error.is_cancelled());
    });
}

#[test]
fn awaiting_the_set_waits_for_all() {
    at_each_size(|runtime| {
        let ran = Rc::new(Cell::new(0));
        let local = LocalSet::new();
        for n in 0..500 {
            let ran = ran.clone();
            drop(local.spawn_local(async move {
                for _ in 0..n % 7 {
                    yield_now().await;
                }
                let (inner, more) = (ran.clone(), n % 3 == 0);
                if more {
                    drop(spawn_local(async move { inner.set(inner.get() + 1) }));
                }
                ran.set(ran.get() + 1);
            }));
        }
        runtime.block_on(local).unwrap();
        assert_eq!(ran.get(), 500 + 167);
    });
}

#[test]
fn a_busy_set_lets_the_loop_run() {
    at_each_size(|runtime| {
        let local = LocalSet::new();
        let other = runtime.handle().spawn(async { 7 });
        let seen = Mutex::new(None);
        runtime
            .block_on(local.run_until(async {
                drop(spawn_local(async {
                    loop {
                        yield_now().await;
                    }
                }));
                *seen.lock().unwrap() = Some(other.await.unwrap());
            }))
            .unwrap();
        assert_eq!(seen.into_inner().unwrap(), Some(7));
    });
}

#[test]
#[should_panic(expected = "call it inside `LocalSet::run_until`")]
fn spawn_local_needs_a_set() {
    drop(spawn_local(async {}));
}

#[test]
fn a_yield_beside_a_wait_for_another_thread() {
    at_each_size(|runtime| {
        for _ in 0..50 {
            let (send, wakers) = mpsc::channel::<Waker>();
            let waking = thread::spawn(move || wakers.into_iter().for_each(Waker::wake));
            let set = LocalSet::new();
            // It wakes the task around the set, from inside a poll of the set's own.
            drop(set.spawn_local(yield_now()));
            let mut waits = false;
            let waits = set.spawn_local(poll_fn(move |cx| {
                if std::mem::replace(&mut waits, true) {
                    return Poll::Ready(());
                }
                send.send(cx.waker().clone()).unwrap();
                Poll::Pending
            }));
            runtime.block_on(set.run_until(waits.into_future())).unwrap().unwrap();
            waking.join().unwrap();
        }
    });
}

//! Running, stopping, nesting and closing loops; callbacks.

#![allow(clippy::disallowed_types, reason = "tests are not model-checked")]

mod common;

use std::future::pending;
use std::pin::pin;
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;

use common::{Count, Log, at_each_size, runtime, yield_now};
use loopwork_core::{Handle, LoopError, current_task};

#[test]
fn a1_callbacks_run_in_order_each_once_never_two_at_a_time() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (log, entries) = Log::new();
        let inside = Arc::new(std::sync::Mutex::new(()));
        for n in 0..1000 {
            let (log, inside) = (log.clone(), inside.clone());
            handle
                .try_call_soon(move || {
                    let _alone = inside.try_lock().expect("callbacks never overlap");
                    assert!(current_task().is_none(), "D19: a callback is no task");
                    log.push(n);
                })
                .unwrap();
        }
        let stop = handle.clone();
        handle.try_call_soon(move || stop.stop()).unwrap();
        runtime.run_forever().unwrap();
        assert!(entries.try_iter().eq(0..1000));
    });
}

/// What was lost on one thread is not subtracted on the next one that runs the loop.
#[test]
fn friction_stays_with_the_thread_where_it_was() {
    let work = || async {
        loopwork_context::add_friction(1_000);
        for _ in 0..200 {
            yield_now().await;
        }
    };
    for workers in [1, 2, 8] {
        let mut runtime = runtime(workers);
        loopwork_context::add_friction(1_000_000_000);
        runtime.block_on(work()).unwrap();
        thread::spawn(move || runtime.block_on(work()).unwrap()).join().unwrap();
    }
}

#[test]
fn callbacks_due_when_the_root_ends_have_run_when_the_run_returns() {
    at_each_size(|runtime| {
        for _ in 0..200 {
            let handle = runtime.handle();
            let ran = Count::default();
            let (of_task, of_root) = (ran.clone(), ran.clone());
            let task = handle.spawn(async {});
            task.add_done_callback(move |_| of_task.add());
            let root = async move {
                // It may find the task done before the callback is due.
                task.await.unwrap();
                handle.try_call_soon(move || of_root.add()).unwrap();
            };
            runtime.block_on(root).unwrap();
            assert_eq!(ran.get(), 2);
        }
    });
}

#[test]
fn a_callback_that_reschedules_itself_does_not_hold_a_run_whose_root_has_ended() {
    fn again(handle: Handle) {
        let next = handle.clone();
        drop(handle.try_call_soon(move || again(next)));
    }
    at_each_size(|runtime| {
        again(runtime.handle());
        runtime.block_on(yield_now()).unwrap();
    });
}

#[test]
fn a4_a5_a_cancelled_callback_is_dropped_and_skipped() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (ran, drops) = (Count::default(), Count::default());
        let (counted, dropped) = (ran.clone(), drops.on_drop());
        let call = handle
            .try_call_soon(move || {
                let _dropped = &dropped;
                counted.add();
            })
            .unwrap();
        assert!(call.cancel() && !call.cancel() && call.cancelled());
        assert_eq!(drops.get(), 1, "what it held goes at once");
        runtime.block_on(yield_now()).unwrap();
        assert_eq!(ran.get(), 0);
    });
}

#[test]
fn a7_a_panicking_callback_is_reported_and_the_loop_goes_on() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (log, reports) = Log::new();
        handle.set_exception_handler(Some(Arc::new(move |context| log.push(context.to_string()))));
        handle.try_call_soon(|| panic!("first")).unwrap();
        let stop = handle.clone();
        handle.try_call_soon(move || stop.stop()).unwrap();
        runtime.run_forever().unwrap();
        assert_eq!(reports.try_iter().collect::<Vec<_>>(), ["a callback panicked: first"]);
    });
}

/// A panic whose payload panics when it is dropped does not end the lane.
#[test]
fn a7_a_panic_within_a_panic_does_not_end_the_lane() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            // Such a payload is let go. This one has no size, so that nothing leaks with it.
            std::panic::resume_unwind(Box::new(()));
        }
    }
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (log, reports) = Log::new();
        handle.set_exception_handler(Some(Arc::new(move |context| log.push(context.to_string()))));
        handle.try_call_soon(|| std::panic::panic_any(Bomb)).unwrap();
        let ran = Count::default();
        let (counted, stop) = (ran.clone(), handle.clone());
        let second = move || {
            counted.add();
            stop.stop();
        };
        handle.try_call_soon(second).unwrap();
        runtime.run_forever().unwrap();
        assert_eq!((ran.get(), reports.try_iter().count()), (1, 1));
    });
}

#[test]
fn a9_stop_lets_the_snapshot_finish_and_no_more() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (log, entries) = Log::new();
        for n in 0..3 {
            let (handle, log) = (handle.clone(), log.clone());
            let later = (handle.clone(), log.clone());
            handle
                .clone()
                .try_call_soon(move || {
                    log.push(n);
                    handle.stop();
                    let (_, log) = later;
                    handle.try_call_soon(move || log.push(10 + n)).unwrap();
                })
                .unwrap();
        }
        runtime.run_forever().unwrap();
        assert_eq!(entries.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
        handle.stop();
        runtime.run_forever().unwrap();
        assert_eq!(entries.try_iter().collect::<Vec<_>>(), [10, 11, 12]);
    });
}

#[test]
fn a10_stop_before_a_run_runs_what_is_ready_once() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (polls, ran) = (Count::default(), Count::default());
        for _ in 0..5 {
            let polls = polls.clone();
            drop(handle.spawn(async move {
                loop {
                    polls.add();
                    yield_now().await;
                }
            }));
        }
        let cancelled = handle.spawn(pending::<()>());
        cancelled.cancel();
        let counted = ran.clone();
        handle.try_call_soon(move || counted.add()).unwrap();
        handle.stop();
        runtime.run_forever().unwrap();
        assert_eq!((polls.get(), ran.get()), (5, 1));
        assert!(cancelled.cancelled(), "cancelled tasks are ready too");
        // A8: no stop is left behind.
        runtime.block_on(async { yield_now().await }).unwrap();
    });
}

#[test]
fn a13_a_stopped_future_can_go_on_later() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let stop = handle.clone();
        let mut future = pin!(async move {
            stop.stop();
            yield_now().await;
            2
        });
        let stopped = runtime.block_on(future.as_mut());
        assert!(matches!(stopped, Err(LoopError::Stopped)), "{stopped:?}");
        assert_eq!(runtime.block_on(future.as_mut()).unwrap(), 2);

        let stop = handle.clone();
        let mut task = handle.spawn(async move {
            stop.stop();
            yield_now().await;
            "done"
        });
        // The stop may come after the task's end has reached the root: then there is no error.
        let value = match runtime.block_on(task.join()) {
            Ok(value) => value,
            Err(LoopError::Stopped) => runtime.block_on(task.join()).unwrap(),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(value.unwrap(), "done");
    });
}

#[test]
fn nothing_runs_while_the_loop_is_stopped() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let polls = Count::default();
        for _ in 0..4 {
            let polls = polls.clone();
            drop(handle.spawn(async move {
                loop {
                    polls.add();
                    yield_now().await;
                }
            }));
        }
        for _ in 0..20 {
            let before = polls.get();
            runtime
                .block_on(async {
                    while polls.get() < before + 10 {
                        yield_now().await
                    }
                })
                .unwrap();
            let stopped = polls.get();
            thread::yield_now();
            assert_eq!(polls.get(), stopped);
        }
    });
}

#[test]
fn a12_running_a_loop_inside_a_loop_is_an_error() {
    at_each_size(|outer| {
        let nested = outer.block_on(async {
            let mut inner = runtime(1);
            inner.block_on(async {}).unwrap_err()
        });
        assert!(matches!(nested.unwrap(), LoopError::Nested));
    });
}

#[test]
fn a15_a_closed_loop_refuses_and_hands_back() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (drops, ran) = (Count::default(), Count::default());
        let dropped = drops.on_drop();
        let mut waiting = handle.spawn(async move {
            let _dropped = dropped;
            pending::<()>().await;
        });
        let counted = ran.clone();
        let call = handle.try_call_soon(move || counted.add()).unwrap();
        runtime.close();
        runtime.close();
        assert!(handle.is_closed() && call.cancelled());
        assert_eq!((drops.get(), ran.get()), (1, 0));
        assert!(matches!(runtime.block_on(async {}), Err(LoopError::Closed)));
        assert!(matches!(runtime.run_forever(), Err(LoopError::Closed)));
        assert!(handle.try_spawn(async {}).is_err());
        let callback = handle.try_call_soon(|| ()).unwrap_err().into_inner();
        callback();
        let other = &mut common::runtime(1);
        let error = other.block_on(waiting.join()).unwrap().unwrap_err();
        assert!(error.is_cancelled(), "its handle says so, also in another loop");
    });
}

#[test]
fn spawns_in_destructors_are_handed_back_while_closing() {
    struct Respawn(Handle, Count);
    impl Drop for Respawn {
        fn drop(&mut self) {
            assert!(self.0.try_spawn(async {}).is_err());
            assert!(self.0.try_call_soon(|| ()).is_err());
            self.1.add();
        }
    }
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let count = Count::default();
        for _ in 0..10 {
            let respawn = Respawn(handle.clone(), count.clone());
            drop(handle.spawn(async move {
                let _respawn = respawn;
                pending::<()>().await;
            }));
        }
        let respawn = Respawn(handle.clone(), count.clone());
        handle.try_call_soon(move || drop(respawn)).unwrap();
        runtime.close();
        assert_eq!(count.get(), 11);
    });
}

#[test]
fn a_waker_outlives_its_loop() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (send, wakers) = mpsc::channel();
        drop(handle.spawn(std::future::poll_fn(move |cx| {
            send.send(cx.waker().clone()).unwrap();
            std::task::Poll::<()>::Pending
        })));
        handle.stop();
        runtime.run_forever().unwrap();
        let waker = wakers.recv().unwrap();
        runtime.close();
        waker.wake_by_ref();
        waker.wake();
    });
}

#[test]
fn done_callbacks_and_awaiters_hear_in_order_of_registration() {
    // With one worker the order is total.
    let mut runtime = runtime(1);
    let handle = runtime.handle();
    let (log, entries) = Log::new();
    runtime
        .block_on(async move {
            let task = handle.spawn(async {
                yield_now().await;
                "result"
            });
            let first = log.clone();
            task.add_done_callback(move |task| first.push(task.result().unwrap()));
            let (second, shared) = (log.clone(), task.clone());
            let waiter = handle.spawn(async move {
                shared.await.unwrap();
                second.push("awaiter");
            });
            yield_now().await;
            let third = log.clone();
            let removed = task.add_done_callback(|_| panic!("removed"));
            task.add_done_callback(move |_| third.push("third"));
            removed.cancel();
            waiter.await.unwrap();
            yield_now().await;
            let late = log.clone();
            task.add_done_callback(move |_| late.push("late"));
            log.push("registered");
            yield_now().await;
            yield_now().await;
        })
        .unwrap();
    let entries: Vec<_> = entries.try_iter().collect();
    assert_eq!(entries, ["result", "awaiter", "third", "registered", "late"]);
}

#[test]
fn h1_other_threads_wake_a_sleeping_loop_and_keep_their_order() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (log, entries) = Log::new();
        let submitters: Vec<_> = (0..4)
            .map(|who| {
                let (handle, log) = (handle.clone(), log.clone());
                thread::spawn(move || {
                    for n in 0..100 {
                        let log = log.clone();
                        handle.try_call_soon(move || log.push((who, n))).unwrap();
                    }
                })
            })
            .collect();
        let stop = handle.clone();
        let stopper = thread::spawn(move || {
            submitters.into_iter().for_each(|submitter| submitter.join().unwrap());
            stop.try_call_soon({
                let stop = stop.clone();
                move || stop.stop()
            })
            .unwrap();
        });
        runtime.run_forever().unwrap();
        stopper.join().unwrap();
        let entries: Vec<_> = entries.try_iter().collect();
        assert_eq!(entries.len(), 400);
        for who in 0..4 {
            assert!(entries.iter().filter(|entry| entry.0 == who).map(|entry| entry.1).eq(0..100));
        }
    });
}

#[test]
fn h4_cancel_from_another_thread_waits_for_the_callback_to_end() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (begun, ended) = (Arc::new(Barrier::new(2)), Count::default());
        let (inside, counted) = (begun.clone(), ended.clone());
        let call = handle
            .try_call_soon(move || {
                inside.wait();
                thread::yield_now();
                counted.add();
            })
            .unwrap();
        let stop = handle.clone();
        let canceller = thread::spawn(move || {
            begun.wait();
            assert!(!call.cancel());
            let ended = ended.get();
            stop.stop();
            ended
        });
        runtime.run_forever().unwrap();
        assert_eq!(canceller.join().unwrap(), 1, "the callback had ended when cancel returned");
    });
}

#[test]
fn siblings_take_work_while_one_worker_is_stuck() {
    for workers in [2, 8] {
        let mut runtime = runtime(workers);
        let handle = runtime.handle();
        runtime
            .block_on(async move {
                // Blocks its worker until another task has run: only a sibling can do that.
                let (send, receive) = mpsc::channel();
                let stuck = handle.spawn({
                    let handle = handle.clone();
                    async move {
                        let helper = handle.spawn(async move { send.send(()).unwrap() });
                        receive.recv().unwrap();
                        helper.await.unwrap();
                    }
                });
                stuck.await.unwrap();
            })
            .unwrap();
    }
}

#[test]
fn workers_1_is_one_fifo_and_a_seed_shuffles_it() {
    let order = |seed: Option<u64>| {
        let mut builder = loopwork_core::Builder::new();
        if let Some(seed) = seed {
            builder = builder.seed(seed);
        }
        let mut runtime = builder.build(loopwork_core::SleepDriver::new()).unwrap();
        let handle = runtime.handle();
        let (log, entries) = Log::new();
        for n in 0..8 {
            let task = log.clone();
            drop(handle.spawn(async move { task.push(2 * n) }));
            let callback = log.clone();
            handle.try_call_soon(move || callback.push(2 * n + 1)).unwrap();
        }
        handle.stop();
        runtime.run_forever().unwrap();
        entries.try_iter().collect::<Vec<_>>()
    };
    let fifo: Vec<_> = (0..16).collect();
    assert_eq!(order(None), fifo);
    assert_eq!(order(Some(1)), order(Some(1)));
    assert_ne!(order(Some(1)), order(Some(2)));
    let callbacks = order(Some(1)).into_iter().filter(|n| n % 2 == 1).collect::<Vec<_>>();
    assert!(callbacks.is_sorted(), "callbacks keep their order under any seed");
    let mut all = order(Some(3));
    all.sort_unstable();
    assert_eq!(all, fifo);
}

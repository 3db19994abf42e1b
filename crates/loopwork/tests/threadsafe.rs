//! Group H of `docs/semantics.md`: submitting to a loop from other threads.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use common::{Count, Log, WORKERS, at_each_size};
use loopwork::sync::Event;
use loopwork::{EventLoop, LoopError, run_coroutine_threadsafe, sleep, yield_now};

/// Calls `test` with a loop of 1, 2 and 8 workers that runs in the background.
fn with_background(test: impl Fn(loopwork::Handle)) {
    for workers in WORKERS {
        let background = EventLoop::builder().workers(workers).start().unwrap();
        test(background.handle());
    }
}

#[test]
fn h1_a_submission_wakes_a_sleeping_loop_and_callers_keep_their_order() {
    with_background(|handle| {
        let (log, entries) = Log::new();
        for n in 0..200 {
            let log = log.clone();
            handle.call_soon_threadsafe(move || log.push(n)).unwrap();
            if n % 50 == 0 {
                // The loop has nothing to do by now, or soon: the next one wakes it.
                while entries.try_recv() != Ok(n) {
                    thread::yield_now();
                }
            }
        }
        let last = run_coroutine_threadsafe(async {}, &handle).unwrap();
        last.result(None).unwrap();
        let fence = Arc::new(Barrier::new(2));
        let inside = fence.clone();
        handle.call_soon_threadsafe(move || _ = inside.wait()).unwrap();
        fence.wait();
        let rest: Vec<_> = entries.try_iter().collect();
        assert_eq!(rest, (151..200).collect::<Vec<_>>());
    });
}

#[test]
fn h2_a_closed_loop_hands_back_what_is_submitted() {
    at_each_size(|event_loop| {
        let handle = event_loop.handle();
        event_loop.close();
        let ran = Count::default();
        let counted = ran.clone();
        let callback = handle.call_soon_threadsafe(move || counted.add()).unwrap_err().into_inner();
        callback();
        assert_eq!(ran.get(), 1);
        let refused = run_coroutine_threadsafe(async { 2 }, &handle).unwrap_err();
        assert_eq!(refused.to_string(), LoopError::Closed.to_string());
        let value = common::event_loop(1).run_until_complete(refused.into_inner());
        assert_eq!(value.unwrap(), 2);
    });
}

#[test]
fn h4_cancelling_before_the_start_prevents_the_run_and_from_inside_is_harmless() {
    with_background(|handle| {
        let (begun, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (inside, gate) = (begun.clone(), go_on.clone());
        handle
            .call_soon_threadsafe(move || {
                inside.wait();
                gate.wait();
            })
            .unwrap();
        begun.wait();
        let ran = Count::default();
        let counted = ran.clone();
        let call = handle.call_soon_threadsafe(move || counted.add()).unwrap();
        assert!(call.cancel());
        go_on.wait();

        let (send, receive) = mpsc::channel::<loopwork::CallHandle>();
        let (done, is_done) = mpsc::channel();
        let own = handle
            .call_soon_threadsafe(move || {
                let own = receive.recv().unwrap();
                done.send(own.cancel()).unwrap();
            })
            .unwrap();
        send.send(own).unwrap();
        assert!(!is_done.recv().unwrap());
        assert_eq!(ran.get(), 0);
    });
}

#[test]
fn h5_thousands_of_submissions_racing_timers_and_cancels_run_exactly_once() {
    with_background(|handle| {
        let (ran, cancelled) = (Count::default(), Count::default());
        let submitters: Vec<_> = (0..4u64)
            .map(|who| {
                let (handle, ran, cancelled) = (handle.clone(), ran.clone(), cancelled.clone());
                thread::spawn(move || {
                    for n in 0..1024u64 {
                        let counted = ran.clone();
                        match (who + n) % 4 {
                            0 => {
                                let delay = Duration::from_micros(n % 700);
                                let timer = handle.call_later(delay, move || counted.add());
                                if n % 3 == 0 && timer.cancel() {
                                    cancelled.add();
                                }
                            }
                            1 => {
                                let call =
                                    handle.call_soon_threadsafe(move || counted.add()).unwrap();
                                if call.cancel() {
                                    cancelled.add();
                                }
                            }
                            _ => drop(handle.call_soon_threadsafe(move || counted.add()).unwrap()),
                        }
                    }
                })
            })
            .collect();
        submitters.into_iter().for_each(|submitter| submitter.join().unwrap());
        while ran.get() + cancelled.get() < 4096 {
            thread::yield_now();
        }
        run_coroutine_threadsafe(sleep_in(Duration::from_millis(2)), &handle)
            .unwrap()
            .result(None)
            .unwrap();
        assert_eq!(ran.get() + cancelled.get(), 4096);
    });
}

async fn sleep_in(duration: Duration) {
    sleep(duration).await;
}

#[test]
fn h6_a_timeout_of_result_does_not_cancel() {
    with_background(|handle| {
        let gate = Arc::new(Event::new());
        let waiting = gate.clone();
        let future = run_coroutine_threadsafe(
            async move {
                waiting.wait().await;
                "late"
            },
            &handle,
        )
        .unwrap();
        let error = future.result(Some(Duration::from_millis(1))).unwrap_err();
        assert!(error.is_timeout() && !future.cancelled());
        gate.set();
        assert_eq!(future.result(None).unwrap(), "late");
    });
}

#[test]
fn h7_values_and_panics_cross_over() {
    with_background(|handle| {
        let value = run_coroutine_threadsafe(async { vec![1, 2, 3] }, &handle).unwrap();
        assert_eq!(value.result(None).unwrap(), [1, 2, 3]);
        let failed = run_coroutine_threadsafe(async { panic!("over there") }, &handle).unwrap();
        let error = failed.exception(None).unwrap().expect("it panicked");
        assert!(error.is_panic() && error.to_string().contains("over there"));
        assert!(failed.result(None).unwrap_err().is_panic());
    });
}

#[test]
fn h8_cancel_crosses_both_ways() {
    with_background(|handle| {
        let drops = Count::default();
        let (dropped, (begun, has_begun)) = (drops.on_drop(), mpsc::channel());
        let future = run_coroutine_threadsafe(
            async move {
                let _dropped = dropped;
                begun.send(()).unwrap();
                std::future::pending::<()>().await;
            },
            &handle,
        )
        .unwrap();
        has_begun.recv().unwrap();
        assert!(future.cancel());
        assert!(future.cancelled() && future.done());
        // H9: cancelled at once; the task has ended only when it says so.
        future.cancel_and_wait(None).unwrap();
        assert_eq!(drops.get(), 1);
        assert!(future.result(None).unwrap_err().is_cancelled());

        let (send, receive) = mpsc::channel();
        let inner = run_coroutine_threadsafe(
            async move {
                send.send(loopwork::current_task().unwrap()).unwrap();
                std::future::pending::<()>().await;
            },
            &handle,
        )
        .unwrap();
        assert!(receive.recv().unwrap().cancel());
        assert!(inner.result(None).unwrap_err().is_cancelled());
    });
}

/// Where asyncio drops the completion silently, the future says that it was cancelled.
#[test]
fn h12_closing_the_loop_cancels_the_futures_that_are_out() {
    at_each_size(|event_loop| {
        let future =
            run_coroutine_threadsafe(std::future::pending::<()>(), &event_loop.handle()).unwrap();
        let waiter = thread::spawn({
            let future = future.clone();
            move || future.result(None).unwrap_err().is_cancelled()
        });
        event_loop.close();
        assert!(waiter.join().unwrap());
        assert!(future.cancelled());
    });
}

#[test]
fn h13_all_tasks_from_many_threads_sees_every_live_task() {
    with_background(|handle| {
        let gate = Arc::new(Event::new());
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let gate = gate.clone();
                handle.create_task(async move { gate.wait().await })
            })
            .collect();
        let stop = Arc::new(AtomicBool::new(false));
        let churn = {
            let (handle, stop) = (handle.clone(), stop.clone());
            thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let last = run_coroutine_threadsafe(yield_now(), &handle).unwrap();
                    last.result(None).unwrap();
                }
            })
        };
        let lookers: Vec<_> = (0..10)
            .map(|_| {
                let handle = handle.clone();
                let wanted: Vec<_> = tasks.iter().map(loopwork::Task::id).collect();
                thread::spawn(move || {
                    for _ in 0..20 {
                        let seen: Vec<_> =
                            handle.all_tasks().iter().map(loopwork::AnyTask::id).collect();
                        assert!(wanted.iter().all(|id| seen.contains(id)));
                    }
                })
            })
            .collect();
        lookers.into_iter().for_each(|looker| looker.join().unwrap());
        stop.store(true, Ordering::SeqCst);
        churn.join().unwrap();
        gate.set();
    });
}

#[test]
fn the_future_is_awaitable_in_another_loop() {
    with_background(|handle| {
        let value = common::event_loop(2).run_until_complete(async {
            let future = run_coroutine_threadsafe(async { 7 }, &handle).unwrap();
            future.await.unwrap()
        });
        assert_eq!(value.unwrap(), 7);
    });
}

#[test]
fn blocking_on_a_worker_panics_and_names_the_fix() {
    at_each_size(|event_loop| {
        let handle = event_loop.handle();
        let error = event_loop.run_until_complete(async move {
            let inner = handle.clone();
            let task = handle.create_task(async move {
                let future = run_coroutine_threadsafe(async {}, &inner).unwrap();
                future.result(None).unwrap();
            });
            task.await.unwrap_err()
        });
        let text = error.unwrap().to_string();
        assert!(text.contains(".await") && text.contains("run_in_executor"), "{text}");
    });
}

#[test]
fn a_guard_dropped_inside_its_own_loop_only_asks_for_the_stop() {
    for workers in WORKERS {
        let background = EventLoop::builder().workers(workers).start().unwrap();
        let handle = background.handle();
        let future = run_coroutine_threadsafe(async move { drop(background) }, &handle).unwrap();
        // Whether its task ends or is cut short by the close: nobody hangs.
        drop(future.result(None));
        while !handle.is_closed() {
            thread::yield_now();
        }
    }
}

#[test]
fn a_background_loop_can_be_taken_back() {
    for workers in WORKERS {
        let background = EventLoop::builder().workers(workers).start().unwrap();
        let mut task = background.handle().create_task(async { 3 });
        let mut event_loop = background.stop().unwrap();
        assert!(!event_loop.is_closed());
        assert_eq!(event_loop.run_until_complete(&mut task).unwrap().unwrap(), 3);
    }
}

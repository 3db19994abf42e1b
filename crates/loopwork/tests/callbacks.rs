//! Group A of `docs/semantics.md`: callbacks, their order, and the loop's life.

mod common;

use std::net::{Ipv4Addr, TcpStream as StdStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::{Count, Log, at_each_size, event_loop, run_what_is_due};
use loopwork::net::TcpListener;
use loopwork::sync::Event;
use loopwork::{EventLoop, Handle, LoopError, sleep, yield_now};

#[test]
fn a1_call_soon_keeps_order_and_runs_each_once() {
    at_each_size(|event_loop| {
        let (log, entries) = Log::new();
        for n in 0..100 {
            let log = log.clone();
            event_loop.call_soon(move || log.push(n));
        }
        run_what_is_due(event_loop);
        assert!(entries.try_iter().eq(0..100));
    });
}

/// A callback that reschedules itself for ever starves neither I/O nor timers.
#[test]
fn a2_a_callback_scheduled_by_a_callback_lets_events_come_in_between() {
    fn again(handle: Handle) {
        let next = handle.clone();
        drop(handle.call_soon_threadsafe(move || again(next)));
    }
    at_each_size(|event_loop| {
        let handle = event_loop.handle();
        again(handle);
        event_loop
            .run_until_complete(async {
                sleep(Duration::from_millis(1)).await;
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
                let addr = listener.local_addr().unwrap();
                let client = thread::spawn(move || StdStream::connect(addr).map(|_| ()));
                listener.accept().await.unwrap();
                client.join().unwrap().unwrap();
            })
            .unwrap();
    });
}

/// What is ready runs before what this iteration finds due.
#[test]
fn a3_ready_callbacks_run_before_timers_that_are_found_due() {
    let mut event_loop = event_loop(1);
    let (log, entries) = Log::new();
    let (timer, soon) = (log.clone(), log);
    let handle = event_loop.handle();
    event_loop.call_later(Duration::ZERO, move || {
        timer.push("timer");
        handle.stop();
    });
    event_loop.call_soon(move || soon.push("soon"));
    event_loop.run_forever().unwrap();
    assert!(entries.try_iter().eq(["soon", "timer"]));
}

#[test]
fn a4_a_cancelled_callback_is_skipped_though_it_is_due() {
    at_each_size(|event_loop| {
        let ran = Count::default();
        let counted = ran.clone();
        let victim = event_loop.call_soon({
            let counted = counted.clone();
            move || counted.add()
        });
        let (timer, timed) = (event_loop.handle(), ran.clone());
        let timer = timer.call_later(Duration::ZERO, move || timed.add());
        assert!(victim.cancel() && timer.cancel());
        run_what_is_due(event_loop);
        event_loop.run_until_complete(sleep_in(Duration::from_millis(2))).unwrap();
        assert_eq!(ran.get(), 0);
    });
}

/// Makes the sleep inside the loop.
async fn sleep_in(duration: Duration) {
    sleep(duration).await;
}

#[test]
fn a5_cancel_drops_what_the_callback_holds_and_is_idempotent() {
    at_each_size(|event_loop| {
        let drops = Count::default();
        let (first, second) = (drops.on_drop(), drops.on_drop());
        let call = event_loop.call_soon(move || drop(first));
        let timer = event_loop.call_later(Duration::from_secs(3600), move || drop(second));
        assert!(call.cancel() && timer.cancel());
        assert_eq!(drops.get(), 2);
        assert!(!call.cancel() && !timer.cancel());
        assert!(call.cancelled() && timer.cancelled());
        let ran = event_loop.call_soon(|| ());
        run_what_is_due(event_loop);
        assert!(!ran.cancel(), "after the run it does nothing");
        assert!(!ran.cancelled());
    });
}

#[test]
fn a7_a_panic_in_a_callback_goes_to_the_handler() {
    at_each_size(|event_loop| {
        let (log, reports) = Log::new();
        let handle = event_loop.handle();
        handle.set_exception_handler(Some(Arc::new(move |context| log.push(context.to_string()))));
        event_loop.call_soon(|| panic!("soon"));
        event_loop.call_later(Duration::ZERO, || panic!("later"));
        let done = handle.create_task(async { 1 });
        done.add_done_callback(|_| panic!("done"));
        event_loop.run_until_complete(sleep_in(Duration::from_millis(5))).unwrap();
        let mut reports: Vec<_> = reports.try_iter().collect();
        reports.sort();
        let expected = ["done", "later", "soon"].map(|what| format!("a callback panicked: {what}"));
        assert_eq!(reports, expected);
    });
}

#[test]
fn a8_the_loop_is_usable_after_a_panic_and_after_a_stop() {
    at_each_size(|event_loop| {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            event_loop.run_until_complete(async { panic!("main") })
        }));
        assert!(panicked.is_err());
        event_loop.stop();
        event_loop.run_forever().unwrap();
        assert_eq!(event_loop.run_until_complete(async { 1 }).unwrap(), 1);
    });
}

#[test]
fn a9_stop_finishes_the_batch_and_keeps_the_rest() {
    at_each_size(|event_loop| {
        let (log, entries) = Log::new();
        for n in 0..4 {
            let (log, handle) = (log.clone(), event_loop.handle());
            event_loop.call_soon(move || {
                log.push(n);
                handle.stop();
                handle.call_soon(move || log.push(10 + n));
            });
        }
        event_loop.run_forever().unwrap();
        assert!(entries.try_iter().eq(0..4));
        run_what_is_due(event_loop);
        assert!(entries.try_iter().eq(10..14));
    });
}

#[test]
fn a10_stop_before_run_forever_runs_what_is_ready_and_does_not_wait() {
    at_each_size(|event_loop| {
        let ran = Count::default();
        let counted = ran.clone();
        event_loop.call_soon(move || counted.add());
        event_loop.call_later(Duration::from_secs(3600), || unreachable!("nobody waits for it"));
        event_loop.stop();
        event_loop.run_forever().unwrap();
        assert_eq!(ran.get(), 1);
    });
}

/// A sleep that comes up as the loop stops, in the hands of a worker that still blocks in the driver.
#[test]
fn a10_what_became_ready_as_the_last_run_ended_is_ready() {
    for workers in [1, 2, 4] {
        for round in 0..200 {
            let mut event_loop = event_loop(workers);
            let handle = event_loop.handle();
            for micros in [200, 250, 300, 350] {
                let sleeps = async move { sleep(Duration::from_micros(micros)).await };
                drop(event_loop.create_task(sleeps));
            }
            let stops = handle.clone();
            event_loop.call_later(Duration::from_micros(200), move || stops.stop());
            event_loop.run_forever().unwrap();
            let left = handle.all_tasks();
            left.iter().for_each(|task| _ = task.cancel());
            event_loop.stop();
            event_loop.run_forever().unwrap();
            let left = handle.all_tasks();
            assert!(left.is_empty(), "round {round} with {workers} workers: {left:?}");
        }
    }
}

#[test]
fn a12_a17_a_loop_inside_a_loop_is_refused_and_loops_on_other_threads_are_fine() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                assert!(matches!(loopwork::run(async {}), Err(LoopError::Nested)));
                let mut inner = EventLoop::builder().workers(1).build().unwrap();
                assert!(matches!(inner.run_until_complete(async {}), Err(LoopError::Nested)));
                assert!(matches!(inner.run_forever(), Err(LoopError::Nested)));
                let outer = Handle::current().unwrap();
                let other = thread::spawn(move || {
                    inner.run_until_complete(async { Handle::current().unwrap() }).unwrap()
                });
                assert_ne!(other.join().unwrap(), outer);
            })
            .unwrap();
        assert!(Handle::current().is_err());
    });
}

#[test]
fn a13_a_stopped_task_stays_pending_and_goes_on_in_a_later_run() {
    at_each_size(|event_loop| {
        let handle = event_loop.handle();
        let gate = Arc::new(Event::new());
        let waiting = gate.clone();
        let mut task = event_loop.create_task(async move {
            waiting.wait().await;
            "done"
        });
        handle.call_soon({
            let handle = handle.clone();
            move || handle.stop()
        });
        assert!(matches!(event_loop.run_until_complete(&mut task), Err(LoopError::Stopped)));
        assert!(!task.done());
        gate.set();
        assert_eq!(event_loop.run_until_complete(&mut task).unwrap().unwrap(), "done");
    });
}

#[test]
fn a14_a_failure_that_reaches_the_caller_is_not_reported_as_well() {
    at_each_size(|event_loop| {
        let reports = Count::default();
        let reported = reports.clone();
        event_loop.handle().set_exception_handler(Some(Arc::new(move |_| reported.add())));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            event_loop.run_until_complete(async { panic!("passed on") })
        }));
        assert!(panicked.is_err());
        event_loop.close();
        assert_eq!(reports.get(), 0);
    });
}

#[test]
fn a15_a_closed_loop_refuses_everything_and_says_what_to_do() {
    at_each_size(|event_loop| {
        let handle = event_loop.handle();
        let ran = Count::default();
        let (soon, later) = (ran.clone(), ran.clone());
        let soon = event_loop.call_soon(move || soon.add());
        let later = event_loop.call_later(Duration::ZERO, move || later.add());
        event_loop.close();
        event_loop.close();
        assert!(event_loop.is_closed() && handle.is_closed());
        assert_eq!(ran.get(), 0);
        assert!(soon.cancelled() && later.cancelled(), "their handles say so");

        assert!(matches!(event_loop.run_forever(), Err(LoopError::Closed)));
        assert!(matches!(event_loop.run_until_complete(async {}), Err(LoopError::Closed)));
        assert!(handle.call_soon_threadsafe(|| ()).is_err());
        assert!(handle.try_call_at(handle.time(), || ()).is_err());
        assert!(handle.try_spawn(async {}).is_err());
        assert!(handle.run_in_executor(None, || ()).is_err());
        assert!(loopwork::run_coroutine_threadsafe(async {}, &handle).is_err());
        for refused in [
            panic_text(|| _ = handle.call_soon(|| ())),
            panic_text(|| _ = handle.call_later(Duration::ZERO, || ())),
            panic_text(|| drop(handle.create_task(async {}))),
        ] {
            assert!(refused.contains("closed") && refused.contains("hands the"), "{refused}");
        }
    });
}

fn panic_text(f: impl FnOnce()) -> String {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_err();
    payload.downcast_ref::<String>().expect("a formatted text").clone()
}

/// What was handed back can still be used: nothing leaks.
#[test]
fn a16_a_refused_future_is_handed_back() {
    at_each_size(|event_loop| {
        let handle = event_loop.handle();
        event_loop.close();
        let future = handle.try_spawn(async { 5 }).unwrap_err().into_inner();
        assert_eq!(common::event_loop(1).run_until_complete(future).unwrap(), 5);
    });
}

#[test]
fn a19_dropping_a_loop_closes_it() {
    for workers in common::WORKERS {
        let event_loop = event_loop(workers);
        let handle = event_loop.handle();
        let drops = Count::default();
        let dropped = drops.on_drop();
        drop(handle.create_task(async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        }));
        drop(event_loop);
        assert!(handle.is_closed());
        assert_eq!(drops.get(), 1);
    }
}

/// A callback that blocks holds the lane, and nothing else: tasks run, and are joined and gathered.
#[test]
fn a_callback_that_blocks_holds_the_lane_only() {
    for workers in [2, 8] {
        let mut event_loop = event_loop(workers);
        let (send, receive) = std::sync::mpsc::channel();
        let order = Count::default();
        let (blocked, behind) = (order.clone(), order.clone());
        event_loop.call_soon(move || {
            receive.recv().unwrap();
            assert_eq!(blocked.get(), 0, "the callback behind it waits");
        });
        event_loop.call_soon(move || behind.add());
        event_loop
            .run_until_complete(async move {
                let children = [1, 2, 3].map(|n| loopwork::create_task(async move { n }));
                assert_eq!(loopwork::gather(children).await.unwrap(), [1, 2, 3]);
                send.send(()).unwrap();
                while order.get() == 0 {
                    yield_now().await;
                }
            })
            .unwrap();
    }
}

/// The root is a task: it has an identity, and can be cancelled from anywhere.
#[test]
fn the_root_can_be_cancelled() {
    at_each_size(|event_loop| {
        let drops = Count::default();
        let dropped = drops.on_drop();
        let cancelled = event_loop.run_until_complete(async move {
            let _dropped = dropped;
            let root = loopwork::current_task().expect("the root is a task");
            drop(loopwork::create_task(async move { assert!(root.cancel()) }));
            std::future::pending::<()>().await;
        });
        assert!(matches!(cancelled, Err(LoopError::Cancelled)), "{cancelled:?}");
        assert_eq!(drops.get(), 1);
        assert_eq!(event_loop.run_until_complete(async { 1 }).unwrap(), 1);
    });
}

/// Where asyncio raises an error, an object of one loop can be used in another.
#[test]
fn a20_objects_are_bound_to_no_loop() {
    at_each_size(|event_loop| {
        let background = EventLoop::builder().workers(2).start().unwrap();
        let event = Arc::new(Event::new());
        let setter = event.clone();
        let task = background.handle().create_task(async move {
            yield_now().await;
            setter.set();
            "from the other loop"
        });
        let value = event_loop.run_until_complete(async move {
            event.wait().await;
            task.await.unwrap()
        });
        assert_eq!(value.unwrap(), "from the other loop");
    });
}

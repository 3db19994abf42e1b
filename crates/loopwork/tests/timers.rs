//! Group B of `docs/semantics.md`: timers of the running loop. The wheel has its own tests.

mod common;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use common::{Count, Log, at_each_size, event_loop};
use loopwork::{Handle, Instant, interval, sleep, sleep_until, yield_now};

#[test]
fn b1_call_later_is_call_at_a_later_time() {
    at_each_size(|event_loop| {
        let (before, delay) = (event_loop.time(), Duration::from_secs(100));
        let timer = event_loop.call_later(delay, || ());
        assert!(timer.when() >= before + delay && timer.when() <= event_loop.time() + delay);
        timer.cancel();
        assert!(timer.when() >= before + delay, "it answers after the cancel too");
    });
}

#[test]
fn b2_past_deadlines_run_soon_in_order_of_deadline() {
    at_each_size(|event_loop| {
        let (log, entries) = Log::new();
        let now = event_loop.time();
        for seconds in [1, 3, 2] {
            let log = log.clone();
            let when = now - Duration::from_secs(seconds);
            event_loop.call_at(when, move || log.push(seconds));
        }
        let handle = event_loop.handle();
        event_loop.call_at(now, move || handle.stop());
        event_loop.run_forever().unwrap();
        assert!(entries.try_iter().eq([3, 2, 1]));
    });
}

#[test]
fn b3_equal_deadlines_run_in_order_of_registration() {
    at_each_size(|event_loop| {
        let (log, entries) = Log::new();
        let when = event_loop.time() + Duration::from_millis(1);
        for n in 0..50 {
            let log = log.clone();
            event_loop.call_at(when, move || log.push(n));
        }
        let handle = event_loop.handle();
        event_loop.call_at(when, move || handle.stop());
        event_loop.run_forever().unwrap();
        assert!(entries.try_iter().eq(0..50));
    });
}

/// With one worker sleeps and timer callbacks share one order too.
#[test]
fn b3_sleeps_and_callbacks_of_one_worker_share_the_order() {
    let mut event_loop = event_loop(1);
    let (log, entries) = Log::new();
    event_loop
        .run_until_complete(async move {
            let handle = Handle::current().unwrap();
            let when = handle.time() + Duration::from_millis(1);
            let mut tasks = Vec::new();
            for n in 0..10 {
                let log = log.clone();
                if n % 2 == 0 {
                    handle.call_at(when, move || log.push(n));
                } else {
                    tasks.push(handle.create_task(async move {
                        sleep_until(when).await;
                        log.push(n);
                    }));
                    yield_now().await;
                }
            }
            for task in tasks {
                task.await.unwrap();
            }
        })
        .unwrap();
    // A sleep's entry makes its task ready, so that the tasks follow the callbacks of the turn.
    assert!(entries.try_iter().eq([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]));
}

#[test]
fn b4_nothing_fires_before_its_deadline() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let handle = Handle::current().unwrap();
                let tasks: Vec<_> = (0..200u64)
                    .map(|n| {
                        let delay = Duration::from_micros(n * 37 % 3000);
                        handle.create_task(async move {
                            let deadline = Instant::now() + delay;
                            sleep_until(deadline).await;
                            assert!(Instant::now() >= deadline);
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
            })
            .unwrap();
    });
}

#[test]
fn b5_absurd_delays_neither_overflow_nor_fire_and_can_be_cancelled() {
    at_each_size(|event_loop| {
        let timers: Vec<_> =
            [Duration::MAX, Duration::from_secs(1 << 55), Duration::from_secs(u64::MAX)]
                .into_iter()
                .map(|delay| event_loop.call_later(delay, || panic!("fired")))
                .collect();
        event_loop
            .run_until_complete(async {
                let mut endless = pin!(sleep(Duration::MAX));
                assert!(
                    endless.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
                );
                sleep(Duration::from_millis(1)).await;
                assert!(
                    endless.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
                );
            })
            .unwrap();
        assert!(timers.iter().all(loopwork::TimerHandle::cancel));
    });
}

#[test]
fn b6_a_cancelled_timer_holds_nothing() {
    at_each_size(|event_loop| {
        let drops = Count::default();
        for n in 0..1000 {
            let dropped = drops.on_drop();
            let timer = event_loop.call_later(Duration::from_secs(3600 + n), move || drop(dropped));
            timer.cancel();
        }
        assert_eq!(drops.get(), 1000);
    });
}

#[test]
fn b7_sleep_zero_gives_way_exactly_once() {
    let mut event_loop = event_loop(1);
    let (log, entries) = Log::new();
    event_loop
        .run_until_complete(async move {
            let other = log.clone();
            let task = loopwork::create_task(async move {
                other.push("other");
                sleep(Duration::ZERO).await;
                other.push("other again");
            });
            log.push("main");
            sleep(Duration::ZERO).await;
            log.push("main again");
            task.await.unwrap();
        })
        .unwrap();
    assert!(entries.try_iter().eq(["main", "other", "main again", "other again"]));
}

#[test]
fn b8_time_is_fresh_after_blocking_code() {
    at_each_size(|event_loop| {
        let handle = event_loop.handle();
        event_loop.call_soon(move || {
            let before = handle.time();
            let blocked = std::time::Instant::now();
            while blocked.elapsed() < Duration::from_millis(2) {
                std::hint::spin_loop();
            }
            assert!(handle.time() - before >= Duration::from_millis(2));
            handle.stop();
        });
        event_loop.run_forever().unwrap();
    });
}

#[test]
fn b9_a_timer_that_fired_holds_nothing() {
    at_each_size(|event_loop| {
        let drops = Count::default();
        let (dropped, handle) = (drops.on_drop(), event_loop.handle());
        let timer = event_loop.call_later(Duration::ZERO, move || {
            drop(dropped);
            handle.stop();
        });
        event_loop.run_forever().unwrap();
        assert_eq!(drops.get(), 1);
        assert!(!timer.cancel() && !timer.cancelled());
    });
}

#[test]
fn an_interval_ticks_at_its_deadlines() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let mut ticks = interval(Duration::from_millis(1));
                let first = ticks.tick().await;
                for n in 1..5 {
                    assert_eq!(ticks.tick().await - first, Duration::from_millis(n));
                }
            })
            .unwrap();
    });
}

#[test]
fn a_sleep_outside_a_loop_panics_and_names_the_fix() {
    let payload = std::panic::catch_unwind(|| drop(sleep(Duration::ZERO))).unwrap_err();
    let text = payload.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(text.contains("run_until_complete"), "{text}");
}

/// A worker stuck in a poll holds up neither the timers nor the I/O of its siblings.
#[test]
fn timers_fire_while_one_worker_is_stuck() {
    for workers in [2, 8] {
        let mut event_loop = event_loop(workers);
        event_loop
            .run_until_complete(async {
                let (send, receive) = std::sync::mpsc::channel();
                let timer = loopwork::create_task(async move {
                    sleep(Duration::from_millis(3)).await;
                    send.send(()).unwrap();
                });
                // Blocks its worker, on purpose, until the timer has fired on another one.
                let stuck = loopwork::create_task(async move { receive.recv().unwrap() });
                stuck.await.unwrap();
                timer.await.unwrap();
            })
            .unwrap();
    }
}

#[test]
fn a_foreign_waker_that_panics_leaves_the_loop_running() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("a foreign waker");
        }
    }
    at_each_size(|event_loop| {
        let (log, reports) = Log::new();
        event_loop.handle().set_exception_handler(Some(std::sync::Arc::new(
            move |context: &loopwork::ExceptionContext| log.push(context.to_string()),
        )));
        event_loop
            .run_until_complete(async {
                let waker = Waker::from(std::sync::Arc::new(Panics));
                let deadline = Instant::now() + Duration::from_millis(1);
                let mut foreign = pin!(sleep_until(deadline));
                assert!(foreign.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                // Due in the same turn, and after it.
                sleep_until(deadline).await;
                sleep(Duration::from_millis(1)).await;
            })
            .unwrap();
        assert_eq!(reports.try_iter().count(), 1);
    });
}

#[test]
fn polling_by_hand_sees_the_deadline_only_through_the_loop() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let mut nap = pin!(sleep(Duration::from_millis(1)));
                let mut polls = 0;
                std::future::poll_fn(|cx| {
                    polls += 1;
                    match nap.as_mut().poll(cx) {
                        Poll::Ready(()) => Poll::Ready(()),
                        Poll::Pending => Poll::Pending,
                    }
                })
                .await;
                assert_eq!(polls, 2, "woken once, by the deadline");
            })
            .unwrap();
    });
}

/// A waker that sends: the timer it is given to shows where it was fired.
struct Sends(mpsc::Sender<thread::ThreadId>);

impl Wake for Sends {
    fn wake(self: Arc<Self>) {
        self.0.send(thread::current().id()).unwrap();
    }
}

/// Registers a sleep with the worker that this is, and gives what hears of its end.
fn registered_here() -> (loopwork::Sleep, mpsc::Receiver<thread::ThreadId>) {
    let (sender, fired) = mpsc::channel();
    let waker = Waker::from(Arc::new(Sends(sender)));
    let mut nap = sleep(Duration::from_millis(1));
    assert!(Pin::new(&mut nap).poll(&mut Context::from_waker(&waker)).is_pending());
    (nap, fired)
}

/// The worker blocks until its own timer has fired: it hangs if others leave that alone.
#[test]
fn the_timers_of_a_stuck_worker_are_fired_by_others() {
    for workers in [2, 8] {
        let mut event_loop = event_loop(workers);
        for _ in 0..20 {
            let task = event_loop.create_task(async {
                let (_nap, fired) = registered_here();
                (fired.recv().unwrap(), thread::current().id())
            });
            let (fired_by, stuck) = event_loop.run_until_complete(task).unwrap().unwrap();
            assert_ne!(fired_by, stuck);
        }
    }
}

/// The same in `block_in_place`, where the worker says that it is away.
#[test]
fn the_timers_of_a_worker_in_block_in_place_are_fired_by_others() {
    for workers in [2, 8] {
        let mut event_loop = event_loop(workers);
        for _ in 0..20 {
            let task = event_loop.create_task(async {
                let (_nap, fired) = registered_here();
                let fired_by = loopwork::block_in_place(|| fired.recv().unwrap());
                (fired_by, thread::current().id())
            });
            let (fired_by, away) = event_loop.run_until_complete(task).unwrap().unwrap();
            assert_ne!(fired_by, away);
        }
    }
}

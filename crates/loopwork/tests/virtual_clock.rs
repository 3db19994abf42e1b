//! Virtual time: it jumps when nothing can run, and stands still as long as anything may.

mod common;

use std::thread;
use std::time::Duration;

use common::Log;
use loopwork::executors::ThreadPoolExecutor;
use loopwork::{Clock, EventLoop, Handle, Instant, interval, sleep, sleep_until, yield_now};

const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Runs `test` on a loop of virtual time, with one worker, two and eight.
fn at_each_size(test: impl Fn(&mut EventLoop, &Clock)) {
    for workers in [1, 2, 8] {
        let clock = Clock::virtual_time();
        let builder = EventLoop::builder().workers(workers).clock(clock.clone());
        let mut event_loop = builder.build().unwrap();
        test(&mut event_loop, &clock);
        event_loop.close();
    }
}

/// Long enough for workers that have nothing to do to fall asleep many times.
fn assert_that_time_stands(clock: &Clock, start: Instant) {
    for _ in 0..2000 {
        thread::yield_now();
        assert_eq!(clock.now(), start);
    }
}

#[test]
fn a_year_passes_at_once_and_exactly() {
    at_each_size(|event_loop, clock| {
        let start = clock.now();
        event_loop.run_until_complete(async { sleep(YEAR).await }).unwrap();
        assert_eq!(clock.now() - start, YEAR);
        assert_eq!(event_loop.time(), clock.now());
    });
}

#[test]
fn many_tasks_wake_exactly_at_their_deadlines() {
    at_each_size(|event_loop, _| {
        event_loop
            .run_until_complete(async {
                let start = Instant::now();
                let tasks: Vec<_> = (0..500_u32)
                    .map(|n| {
                        loopwork::spawn(async move {
                            for step in 1..=5 {
                                sleep(SECOND * (n % 37 + 1)).await;
                                assert_eq!(Instant::now() - start, SECOND * (n % 37 + 1) * step);
                            }
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
                assert_eq!(Instant::now() - start, SECOND * 37 * 5);
            })
            .unwrap();
    });
}

/// Few tasks: at each step workers fall asleep, each with the next deadline of another task.
#[test]
fn time_does_not_pass_a_worker_that_falls_asleep() {
    at_each_size(|event_loop, _| {
        event_loop
            .run_until_complete(async {
                let start = Instant::now();
                let tasks: Vec<_> = (2..5_u32)
                    .map(|n| {
                        loopwork::spawn(async move {
                            for step in 1..=400 {
                                let nap = loopwork::spawn(async move { sleep(SECOND * n).await });
                                nap.await.unwrap();
                                assert_eq!(Instant::now() - start, SECOND * n * step);
                            }
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
fn sleeps_and_callbacks_come_in_the_order_of_their_deadlines() {
    at_each_size(|event_loop, _| {
        let (log, entries) = Log::new();
        event_loop
            .run_until_complete(async {
                let handle = Handle::current().unwrap();
                let mut tasks = Vec::new();
                for (n, seconds) in [5, 3, 4, 1, 2].into_iter().enumerate() {
                    let log = log.clone();
                    if n % 2 == 0 {
                        handle.call_later(SECOND * seconds, move || log.push(seconds));
                    } else {
                        tasks.push(handle.create_task(async move {
                            sleep(SECOND * seconds).await;
                            log.push(seconds);
                        }));
                    }
                }
                sleep(SECOND * 6).await;
            })
            .unwrap();
        assert!(entries.try_iter().eq([1, 2, 3, 4, 5]));
    });
}

/// However long it computes or yields, no time passes.
#[test]
fn time_stands_still_while_anything_runs() {
    at_each_size(|event_loop, clock| {
        let start = clock.now();
        let sleeper = event_loop.create_task(async { sleep(SECOND).await });
        event_loop
            .run_until_complete(async {
                for _ in 0..1000 {
                    yield_now().await;
                    assert_eq!(Instant::now(), start);
                }
                loopwork::block_in_place(|| assert_that_time_stands(clock, start));
            })
            .unwrap();
        event_loop.run_until_complete(sleeper).unwrap().unwrap();
        assert_eq!(clock.now() - start, SECOND);
    });
}

#[test]
fn work_of_an_executor_holds_time() {
    at_each_size(|event_loop, clock| {
        let pool = ThreadPoolExecutor::new();
        event_loop
            .run_until_complete(async {
                let handle = Handle::current().unwrap();
                let ticker = loopwork::spawn(async {
                    let mut ticks = interval(SECOND);
                    loop {
                        ticks.tick().await;
                    }
                });
                for executor in [None, Some(&pool as &dyn loopwork::executors::Executor)] {
                    let (clock, start) = (clock.clone(), Instant::now());
                    let watch = move || assert_that_time_stands(&clock, start);
                    handle.run_in_executor(executor, watch).unwrap().await.unwrap();
                    assert_eq!(Instant::now(), start);
                    sleep(SECOND).await;
                }
                ticker.cancel();
            })
            .unwrap();
    });
}

#[test]
fn a_child_process_that_is_waited_for_holds_time() {
    at_each_size(|event_loop, clock| {
        let start = clock.now();
        event_loop
            .run_until_complete(async {
                let sleeper = loopwork::spawn(async { sleep(SECOND).await });
                let mut command = loopwork::process::Command::new("sh");
                let child = command.args(["-c", "exit 3"]).spawn().unwrap();
                assert_eq!(child.wait().await.unwrap().code(), Some(3));
                assert_eq!(Instant::now(), start);
                sleeper.await.unwrap();
                assert_eq!(Instant::now() - start, SECOND);
            })
            .unwrap();
    });
}

#[test]
fn a_hold_of_another_thread_holds_time() {
    at_each_size(|event_loop, clock| {
        let start = clock.now();
        let (hold, clock) = (clock.hold(), clock.clone());
        let handle = event_loop.handle();
        let (done, is_done) = loopwork::sync::oneshot::channel();
        let thread = thread::spawn(move || {
            assert_that_time_stands(&clock, start);
            let now = loopwork::run_coroutine_threadsafe(async { Instant::now() }, &handle);
            assert_eq!(now.unwrap().result(None).unwrap(), start);
            done.send(()).unwrap();
            drop(hold);
        });
        event_loop
            .run_until_complete(async {
                let sleeper = loopwork::spawn(async { sleep(SECOND).await });
                is_done.await.unwrap();
                assert_eq!(Instant::now(), start);
                sleeper.await.unwrap();
                assert_eq!(Instant::now() - start, SECOND);
            })
            .unwrap();
        thread.join().unwrap();
    });
}

/// Each deadline on the way is met, and what runs there may make others.
#[test]
fn advance_goes_from_deadline_to_deadline() {
    at_each_size(|event_loop, clock| {
        let _hold = clock.hold();
        let (log, entries) = Log::new();
        let start = clock.now();
        event_loop
            .run_until_complete(async {
                let sleeper = loopwork::spawn(async move {
                    for _ in 0..5 {
                        sleep(SECOND).await;
                        log.push((Instant::now() - start).as_millis());
                    }
                });
                clock.advance(SECOND * 5 / 2).await;
                assert_eq!(Instant::now() - start, SECOND * 5 / 2);
                assert!(entries.try_iter().eq([1000, 2000]));
                clock.advance(SECOND / 4).await;
                assert!(entries.try_iter().next().is_none());
                clock.advance(SECOND * 10).await;
                assert!(entries.try_iter().eq([3000, 4000, 5000]));
                assert_eq!(Instant::now() - start, SECOND * 51 / 4);
                sleeper.await.unwrap();
            })
            .unwrap();
    });
}

/// Given up, it is no deadline any more; postponed, it is a later one.
#[test]
fn time_does_not_go_to_deadlines_that_nobody_waits_for() {
    at_each_size(|event_loop, clock| {
        let start = clock.now();
        event_loop
            .run_until_complete(async {
                let mut given_up = Box::pin(sleep(SECOND));
                let mut postponed = sleep(2 * SECOND);
                let mut both = std::future::poll_fn(|cx| {
                    let _ = given_up.as_mut().poll(cx);
                    std::pin::Pin::new(&mut postponed).poll(cx)
                });
                use std::future::Future;
                std::future::poll_fn(|cx| {
                    assert!(std::pin::Pin::new(&mut both).poll(cx).is_pending());
                    std::task::Poll::Ready(())
                })
                .await;
                drop(given_up);
                postponed.reset(start + 9 * SECOND);
                let handle = Handle::current().unwrap();
                let timer = handle.call_later(3 * SECOND, || panic!("it was cancelled"));
                assert!(timer.cancel());
                postponed.await;
                assert_eq!(Instant::now() - start, 9 * SECOND);
            })
            .unwrap();
    });
}

#[test]
fn a_loop_in_the_background_has_virtual_time_too() {
    let clock = Clock::virtual_time();
    let background = EventLoop::builder().workers(2).clock(clock.clone()).start().unwrap();
    let start = clock.now();
    let sleeping = async move {
        sleep_until(start + YEAR).await;
        Instant::now() - start
    };
    let future = loopwork::run_coroutine_threadsafe(sleeping, &background.handle()).unwrap();
    assert_eq!(future.result(None).unwrap(), YEAR);
}

#[test]
#[should_panic(expected = "a virtual clock is for one loop at a time")]
fn a_virtual_clock_is_for_one_loop() {
    let clock = Clock::virtual_time();
    let _first = EventLoop::builder().workers(1).clock(clock.clone()).build().unwrap();
    let _second = EventLoop::builder().workers(1).clock(clock).build();
}

#[test]
fn a_virtual_clock_is_free_again_when_its_loop_is_closed() {
    let clock = Clock::virtual_time();
    for _ in 0..2 {
        let builder = EventLoop::builder().workers(2).clock(clock.clone());
        builder.build().unwrap().run_until_complete(async { sleep(SECOND).await }).unwrap();
    }
}

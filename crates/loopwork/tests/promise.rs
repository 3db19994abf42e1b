//! Promises: asyncio's `Future`, from any thread.
//!
//! The numbers in the names are those of `docs/semantics.md`.

mod common;

use std::future::{Future, IntoFuture, pending};
use std::io;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use common::{Count, Log, WORKERS, run_what_is_due};
use futures::future::{Either, select};
use loopwork::{
    Clock, EventLoop, Handle, Promise, PromiseError, SharedError, Task, TaskState, catch_cancel,
    create_task, sleep, yield_now,
};

const MS: Duration = Duration::from_millis(1);

fn event_loop(workers: usize) -> EventLoop {
    EventLoop::builder().workers(workers).clock(Clock::virtual_time()).build().unwrap()
}

/// Runs `test` in virtual time with one worker, two and eight.
fn at_each_size<F: Future>(test: impl Fn() -> F) {
    for workers in WORKERS {
        event_loop(workers).run_until_complete(test()).unwrap();
    }
}

/// A task that has begun to wait, a millisecond ago.
async fn waiting<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    let task = create_task(future);
    sleep(MS).await;
    task
}

/// What the exception handler of this loop is told from now on.
fn reports() -> mpsc::Receiver<String> {
    let (log, reports) = Log::new();
    let handler = move |context: &loopwork::ExceptionContext| log.push(context.to_string());
    Handle::current().unwrap().set_exception_handler(Some(Arc::new(handler)));
    reports
}

#[test]
fn c1_a_promise_ends_once_and_stays_so() {
    at_each_size(|| async {
        let value = Promise::<u32>::new();
        assert!(!value.done() && !value.cancelled());
        value.set_result(1).unwrap();
        assert!(value.done() && !value.cancelled() && !value.cancel());
        assert_eq!(value.result().unwrap(), 1);

        let cancelled = Promise::<u32>::new();
        assert!(cancelled.cancel());
        assert!(cancelled.done() && cancelled.cancelled());
        assert!(cancelled.set_result(1).is_err() && cancelled.set_exception("no").is_err());
        assert!(cancelled.cancelled());
    });
}

#[test]
fn c2_a_second_setting_is_refused_and_hands_the_value_back() {
    at_each_size(|| async {
        let promise = Promise::<String>::new();
        promise.set_result("first".to_owned()).unwrap();
        let refused = promise.set_result("second".to_owned()).unwrap_err();
        assert!(refused.to_string().contains("set once"));
        assert_eq!(refused.into_inner(), "second");
        let refused = promise.set_exception(io::Error::other("third")).unwrap_err();
        assert_eq!(refused.into_inner().to_string(), "third");
        assert_eq!(promise.await.unwrap(), "first");
    });
}

#[test]
fn c2_of_many_threads_that_set_exactly_one_does() {
    at_each_size(|| async {
        for _ in 0..20 {
            let promise = Promise::<usize>::new();
            let accepted: Vec<_> = thread::scope(|threads| {
                let setters: Vec<_> = (0..4)
                    .map(|n| {
                        let promise = &promise;
                        // Whoever is refused finds the promise done.
                        let set = move || match promise.set_result(n) {
                            Ok(()) => Some(n),
                            Err(refused) => {
                                assert!(promise.done() && refused.into_inner() == n);
                                None
                            }
                        };
                        threads.spawn(set)
                    })
                    .collect();
                setters.into_iter().filter_map(|setter| setter.join().unwrap()).collect()
            });
            assert_eq!(accepted, [promise.await.unwrap()]);
        }
    });
}

#[test]
fn c3_what_is_asked_too_early_or_after_a_cancel_is_an_error() {
    at_each_size(|| async {
        let promise = Promise::<u32>::new();
        assert!(promise.result().unwrap_err().is_not_done());
        assert!(promise.exception().unwrap_err().is_not_done());
        promise.cancel_with("no more");
        assert!(promise.result().unwrap_err().is_cancelled());
        let error = promise.exception().unwrap_err();
        assert_eq!(error.to_string(), "the promise was cancelled: no more");

        let failed = Promise::<u32>::new();
        failed.set_exception(io::Error::other("the disk is full")).unwrap();
        assert_eq!(failed.exception().unwrap().unwrap().to_string(), "the disk is full");
        let error = failed.result().unwrap_err().into_failed().unwrap();
        assert!(error.downcast_ref::<io::Error>().is_some());
        assert!(failed.await.is_err());

        let fine = Promise::<u32>::new();
        fine.set_result(1).unwrap();
        assert!(fine.exception().unwrap().is_none());
    });
}

#[test]
fn c4_cancel_says_whether_it_was_pending_and_its_reason_is_carried() {
    at_each_size(|| async {
        let promise = Promise::<u32>::new();
        let waits = waiting(promise.clone().into_future()).await;
        assert!(promise.cancel_with("too late") && !promise.cancel());
        let error = waits.await.expect("the task is not cancelled").unwrap_err();
        assert_eq!(error.cancel_reason().unwrap().message(), Some("too late"));
    });
}

#[test]
fn c5_callbacks_come_later_and_in_the_order_they_were_added() {
    for workers in WORKERS {
        let mut event_loop = event_loop(workers);
        let promise: Promise<u32> = event_loop.create_future();
        let (log, said) = Log::new();
        let say = |what: &'static str| {
            let log = log.clone();
            move |promise: &Promise<u32>| log.push((what, promise.result().unwrap()))
        };
        promise.add_done_callback(say("first"));
        promise.add_done_callback(say("second"));
        promise.set_result(7).unwrap();
        promise.add_done_callback(say("third"));
        assert!(said.try_recv().is_err(), "not at once");
        run_what_is_due(&mut event_loop);
        let said: Vec<_> = said.try_iter().collect();
        assert_eq!(said, [("first", 7), ("second", 7), ("third", 7)]);
    }
}

#[test]
fn c5_callbacks_added_while_others_become_due_stand_behind_them() {
    for workers in WORKERS {
        for _ in 0..50 {
            let mut event_loop = event_loop(workers);
            let promise: Promise<u32> = event_loop.create_future();
            let (log, said) = Log::new();
            let setter = promise.clone();
            thread::scope(|threads| {
                threads.spawn(move || setter.set_result(1).unwrap());
                for n in 0..100 {
                    let log = log.clone();
                    promise.add_done_callback(move |_| log.push(n));
                }
            });
            run_what_is_due(&mut event_loop);
            assert!(said.try_iter().eq(0..100));
        }
    }
}

#[test]
fn c6_a_callback_that_is_added_twice_runs_twice_and_a_cancelled_one_never() {
    for workers in WORKERS {
        let mut event_loop = event_loop(workers);
        let promise: Promise<u32> = event_loop.create_future();
        let (calls, held) = (Count::default(), Count::default());
        let count = |calls: &Count| {
            let calls = calls.clone();
            move |_: &Promise<u32>| calls.add()
        };
        promise.add_done_callback(count(&calls));
        promise.add_done_callback(count(&calls));
        let hold = held.on_drop();
        let removed = promise.add_done_callback(move |_| drop(hold));
        // One that takes another out while they run.
        let victim = Arc::new(std::sync::OnceLock::<loopwork::CallHandle>::new());
        let known = victim.clone();
        promise.add_done_callback(move |_| _ = known.get().unwrap().cancel());
        victim.set(promise.add_done_callback(|_| panic!("removed"))).unwrap();

        assert!(removed.cancel() && !removed.cancel() && removed.cancelled());
        assert_eq!(held.get(), 1, "it drops what it held");
        promise.set_result(1).unwrap();
        run_what_is_due(&mut event_loop);
        assert_eq!(calls.get(), 2);
        assert!(victim.get().unwrap().cancelled());
    }
}

#[test]
fn c6_callbacks_that_come_and_go_do_not_pile_up() {
    let event_loop = event_loop(1);
    let promise: Promise<u32> = event_loop.create_future();
    for _ in 0..10_000 {
        promise.add_done_callback(|_| {}).cancel();
    }
    let kept = promise.add_done_callback(|_| {});
    drop(promise);
    assert!(kept.cancelled(), "nobody will set it");
}

#[test]
fn c7_an_error_may_be_of_any_type() {
    #[derive(Debug, Clone, PartialEq)]
    struct Full(u32);
    impl std::fmt::Display for Full {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "full at {}", self.0)
        }
    }
    impl std::error::Error for Full {}

    at_each_size(|| async {
        let typed = Promise::<u32, Full>::new();
        typed.set_error(Full(3)).unwrap();
        let Err(PromiseError::Failed(full)) = (&typed).await else { panic!("it failed") };
        assert_eq!(full, Full(3));

        let any = Promise::<u32>::new();
        any.set_exception(Full(4)).unwrap();
        let error: SharedError = any.await.unwrap_err().into_failed().unwrap();
        assert_eq!(error.downcast_ref(), Some(&Full(4)));
    });
}

#[test]
fn c8_an_await_of_what_is_done_does_not_wait() {
    at_each_size(|| async {
        let promise = Promise::<u32>::new();
        promise.set_result(1).unwrap();
        let mut wait = pin!(promise.into_future());
        let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled.map(Result::unwrap), Poll::Ready(1));
    });
}

#[test]
fn c9_all_who_await_are_woken_in_the_order_they_came() {
    struct Woken(u32, Log<u32>);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.1.push(self.0);
        }
    }
    at_each_size(|| async {
        let promise = Promise::<u32>::new();
        let (log, woken) = Log::new();
        let mut waits: Vec<_> = (0..50)
            .map(|n| {
                let waker = Waker::from(Arc::new(Woken(n, log.clone())));
                let mut wait = Box::pin(promise.clone().into_future());
                assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                wait
            })
            .collect();
        // One leaves, and another has a waker of another name: its place stays.
        drop(waits.remove(7));
        let renamed = Waker::from(Arc::new(Woken(300, log.clone())));
        assert!(waits[0].as_mut().poll(&mut Context::from_waker(&renamed)).is_pending());
        promise.set_result(1).unwrap();
        let expected: Vec<_> = std::iter::once(300).chain((1..50).filter(|n| *n != 7)).collect();
        assert_eq!(woken.try_iter().collect::<Vec<_>>(), expected);
    });
}

#[test]
fn c9_with_one_worker_awaits_and_callbacks_have_one_order() {
    let mut event_loop = event_loop(1);
    let said = event_loop.run_until_complete(async {
        let promise = Promise::<u32>::new();
        let (log, said) = Log::new();
        for n in 0..4 {
            let (log, promise) = (log.clone(), promise.clone());
            if n % 2 == 0 {
                waiting(async move { log.push((n, promise.await.unwrap())) })
                    .await
                    .set_name("wait");
            } else {
                promise.add_done_callback(move |promise| log.push((n, promise.result().unwrap())));
            }
        }
        promise.set_result(9).unwrap();
        sleep(MS).await;
        said.try_iter().collect::<Vec<_>>()
    });
    assert_eq!(said.unwrap(), [(0, 9), (1, 9), (2, 9), (3, 9)]);
}

#[test]
fn c10_a_cancelled_await_leaves_the_promise_alone() {
    at_each_size(|| async {
        let promise = Promise::<u32>::new();
        let mut one = waiting(promise.clone().into_future()).await;
        let two = waiting(promise.clone().into_future()).await;
        assert!(one.cancel_and_wait().await.unwrap_err().is_cancelled());
        assert!(!promise.done());
        promise.set_result(5).unwrap();
        assert_eq!(two.await.unwrap().unwrap(), 5);
    });
}

#[test]
fn c11_an_error_nobody_looked_at_is_reported_once_when_the_last_handle_goes() {
    at_each_size(|| async {
        let reports = reports();
        let unseen = Promise::<u32>::new();
        unseen.set_exception(io::Error::other("unseen")).unwrap();
        let other = unseen.clone();
        drop(unseen);
        assert!(reports.try_recv().is_err(), "somebody may look yet");
        drop(other);
        let report = reports.try_recv().unwrap();
        assert!(report.starts_with("a promise failed and nobody looked at its error: unseen"));
        assert!(report.contains("tests/promise.rs:"), "{report}");

        let looked: [fn(&Promise<u32>); 2] =
            [|promise| _ = promise.result(), |promise| _ = promise.exception()];
        for look in looked {
            let seen = Promise::<u32>::new();
            seen.set_exception("seen").unwrap();
            look(&seen);
        }
        let awaited = Promise::<u32>::new();
        awaited.set_exception("awaited").unwrap();
        assert!(awaited.await.is_err());
        let by_callback = Promise::<u32>::new();
        by_callback.add_done_callback(|promise| _ = promise.exception());
        by_callback.set_exception("seen by a callback").unwrap();
        drop(by_callback);
        let cancelled = Promise::<u32>::new();
        cancelled.cancel();
        drop(cancelled);
        drop(Promise::<u32>::new());
        sleep(MS).await;
        assert!(reports.try_recv().is_err());
    });
}

#[test]
fn c11_a_callback_that_does_not_look_does_not_count() {
    at_each_size(|| async {
        let reports = reports();
        let promise = Promise::<u32>::new();
        promise.add_done_callback(|promise| assert!(promise.done()));
        promise.set_exception("unseen").unwrap();
        drop(promise);
        sleep(MS).await;
        assert_eq!(reports.try_iter().count(), 1);
    });
}

#[test]
fn c14_a_result_that_comes_after_a_request_is_not_taken() {
    at_each_size(|| async {
        let promise = Promise::<u32>::new();
        let mut late = waiting(promise.clone().into_future()).await;
        late.cancel();
        promise.set_result(1).unwrap();
        assert!(late.join().await.unwrap_err().is_cancelled());
        assert_eq!(promise.result().unwrap(), 1, "it is there for others");
    });
}

#[test]
fn c14_a_result_that_came_before_a_request_is_taken() {
    at_each_size(|| async {
        let promise = Promise::<u32>::new();
        let waits = promise.clone();
        let mut task = waiting(async move {
            let value = waits.await.unwrap();
            catch_cancel(sleep(MS)).await.unwrap_err().swallow();
            value
        })
        .await;
        promise.set_result(1).unwrap();
        task.cancel();
        assert_eq!(task.join().await.unwrap(), 1);
    });
}

#[test]
fn c15_what_was_done_before_it_was_set_is_seen_by_who_finds_it_done() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    at_each_size(|| async {
        for n in 1..50 {
            let promise: Promise<()> = Promise::new();
            let (setter, written) = (promise.clone(), Arc::new(AtomicUsize::new(0)));
            let write = written.clone();
            let thread = thread::spawn(move || {
                write.store(n, Ordering::Relaxed);
                setter.set_result(()).unwrap();
            });
            promise.await.unwrap();
            assert_eq!(written.load(Ordering::Relaxed), n);
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_promise_is_awaited_by_any_executor_and_set_after_its_loop_was_closed() {
    let mut event_loop = event_loop(2);
    let promise: Promise<u32> = event_loop.create_future();
    event_loop.close();
    let late = promise.add_done_callback(|_| unreachable!("its loop is closed"));
    let waits = promise.clone();
    let thread = thread::spawn(move || futures::executor::block_on(waits.into_future()));
    promise.set_result(3).unwrap();
    assert_eq!(thread.join().unwrap().unwrap(), 3);
    assert!(late.cancelled());
    assert!(promise.add_done_callback(|_| unreachable!()).cancelled());
}

#[test]
fn a_promise_nobody_has_any_more_drops_its_callbacks() {
    at_each_size(|| async {
        let held = Count::default();
        let promise = Promise::<u32>::new();
        let hold = held.on_drop();
        let callback = promise.add_done_callback(move |_| drop(hold));
        drop(promise);
        assert!(callback.cancelled() && held.get() == 1);
    });
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_being_told() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("a waker");
        }
    }
    at_each_size(|| async {
        let reports = reports();
        let promise = Promise::<u32>::new();
        let mut bomb = pin!(promise.clone().into_future());
        let waker = Waker::from(Arc::new(Bomb));
        assert!(bomb.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let waits = waiting(promise.clone().into_future()).await;
        promise.set_result(1).unwrap();
        assert_eq!(waits.await.unwrap().unwrap(), 1);
        assert!(reports.try_recv().unwrap().contains("a waker"));
    });
}

#[test]
fn many_come_and_go_and_each_is_told_once() {
    at_each_size(|| async {
        for round in 0..20 {
            let promise = Promise::<u32>::new();
            let tasks: Vec<_> = (0..200)
                .map(|n| {
                    let promise = promise.clone();
                    create_task(async move {
                        if n % 3 == 0 {
                            // Gives up, at once or later.
                            let gives_up = pin!(async {
                                for _ in 0..n % 5 {
                                    yield_now().await;
                                }
                            });
                            match select(pin!(promise.into_future()), gives_up).await {
                                Either::Left((value, _)) => value.unwrap(),
                                Either::Right(_) => 1,
                            }
                        } else {
                            promise.await.unwrap()
                        }
                    })
                })
                .collect();
            for _ in 0..round % 7 {
                yield_now().await;
            }
            promise.set_result(1).unwrap();
            for task in tasks {
                assert_eq!(task.await.unwrap(), 1);
            }
        }
    });
}

#[test]
fn debug_says_how_it_is_and_where_it_was_made() {
    at_each_size(|| async {
        let promise = Promise::<u32>::new();
        let debug = format!("{promise:?}");
        assert!(debug.starts_with("Promise { state: pending, made_at: "), "{debug}");
        assert!(debug.contains("tests/promise.rs:"));
        promise.cancel_with("on purpose");
        assert!(format!("{promise:?}").contains("state: cancelled, on purpose"));
        let waits = waiting(pending::<()>()).await;
        assert_eq!(waits.state(), TaskState::Suspended);
        waits.cancel();
    });
}

#[test]
#[should_panic(expected = "make it by `Handle::create_future`")]
fn outside_a_loop_it_needs_a_handle() {
    drop(Promise::<u32>::new());
}

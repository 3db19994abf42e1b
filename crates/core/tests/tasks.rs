//! Spawning, joining, cancelling and detaching tasks.

mod common;

use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};

use common::{Count, Forever, Log, at_each_size, yield_now};
use loopwork_core::{Handle, TaskState, WaitReason, current_task};

#[test]
fn outputs_come_back_through_join() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let sum = runtime.block_on(async move {
            let tasks: Vec<_> = (0..100u64).map(|n| handle.spawn(async move { n })).collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!(sum.unwrap(), 4950);
    });
}

#[test]
fn the_root_may_borrow_and_need_not_be_send() {
    at_each_size(|runtime| {
        let text = std::rc::Rc::new(String::from("borrowed"));
        let borrowed = &text;
        let length = runtime.block_on(async move {
            yield_now().await;
            borrowed.len()
        });
        assert_eq!(length.unwrap(), text.len());
    });
}

#[test]
fn a_panic_reaches_who_awaits_and_the_loop_goes_on() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        runtime
            .block_on(async move {
                let failed = handle.spawn(async { panic!("as planned") });
                let error = failed.await.unwrap_err();
                assert!(error.is_panic());
                assert_eq!(error.to_string(), "the task panicked: as planned");
                let payload = error.into_panic().unwrap();
                assert_eq!(*payload.downcast_ref::<&str>().unwrap(), "as planned");
                assert_eq!(handle.spawn(async { 1 }).await.unwrap(), 1);
            })
            .unwrap();
    });
}

#[test]
fn a_panic_of_the_root_resumes_on_the_caller_and_the_loop_is_usable() {
    at_each_size(|runtime| {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                yield_now().await;
                panic!("root");
            })
        }));
        assert_eq!(*panicked.unwrap_err().downcast_ref::<&str>().unwrap(), "root");
        assert_eq!(runtime.block_on(async { 7 }).unwrap(), 7);
    });
}

#[test]
fn cancel_drops_the_future_at_its_await() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (polls, drops) = (Count::default(), Count::default());
        let (polled, dropped) = (polls.clone(), drops.on_drop());
        runtime
            .block_on(async move {
                let task = handle.spawn(async move {
                    let _dropped = dropped;
                    Forever(polled).await;
                });
                while task.state() != TaskState::Suspended {
                    yield_now().await;
                }
                assert!(task.cancel());
                assert!(task.cancel(), "until it has ended the request stands");
                let watched = task.as_any();
                assert!(task.await.unwrap_err().is_cancelled());
                assert!(watched.done() && watched.cancelled() && !watched.cancel());
            })
            .unwrap();
        assert_eq!((polls.get(), drops.get()), (2, 1));
    });
}

#[test]
fn a_task_cancelled_before_its_first_poll_still_starts() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let started = Count::default();
        let (counted, finished) = (started.clone(), started.clone());
        // The loop does not run yet, so that the request comes before the first poll.
        let pending = handle.spawn(async move {
            counted.add();
            yield_now().await;
            counted.add();
        });
        let ready = handle.spawn(async move { finished.add() });
        assert!(pending.cancel() && ready.cancel());
        runtime
            .block_on(async move {
                assert!(pending.await.unwrap_err().is_cancelled());
                ready.await.expect("it returned before it suspended: finished, not cancelled");
            })
            .unwrap();
        assert_eq!(started.get(), 2);
    });
}

#[test]
fn a_request_goes_to_the_task_that_is_awaited() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        runtime
            .block_on(async move {
                let drops = Count::default();
                let dropped = drops.on_drop();
                let inner = handle.spawn(async move {
                    let _dropped = dropped;
                    std::future::pending::<()>().await;
                });
                let watched = inner.as_any();
                let outer = handle.spawn(inner.into_future());
                while outer.state() != TaskState::Suspended
                    || watched.state() != TaskState::Suspended
                {
                    yield_now().await;
                }
                outer.cancel();
                assert!(outer.await.unwrap_err().is_cancelled());
                assert!(watched.cancelled(), "the request was forwarded");
                assert_eq!(drops.get(), 1);
            })
            .unwrap();
    });
}

#[test]
fn a_request_is_spent_if_the_awaited_task_returns() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        runtime
            .block_on(async move {
                // It takes one more poll than the request, and is not pending in it.
                let polls = Count::default();
                let counted = polls.clone();
                let inner = handle.spawn(std::future::poll_fn(move |_| {
                    counted.add();
                    if counted.get() == 2 {
                        std::task::Poll::Ready("value")
                    } else {
                        std::task::Poll::Pending
                    }
                }));
                let outer = handle.spawn(async move { inner.await.unwrap() });
                while polls.get() == 0 || outer.state() != TaskState::Suspended {
                    yield_now().await;
                }
                outer.cancel();
                assert_eq!(outer.await.unwrap(), "value");
            })
            .unwrap();
    });
}

#[test]
fn dropping_the_handle_detaches() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (done, is_done) = mpsc::channel();
        drop(handle.spawn(async move {
            yield_now().await;
            done.send(()).unwrap();
        }));
        runtime
            .block_on(async {
                while is_done.try_recv().is_err() {
                    yield_now().await;
                }
            })
            .unwrap();
    });
}

/// Its handle is dropped by the task that has just spawned it: that takes a way of its own.
#[test]
fn a_task_detached_at_once_ends_like_any_other() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (log, reports) = Log::new();
        handle.set_exception_handler(Some(Arc::new(move |context| log.push(context.to_string()))));
        let (dropped, spawner) = (Count::default(), handle.clone());
        let outputs = dropped.clone();
        let task = handle.spawn(async move {
            for n in 0..300 {
                let output = outputs.on_drop();
                let child = spawner.spawn(async move {
                    for _ in 0..n % 3 {
                        yield_now().await;
                    }
                    assert!(n % 100 != 99, "number {n}");
                    output
                });
                if n % 5 == 0 {
                    child.cancel();
                }
                drop(child);
            }
            // A handle that is dropped later, and one that is not the only one.
            let late = spawner.spawn(async { 1 });
            let twice = spawner.spawn(async { 2 });
            drop(twice.clone());
            yield_now().await;
            drop(late);
            assert_eq!(twice.await.unwrap(), 2);
            while spawner.all_tasks().len() > 2 {
                yield_now().await;
            }
        });
        runtime.block_on(task.into_future()).unwrap().unwrap();
        assert_eq!(dropped.get(), 300);
        let reports: Vec<_> = reports.try_iter().collect();
        assert_eq!(reports.len(), 3, "{reports:?}");
    });
}

#[test]
fn a_failure_nobody_looked_at_is_reported_once_with_name_and_place() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (log, reports) = Log::new();
        handle.set_exception_handler(Some(Arc::new(move |context| log.push(context.to_string()))));
        let seen = handle.spawn(async { panic!("seen") });
        let unseen = handle.spawn(async { panic!("unseen") });
        unseen.set_name("careless");
        drop(handle.spawn(async { panic!("detached") }));
        let cancelled = handle.spawn(std::future::pending::<()>());
        cancelled.cancel();
        runtime
            .block_on(async move {
                assert!(seen.await.is_err());
                while !unseen.done() || !cancelled.done() || handle.all_tasks().len() > 1 {
                    yield_now().await;
                }
                drop((unseen, cancelled));
            })
            .unwrap();
        let mut reports: Vec<_> = reports.try_iter().collect();
        reports.sort();
        assert_eq!(reports.len(), 2, "{reports:?}");
        assert!(reports[0].contains(": detached"), "{reports:?}");
        assert!(reports[1].starts_with("careless failed") || reports[1].contains(": unseen"));
        assert!(reports.iter().all(|report| report.contains("tests/tasks.rs:")), "{reports:?}");
    });
}

#[test]
fn clones_share_the_value_and_one_handle_moves_it_out_once() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        runtime
            .block_on(async move {
                let first = handle.spawn(async { String::from("shared") });
                assert!(first.result().is_err_and(|error| error.is_not_done()) || first.done());
                let second = first.clone();
                assert_eq!(first.await.unwrap(), "shared");
                assert_eq!(second.result().unwrap(), "shared");
                assert_eq!(second.await.unwrap(), "shared");

                let mut only = handle.spawn(async { String::from("moved") });
                assert_eq!((&mut only).await.unwrap(), "moved");
                assert!((&mut only).await.unwrap_err().is_taken());
                assert!(only.result().unwrap_err().is_taken());
            })
            .unwrap();
    });
}

#[test]
fn current_task_all_tasks_names_and_states() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        assert!(current_task().is_none());
        runtime
            .block_on(async move {
                let root = current_task().expect("the root is a task");
                assert_eq!(Handle::current().unwrap(), handle);
                let child = handle.spawn(async {
                    let me = current_task().expect("polled");
                    assert_eq!(me.state(), TaskState::Running);
                    me.set_name("child");
                    yield_now().await;
                    me
                });
                let (any, id) = (child.as_any(), child.id());
                assert!(handle.all_tasks().contains(&root));
                let me = child.await.unwrap();
                assert_eq!((me.id(), me.name().as_str()), (id, "child"));
                assert_eq!(any.state(), TaskState::Closed);
                assert_eq!(handle.all_tasks(), [root]);
            })
            .unwrap();
        assert!(current_task().is_none());
    });
}

#[test]
fn a_panicking_destructor_leaves_the_loop_running() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let (log, reports) = Log::new();
        handle.set_exception_handler(Some(Arc::new(move |context| log.push(context.to_string()))));
        runtime
            .block_on(async move {
                // In the future, when it is cancelled; and in an output that nobody wants.
                let task = handle.spawn(async {
                    let _bomb = Bomb;
                    std::future::pending::<()>().await;
                });
                task.cancel();
                assert!(task.await.unwrap_err().is_cancelled());
                drop(handle.spawn(async { Bomb }));
                while handle.all_tasks().len() > 1 {
                    yield_now().await;
                }
                assert_eq!(handle.spawn(async { 1 }).await.unwrap(), 1);
            })
            .unwrap();
        runtime.close();
        assert_eq!(
            reports.try_iter().filter(|report| report.contains("in a destructor")).count(),
            2
        );
    });
}

#[test]
fn a_task_says_what_it_waits_for_and_a_poll_has_a_budget() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        runtime
            .block_on(async move {
                let inner = handle.spawn(std::future::pending::<()>());
                let cancel = inner.as_any();
                let outer = handle.spawn(inner.into_future());
                while outer.waits_for() != Some(WaitReason::Join)
                    || cancel.waits_for() != Some(WaitReason::Other)
                {
                    yield_now().await;
                }
                cancel.cancel();
                assert!(outer.await.unwrap().is_err());

                // 1,000 tasks that have ended are joined in more than one poll.
                let tasks: Vec<_> = (0..1000).map(|_| handle.spawn(async {})).collect();
                while tasks.iter().any(|task| !task.done()) {
                    yield_now().await;
                }
                let polls = Count::default();
                let counted = polls.clone();
                let mut joining = Box::pin(async move {
                    for task in tasks {
                        task.await.unwrap();
                    }
                });
                std::future::poll_fn(|cx| {
                    counted.add();
                    joining.as_mut().poll(cx)
                })
                .await;
                assert_eq!(polls.get(), 8, "128 joins a poll");
            })
            .unwrap();
    });
}

#[test]
fn wakers_of_one_task_compare_equal() {
    at_each_size(|runtime| {
        let compared = runtime.block_on(std::future::poll_fn(|cx| {
            let clone = cx.waker().clone();
            let equal = clone.will_wake(cx.waker()) && clone.clone().will_wake(&clone);
            std::task::Poll::Ready(equal)
        }));
        assert!(compared.unwrap());
    });
}

#[test]
fn an_eager_task_runs_before_its_spawn_returns() {
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let lazily = handle.spawn_eager(async { 1 });
        assert_eq!(lazily.state(), TaskState::Created, "no worker, no eager start");
        let done = runtime.block_on(async move {
            let me = current_task().unwrap();
            let inner = handle.spawn_eager(async { current_task().unwrap() });
            assert!(inner.done());
            assert_eq!(current_task().unwrap(), me);
            assert_ne!(inner.await.unwrap(), me);

            // One that gives way goes on later, and a panic stays inside.
            let gives_way = handle.spawn_eager(async {
                yield_now().await;
                2
            });
            assert!(!gives_way.done() && gives_way.state() == TaskState::Suspended);
            assert_eq!(gives_way.await.unwrap(), 2);
            let panics = handle.spawn_eager(async { panic!("inside") });
            assert!(panics.done() && panics.await.unwrap_err().is_panic());
            lazily.await.unwrap()
        });
        assert_eq!(done.unwrap(), 1);
    });
}

#[test]
fn eager_tasks_nest_32_deep_and_are_lazy_beyond() {
    /// How deep it came at once.
    fn nest(handle: Handle, depth: usize, reached: Count) {
        reached.add();
        if depth < 100 {
            let deeper = handle.clone();
            let count = reached.clone();
            drop(handle.spawn_eager(async move { nest(deeper, depth + 1, count) }));
        }
    }
    at_each_size(|runtime| {
        let handle = runtime.handle();
        let reached = Count::default();
        let counted = reached.clone();
        runtime
            .block_on(async move {
                nest(handle, 1, counted.clone());
                let at_once = counted.get();
                // With siblings, one of them may have gone on meanwhile.
                assert!(at_once >= 33, "{at_once}");
                while counted.get() < 100 {
                    yield_now().await;
                }
            })
            .unwrap();
        assert_eq!(reached.get(), 100);
    });
}

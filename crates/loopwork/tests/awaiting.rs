//! `gather`, `wait`, `as_completed`: waiting for several tasks.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Count, at_each_size};
use loopwork::sync::{Event, oneshot};
use loopwork::{
    Handle, ReturnWhen, Task, TaskState, as_completed, create_task, ensure_future, gather, wait,
    yield_now,
};

async fn after_yields<T>(yields: usize, value: T) -> T {
    for _ in 0..yields {
        yield_now().await;
    }
    value
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        yield_now().await;
    }
}

#[test]
fn f1_gather_gives_values_in_the_order_of_its_arguments() {
    at_each_size(|event_loop| {
        // Made outside a run: its tasks begin with the run.
        let gathered = gather((0..10).map(|n| after_yields(10 - n, n)));
        assert_eq!(
            event_loop.run_until_complete(gathered).unwrap().unwrap(),
            (0..10).collect::<Vec<_>>()
        );

        let none = gather(Vec::<Task<u32>>::new());
        assert!(event_loop.run_until_complete(none).unwrap().unwrap().is_empty());

        event_loop
            .run_until_complete(async {
                let task = create_task(after_yields(2, 5));
                let twice = gather([task.clone(), task]).await.unwrap();
                assert_eq!(twice, [5, 5], "duplicates share one task");
                let text = create_task(async { String::from("text") });
                let (a, b, c) = gather!(async { 1 }, text, after_yields(3, 'c')).await.unwrap();
                assert_eq!((a, b.as_str(), c), (1, "text", 'c'));
            })
            .unwrap();
    });
}

#[test]
fn f2_the_first_failure_ends_gather_and_siblings_run_on() {
    at_each_size(|event_loop| {
        let (reports, finished) = (Count::default(), Count::default());
        let reported = reports.clone();
        event_loop.handle().set_exception_handler(Some(Arc::new(move |_| reported.add())));
        let counted = finished.clone();
        event_loop
            .run_until_complete(async move {
                let gate = Arc::new(Event::new());
                let (waits, fails_late) = (gate.clone(), gate.clone());
                let sibling = create_task(async move {
                    waits.wait().await;
                    counted.add();
                });
                let late = create_task(async move {
                    fails_late.wait().await;
                    panic!("too late to matter");
                });
                let (sibling_task, late_task) = (sibling.as_any(), late.as_any());
                let error = gather([create_task(async { panic!("first") }), sibling, late])
                    .await
                    .unwrap_err();
                assert!(error.is_panic() && error.to_string().contains("first"));
                assert!(!sibling_task.done());
                gate.set();
                until(|| sibling_task.done() && late_task.done()).await;
            })
            .unwrap();
        assert_eq!((finished.get(), reports.get()), (1, 0), "later failures count as seen");
    });
}

#[test]
fn f3_return_exceptions_puts_errors_in_place() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let cancelled = create_task(std::future::pending());
                cancelled.cancel();
                let failed = create_task(async { panic!("in place") });
                let results =
                    gather([create_task(async { 1 }), failed, cancelled]).return_exceptions().await;
                assert_eq!(*results[0].as_ref().unwrap(), 1);
                assert!(results[1].as_ref().unwrap_err().is_panic());
                assert!(results[2].as_ref().unwrap_err().is_cancelled());
            })
            .unwrap();
    });
}

#[test]
fn f4_a_cancelled_child_is_an_error_of_gather() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let child = create_task(std::future::pending::<()>());
                let (victim, sibling) = (child.as_any(), create_task(after_yields(5, ())));
                let survivor = sibling.as_any();
                let gathering = create_task(gather([child, sibling]));
                until(|| gathering.state() == TaskState::Suspended).await;
                victim.cancel();
                let error = gathering.await.expect("gather itself is not cancelled").unwrap_err();
                assert!(error.is_cancelled() && !survivor.cancelled());
            })
            .unwrap();
    });
}

#[test]
fn f5_cancelling_gather_cancels_its_children_and_then_the_awaiter() {
    for return_exceptions in [false, true] {
        at_each_size(|event_loop| {
            event_loop
                .run_until_complete(async {
                    let drops = Count::default();
                    let children: Vec<_> = (0..3)
                        .map(|_| {
                            let dropped = drops.on_drop();
                            create_task(async move {
                                let _dropped = dropped;
                                std::future::pending::<()>().await;
                            })
                        })
                        .collect();
                    let any: Vec<_> = children.iter().map(Task::as_any).collect();
                    let awaiter = create_task(async move {
                        if return_exceptions {
                            drop(gather(children).return_exceptions().await);
                        } else {
                            drop(gather(children).await);
                        }
                    });
                    until(|| {
                        awaiter.state() == TaskState::Suspended
                            && any.iter().all(|child| child.state() == TaskState::Suspended)
                    })
                    .await;
                    awaiter.cancel();
                    assert!(awaiter.await.unwrap_err().is_cancelled());
                    until(|| any.iter().all(loopwork::AnyTask::done)).await;
                    assert!(any.iter().all(loopwork::AnyTask::cancelled));
                    assert_eq!(drops.get(), 3);
                })
                .unwrap();
        });
    }
}

#[test]
fn dropping_gather_detaches_its_tasks() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let (send, receive) = oneshot::channel();
                drop(gather([async move { send.send("ran").unwrap() }]));
                assert_eq!(receive.await.unwrap(), "ran");
            })
            .unwrap();
    });
}

#[test]
fn f7_wait_gives_done_and_pending_and_cancels_nobody() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let gate = Arc::new(Event::new());
                let waiting = gate.clone();
                let slow = create_task(async move {
                    waiting.wait().await;
                    2
                });
                let tasks =
                    [create_task(async { 1 }), slow, create_task(async { panic!("no matter") })];
                let ids: Vec<_> = tasks.iter().map(Task::id).collect();
                let (done, pending) = wait(tasks).timeout(Duration::from_millis(5)).await;
                assert_eq!(done.iter().map(Task::id).collect::<Vec<_>>(), [ids[0], ids[2]]);
                assert_eq!(pending.iter().map(Task::id).collect::<Vec<_>>(), [ids[1]]);
                assert!(done[1].exception().unwrap().is_some());
                gate.set();
                let (done, pending) = wait(pending).await;
                assert_eq!((done[0].result().unwrap(), pending.len()), (2, 0));
            })
            .unwrap();
    });
}

#[test]
fn f8_first_exception_ignores_cancelled_tasks_and_counts_errors_if_told() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let cancelled = create_task(std::future::pending::<Result<u32, std::fmt::Error>>());
                cancelled.cancel();
                let gate = Arc::new(Event::new());
                let waiting = gate.clone();
                let fails = create_task(async move {
                    waiting.wait().await;
                    Err(std::fmt::Error)
                });
                let endless = create_task(std::future::pending());
                let waiter = create_task(async move {
                    wait([cancelled, fails, endless])
                        .return_when(ReturnWhen::FirstException)
                        .errors_fail()
                        .await
                });
                for _ in 0..20 {
                    yield_now().await;
                }
                assert!(!waiter.done(), "neither cancelled nor running tasks count");
                gate.set();
                let (done, pending) = waiter.await.unwrap();
                assert_eq!((done.len(), pending.len()), (2, 1));

                let panics = create_task(async { panic!("counts") });
                let endless = create_task(std::future::pending::<()>());
                let (done, pending) =
                    wait([panics, endless]).return_when(ReturnWhen::FirstException).await;
                assert_eq!((done.len(), pending.len()), (1, 1));
                done[0].exception().unwrap().unwrap();
            })
            .unwrap();
    });
}

#[test]
fn f9_wait_for_finished_tasks_takes_one_pass_and_first_completed_one_task() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let finished = [create_task(async { 1 }), create_task(async { 2 })];
                until(|| finished.iter().all(Task::done)).await;
                let (done, pending) = wait(finished).return_when(ReturnWhen::FirstCompleted).await;
                assert_eq!((done.len(), pending.len()), (2, 0), "both had ended");
                let (done, pending) =
                    wait([create_task(async { 1 }), create_task(std::future::pending())])
                        .return_when(ReturnWhen::FirstCompleted)
                        .await;
                assert_eq!((done.len(), pending.len()), (1, 1));
                let (done, pending) = wait(Vec::<Task<()>>::new()).await;
                assert!(done.is_empty() && pending.is_empty());
            })
            .unwrap();
    });
}

#[test]
fn f11_as_completed_gives_tasks_in_the_order_of_their_ends() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let gates: Vec<_> = (0..5).map(|_| Arc::new(Event::new())).collect();
                let mut completed = as_completed(gates.clone().into_iter().enumerate().map(
                    |(n, gate)| async move {
                        gate.wait().await;
                        n
                    },
                ));
                for n in [3, 1, 4, 0, 2] {
                    gates[n].set();
                    let task = completed.next().await.expect("one more");
                    assert!(task.done());
                    assert_eq!(task.await.unwrap(), n);
                }
                assert!(completed.next().await.is_none());
            })
            .unwrap();
    });
}

#[test]
fn f13_breaking_off_as_completed_and_going_on_loses_nothing() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let mut completed = as_completed((0..4).map(|n| after_yields(n, n)));
                let mut seen = vec![completed.next().await.unwrap().await.unwrap()];
                drop(completed.next());
                while let Some(task) = completed.next().await {
                    seen.push(task.await.unwrap());
                }
                seen.sort_unstable();
                assert_eq!(seen, [0, 1, 2, 3]);
            })
            .unwrap();
    });
}

#[test]
fn ensure_future_takes_futures_and_tasks() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let task = ensure_future(async { 1 });
                let id = task.id();
                let same = ensure_future(task);
                assert_eq!(same.id(), id);
                assert_eq!(same.await.unwrap(), 1);
                let handle = Handle::current().unwrap();
                assert_eq!(handle.ensure_future(async { 2 }).unwrap().await.unwrap(), 2);
            })
            .unwrap();
    });
}

/// Rule 11: the owner is woken by the decision only.
#[test]
fn gather_wakes_its_owner_once() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let polls = Count::default();
                let counted = polls.clone();
                let mut gathering = gather((0..50).map(|n| after_yields(n % 7, n)));
                let owner = create_task(std::future::poll_fn(move |cx| {
                    counted.add();
                    std::future::Future::poll(std::pin::Pin::new(&mut gathering), cx)
                }));
                assert_eq!(owner.await.unwrap().unwrap().len(), 50);
                assert!(polls.get() <= 2, "polled {} times", polls.get());
            })
            .unwrap();
    });
}

//! Requests: seen, counted, caught, cleaned up after, refused, and passed on.

use std::future::{IntoFuture, pending};
use std::sync::Arc;

use futures::future::join;
use futures::stream::{FuturesUnordered, StreamExt};
use loopwork::sync::{Event, Queue};
use loopwork::{
    CancelKind, TaskError, catch_cancel, checkpoint, create_task, current_task, finally, sleep,
};
use loopwork_shim::sync::Mutex;

use crate::common::{Count, in_virtual_time};
use crate::{MS, message, timed, waiting};

#[test]
fn d5_cancel_says_whether_the_task_had_not_ended() {
    in_virtual_time(|| async {
        let gate = Arc::new(Event::new());
        let opens = gate.clone();
        let mut task = waiting(async move {
            let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
            opens.wait().await;
            cancelled.resume::<()>().await;
        })
        .await;
        assert!(task.cancel());
        assert_eq!(task.cancelling(), 1);
        sleep(MS).await;
        assert!(!task.done() && !task.cancelled(), "not yet");
        gate.set();
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert!(task.cancelled() && !task.cancel());
        let mut done = waiting(async { 1 }).await;
        assert!(!done.cancel());
        assert_eq!(done.join().await.unwrap(), 1);
    });
}

#[test]
fn d6_requests_before_delivery_are_one_but_are_counted() {
    in_virtual_time(|| async {
        let task = create_task(async {
            let me = current_task().unwrap();
            // Nothing is delivered to a task that runs.
            assert_eq!([me.cancel(), me.cancel(), me.cancel()], [true; 3]);
            assert_eq!(me.cancelling(), 3);
            let cancelled = catch_cancel(sleep(MS)).await.unwrap_err();
            assert_eq!(me.cancelling(), 3);
            assert!(catch_cancel(sleep(MS)).await.is_ok(), "they were one");
            cancelled.swallow();
            assert_eq!(me.cancelling(), 0);
        });
        task.await.unwrap();
    });
}

#[test]
fn d7_a_task_always_starts() {
    in_virtual_time(|| async {
        let started = Count::default();
        let count = started.clone();
        let task = create_task(async move {
            count.add();
            sleep(MS).await;
        });
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(started.get(), 1);
    });
}

#[test]
fn d8_a_request_of_its_own_is_met_at_the_next_wait() {
    in_virtual_time(|| async {
        let reached = Count::default();
        let (count, queue, ended) =
            (reached.clone(), Queue::unbounded(), waiting(async { 2 }).await);
        let task = create_task(async move {
            current_task().unwrap().cancel();
            count.add();
            // What is ready at once is no wait.
            queue.put(1).await.unwrap();
            assert_eq!(queue.get().await.unwrap(), 1);
            assert_eq!(ended.await.unwrap(), 2);
            count.add();
            checkpoint().await;
            count.add();
        });
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(reached.get(), 2);
    });
}

#[test]
fn d9_a_task_that_returns_has_finished() {
    in_virtual_time(|| async {
        let task = create_task(async {
            current_task().unwrap().cancel();
            7
        });
        assert_eq!(task.await.unwrap(), 7);
    });
}

#[test]
fn d10_a_caught_request_may_be_refused() {
    in_virtual_time(|| async {
        let task = waiting(async {
            let cancelled = catch_cancel(sleep(1000 * MS)).await.unwrap_err();
            assert_eq!(cancelled.message(), Some("stop"));
            assert_eq!(cancelled.reason().kind(), CancelKind::Asked);
            assert_eq!(current_task().unwrap().cancelling(), 1);
            cancelled.swallow();
            assert_eq!(current_task().unwrap().cancelling(), 0);
            sleep(10 * MS).await;
            "still here"
        })
        .await;
        assert!(task.cancel_with("stop"));
        let (result, ms) = timed(task).await;
        assert_eq!((result.unwrap(), ms), ("still here", 10));

        let mut fails = waiting(async {
            drop(catch_cancel(pending::<()>()).await);
            panic!("instead");
        })
        .await;
        let error = fails.cancel_and_wait().await.unwrap_err();
        assert!(error.is_panic() && !fails.cancelled(), "{error}");
    });
}

#[test]
fn d12_what_was_refused_does_not_come_again() {
    in_virtual_time(|| async {
        let mut task = waiting(async {
            let mut caught = 0;
            for _ in 0..2 {
                while let Err(cancelled) = catch_cancel(sleep(10 * MS)).await {
                    caught += 1;
                    cancelled.swallow();
                }
            }
            caught
        })
        .await;
        task.cancel();
        sleep(MS).await;
        task.cancel();
        assert_eq!(task.join().await.unwrap(), 2);
    });
}

#[test]
fn d13_the_reason_travels_to_who_awaits() {
    in_virtual_time(|| async {
        let task = waiting(async {
            let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
            sleep(MS).await;
            cancelled.resume::<()>().await;
        })
        .await;
        task.cancel_with("no more");
        let error = task.await.unwrap_err();
        assert_eq!(message(&error), Some("no more"));
        assert_eq!(error.to_string(), "the task was cancelled: no more");

        let task = create_task(async {
            let me = current_task().unwrap();
            me.cancel_with("the first");
            me.cancel_with("the second");
            pending::<()>().await;
        });
        assert_eq!(message(&task.await.unwrap_err()), Some("the first"));
    });
}

#[test]
fn d14_a_request_that_was_not_delivered_can_be_taken_back() {
    in_virtual_time(|| async {
        let task = create_task(async {
            let me = current_task().unwrap();
            me.cancel();
            assert_eq!((me.cancelling(), me.uncancel(), me.uncancel()), (1, 0, 0));
            sleep(MS).await;
            // One of two stands, and is delivered.
            me.cancel();
            me.cancel();
            assert_eq!(me.uncancel(), 1);
            catch_cancel(sleep(MS)).await.unwrap_err().swallow();
            7
        });
        assert_eq!(task.await.unwrap(), 7);
    });
}

#[test]
fn the_innermost_catcher_takes_a_request_and_passes_it_on() {
    in_virtual_time(|| async {
        let log = Arc::new(Mutex::new(Vec::new()));
        let said = log.clone();
        let say = move |what| said.lock().push(what);
        let mut task = waiting(async move {
            let outer = catch_cancel(async {
                let inner = catch_cancel(sleep(1000 * MS)).await.unwrap_err();
                say("inner");
                sleep(5 * MS).await;
                inner.resume::<()>().await;
            });
            let outer = outer.await.unwrap_err();
            say("outer");
            sleep(5 * MS).await;
            outer.resume::<()>().await;
        })
        .await;
        let (result, ms) = timed(task.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, &**log.lock()), (10, &["inner", "outer"][..]));
    });
}

#[test]
fn a_second_request_cancels_the_clean_up_and_takes_the_first_along() {
    in_virtual_time(|| async {
        let mut task = waiting(async {
            catch_cancel(async {
                let held = catch_cancel(pending::<()>()).await.unwrap_err();
                sleep(1000 * MS).await;
                held.resume::<()>().await;
            })
            .await
            .unwrap_err()
            .swallow();
            assert_eq!(current_task().unwrap().cancelling(), 0, "both are refused");
            sleep(MS).await;
            "refused"
        })
        .await;
        task.cancel();
        sleep(MS).await;
        task.cancel();
        assert_eq!(task.join().await.unwrap(), "refused");
    });
}

#[test]
fn finally_cleans_up_after_an_end_a_cancellation_and_a_panic() {
    in_virtual_time(|| async {
        let cleaned = Count::default();
        let clean = |count: &Count| {
            let count = count.clone();
            async move {
                sleep(3 * MS).await;
                count.add();
            }
        };
        assert_eq!(finally(async { 7 }, clean(&cleaned)).await, 7);
        assert_eq!(cleaned.get(), 1);
        let mut task = waiting(finally(pending::<()>(), clean(&cleaned))).await;
        let (result, ms) = timed(task.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, cleaned.get()), (3, 2));
        let task = create_task(finally(async { panic!("on purpose") }, clean(&cleaned)));
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(cleaned.get(), 3);
    });
}

#[test]
fn a_request_goes_down_a_chain_of_awaited_tasks() {
    in_virtual_time(|| async {
        let innermost = create_task(async {
            let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
            sleep(7 * MS).await;
            cancelled.resume::<()>().await;
        });
        let middle = create_task(async move {
            _ = innermost.await;
            unreachable!("the cancellation goes on here");
        });
        let mut outer = waiting(async move {
            let _result: Result<(), _> = middle.await;
            unreachable!("and here");
        })
        .await;
        let (result, ms) = timed(outer.cancel_and_wait()).await;
        let result: Result<(), TaskError> = result;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!(ms, 7);
    });
}

#[test]
fn a_child_that_refuses_spends_the_request_of_who_awaits_it() {
    in_virtual_time(|| async {
        let child = create_task(async {
            catch_cancel(pending::<()>()).await.unwrap_err().swallow();
            5
        });
        let mut parent = waiting(async move { child.await.unwrap() + 1 }).await;
        assert_eq!(parent.cancel_and_wait().await.unwrap(), 6);
    });
}

#[test]
fn a_task_awaited_by_two_is_cancelled_once() {
    in_virtual_time(|| async {
        let caught = Count::default();
        let count = caught.clone();
        let shared = create_task(async move {
            while let Err(cancelled) = catch_cancel(sleep(20 * MS)).await {
                count.add();
                cancelled.swallow();
            }
            1
        });
        let (one, two) = (shared.clone(), shared);
        let mut parent = waiting(async move {
            let (one, two) = join(one.into_future(), two.into_future()).await;
            one.unwrap() + two.unwrap()
        })
        .await;
        assert_eq!(parent.cancel_and_wait().await.unwrap(), 2);
        assert_eq!(caught.get(), 1);
    });
}

#[test]
fn catchers_in_a_combinator_that_polls_only_what_was_woken_are_reached() {
    in_virtual_time(|| async {
        let caught = Count::default();
        let count = caught.clone();
        let mut task = waiting(async move {
            let mut all: FuturesUnordered<_> = (0..5)
                .map(|n| {
                    let count = count.clone();
                    async move {
                        if let Err(cancelled) = catch_cancel(pending::<()>()).await {
                            count.add();
                            sleep(n * MS).await;
                            cancelled.resume::<()>().await;
                        }
                    }
                })
                .collect();
            while all.next().await.is_some() {}
        })
        .await;
        assert!(task.cancel_and_wait().await.unwrap_err().is_cancelled());
        // The first to be polled takes the request, and resumes it before it has waited.
        assert_eq!(caught.get(), 1);
    });
}

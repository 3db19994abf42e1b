//! Requests: caught, cleaned up after, refused; scopes, time limits, shields. In virtual time.
//!
//! The numbers in the names are those of `docs/semantics.md`.

mod common;

use std::future::{Future, IntoFuture, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::{Count, WORKERS, in_virtual_time};
use futures::future::{Either, join, select};
use futures::stream::{FuturesUnordered, StreamExt};
use loopwork::sync::{CancelPolicy, ConcurrentFuture, Event, Lock, Queue, mpsc, oneshot};
use loopwork::{
    CancelKind, CancelScope, Clock, EventLoop, Instant, LocalSet, Promise, Task, TaskError,
    catch_cancel, checkpoint, create_task, current_task, finally, gather, move_on_after, shield,
    shield_scope, sleep, spawn_local, timeout, timeout_with, wait_for,
};
use loopwork_shim::sync::Mutex;

const MS: Duration = Duration::from_millis(1);

/// A task that has begun to wait, a millisecond ago.
async fn waiting<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    let task = create_task(future);
    sleep(MS).await;
    task
}

/// What `future` gives, and how many milliseconds that took.
async fn timed<F: IntoFuture>(future: F) -> (F::Output, u128) {
    let start = Instant::now();
    let output = future.await;
    (output, (Instant::now() - start).as_millis())
}

fn message(error: &TaskError) -> Option<&str> {
    error.cancel_reason().and_then(|reason| reason.message())
}

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

#[test]
fn what_comes_after_a_request_goes_to_another() {
    in_virtual_time(|| async {
        let queue = Arc::new(Queue::unbounded());
        let get = |queue: &Arc<Queue<u32>>| {
            let queue = queue.clone();
            async move { queue.get().await.unwrap() }
        };
        let first = waiting(get(&queue)).await;
        let second = waiting(get(&queue)).await;
        first.cancel();
        queue.put_nowait(1).unwrap();
        assert!(first.await.unwrap_err().is_cancelled());
        assert_eq!(second.await.unwrap(), 1);

        let event = Arc::new(Event::new());
        let waits = event.clone();
        let mut task = waiting(async move { waits.wait().await }).await;
        task.cancel();
        event.set();
        assert!(task.join().await.unwrap_err().is_cancelled());

        let lock = Arc::new(Lock::new(()));
        let held = lock.clone().lock_owned().await;
        let waits = lock.clone();
        let mut task = waiting(async move { drop(waits.lock().await) }).await;
        task.cancel();
        drop(held);
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert!(!lock.locked());
    });
}

#[test]
fn a_message_that_comes_after_a_request_stays_in_its_channel() {
    in_virtual_time(|| async {
        let (sender, receiver) = mpsc::channel(1);
        let shared = Arc::new(Lock::new(receiver));
        let receives = shared.clone();
        let mut task = waiting(async move { receives.lock().await.recv().await }).await;
        task.cancel();
        sender.try_send(1).unwrap();
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert_eq!(shared.lock().await.recv().await, Some(1));
    });
}

#[test]
fn a_one_shot_value_that_comes_after_a_request_stays_in_its_channel() {
    in_virtual_time(|| async {
        let (sender, mut receiver) = oneshot::channel();
        let task = waiting(async move {
            catch_cancel(&mut receiver).await.unwrap_err().swallow();
            receiver.await.unwrap()
        })
        .await;
        task.cancel();
        sender.send(1).unwrap();
        assert_eq!(task.await.unwrap(), 1);

        // It has no other taker: without the receiver it goes back, or goes.
        let dropped = Count::default();
        let (sender, receiver) = oneshot::channel();
        let mut task = waiting(receiver).await;
        task.cancel();
        drop(sender.send(dropped.on_drop()));
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn the_value_of_work_elsewhere_that_comes_after_a_request_is_for_others() {
    in_virtual_time(|| async {
        let (completer, future) = ConcurrentFuture::channel(CancelPolicy::WhilePending);
        assert!(completer.set_running_or_notify_cancel());
        let mut task = waiting(future.clone()).await;
        task.cancel();
        completer.set_result(1).unwrap();
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert_eq!(future.await.unwrap(), 1);
    });
}

#[test]
fn what_came_before_a_request_is_taken() {
    in_virtual_time(|| async {
        let queue = Arc::new(Queue::unbounded());
        let gets = queue.clone();
        let mut task = waiting(async move {
            let item = gets.get().await.unwrap();
            let caught = catch_cancel(sleep(10 * MS)).await.unwrap_err();
            caught.swallow();
            item
        })
        .await;
        queue.put_nowait(1).unwrap();
        task.cancel();
        assert_eq!(task.join().await.unwrap(), 1, "and the request is met at the next wait");
    });
}

#[test]
fn e1_a_shielded_task_runs_on() {
    in_virtual_time(|| async {
        let ended = Count::default();
        let count = ended.clone();
        let inner = create_task(async move {
            sleep(10 * MS).await;
            count.add();
            1
        });
        let mut outer = waiting(shield(inner.clone())).await;
        let (result, ms) = timed(outer.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, ended.get()), (0, 0));
        assert_eq!(inner.await.unwrap(), 1);
        let inner = waiting(pending::<()>()).await;
        inner.cancel();
        assert!(shield(inner).await.unwrap_err().is_cancelled());
        let inner = waiting(async { 2 }).await;
        assert_eq!(shield(inner).await.unwrap(), 2);
    });
}

#[test]
fn e4_a_shielded_gather_and_all_that_it_gathers_run_on() {
    in_virtual_time(|| async {
        let ended = Count::default();
        let child = |ms: u32| {
            let count = ended.clone();
            async move {
                sleep(ms * MS).await;
                count.add();
                ms
            }
        };
        let inner = create_task(gather([child(5), child(10)]));
        let mut outer = waiting(shield(inner.clone())).await;
        let (result, ms) = timed(outer.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, ended.get()), (0, 0), "only the wait of the shield has ended");
        assert_eq!(inner.await.unwrap().unwrap(), [5, 10]);
        assert_eq!(ended.get(), 2);
    });
}

#[test]
fn a_shield_scope_ends_before_the_request_goes_on() {
    in_virtual_time(|| async {
        let done = Count::default();
        let count = done.clone();
        let mut task = waiting(async move {
            shield_scope(async {
                sleep(10 * MS).await;
                count.add();
            })
            .await;
            sleep(1000 * MS).await;
        })
        .await;
        let (result, ms) = timed(task.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, done.get()), (9, 1));
    });
}

#[test]
fn a_shield_has_a_limit_of_its_own() {
    in_virtual_time(|| async {
        let (result, ms) = timed(shield_scope(pending::<()>()).limit(5 * MS)).await;
        assert_eq!((result.is_err(), ms), (true, 5));
        let mut task = waiting(async {
            _ = shield_scope(pending::<()>()).limit(5 * MS).await;
            unreachable!("the request from outside wins");
        })
        .await;
        let (result, ms): (Result<(), _>, _) = timed(task.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!(ms, 4);
    });
}

#[test]
fn a_shield_that_is_dropped_gives_what_it_held_back() {
    in_virtual_time(|| async {
        let mut task = waiting(async {
            let quick = sleep(5 * MS);
            match select(Box::pin(shield_scope(pending::<()>())), quick).await {
                Either::Left(_) => unreachable!(),
                Either::Right(((), shield)) => drop(shield),
            }
            sleep(1000 * MS).await;
        })
        .await;
        let (result, ms) = timed(task.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!(ms, 4);
    });
}

#[test]
fn e7_a_task_whose_time_is_up_from_the_beginning_is_cancelled_and_waited_for() {
    in_virtual_time(|| async {
        let cleaned = Count::default();
        let count = cleaned.clone();
        let task = waiting(async move {
            let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
            sleep(7 * MS).await;
            count.add();
            cancelled.resume::<()>().await;
        })
        .await;
        let (result, ms) = timed(wait_for(task, Duration::ZERO)).await;
        assert_eq!((result.is_err(), ms, cleaned.get()), (true, 7, 1));
        let done = waiting(async { 1 }).await;
        assert_eq!(wait_for(done, Duration::ZERO).await.unwrap().unwrap(), 1);
    });
}

#[test]
fn e8_a_task_whose_time_is_up_is_cancelled_and_waited_for() {
    in_virtual_time(|| async {
        let task = create_task(async {
            let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
            assert_eq!(cancelled.reason().kind(), CancelKind::Deadline);
            sleep(7 * MS).await;
            cancelled.resume::<()>().await;
        });
        let (result, ms) = timed(wait_for(task, 10 * MS)).await;
        assert_eq!((result.is_err(), ms), (true, 17));
    });
}

#[test]
fn e9_a_task_that_answers_all_the_same_is_heard() {
    in_virtual_time(|| async {
        let task = create_task(async {
            catch_cancel(pending::<()>()).await.unwrap_err().swallow();
            3
        });
        assert_eq!(wait_for(task, 10 * MS).await.unwrap().unwrap(), 3);
        let task = create_task(async {
            drop(catch_cancel(pending::<()>()).await);
            Err::<(), _>("in answer")
        });
        assert_eq!(wait_for(task, 10 * MS).await.unwrap().unwrap(), Err("in answer"));
        let task: Task<()> = create_task(async {
            drop(catch_cancel(pending::<()>()).await);
            panic!("in answer")
        });
        assert!(wait_for(task, 10 * MS).await.unwrap().unwrap_err().is_panic());
    });
}

#[test]
fn e11_a_request_to_who_waits_for_a_task_cancels_that_and_goes_on() {
    in_virtual_time(|| async {
        let cleaned = Count::default();
        let count = cleaned.clone();
        let inner = create_task(async move {
            let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
            assert_eq!(cancelled.reason().kind(), CancelKind::Asked);
            sleep(7 * MS).await;
            count.add();
            cancelled.resume::<()>().await;
        });
        let mut outer = waiting(async move {
            _ = wait_for(inner, 1000 * MS).await;
            unreachable!("the request goes on");
        })
        .await;
        let (result, ms): (Result<(), TaskError>, _) = timed(outer.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, cleaned.get()), (7, 1));
    });
}

/// The task that is waited for ends by itself, just before or just after who waits for it is cancelled.
#[test]
fn e11_a_request_is_not_lost_to_an_end_in_the_same_moment() {
    for before in [true, false] {
        in_virtual_time(|| async move {
            let gate = Arc::new(Event::new());
            let opens = gate.clone();
            let inner = waiting(async move { opens.wait().await }).await;
            let mut outer = waiting(async move {
                _ = wait_for(inner, 1000 * MS).await;
                sleep(1000 * MS).await;
            })
            .await;
            if before {
                gate.set();
                outer.cancel();
            } else {
                outer.cancel();
                gate.set();
            }
            let (result, ms) = timed(outer.join()).await;
            assert!(result.unwrap_err().is_cancelled());
            assert_eq!(ms, 0);
        });
    }
}

#[test]
fn e12_what_is_ready_at_once_has_not_timed_out() {
    in_virtual_time(|| async {
        assert_eq!(timeout(Duration::ZERO, async { 1 }).await, Ok(1));
        assert_eq!(timeout(MS, async { 1 }).await, Ok(1));
    });
}

/// What ends by itself has not answered: neither a limit nor a cancellation is spent on it.
#[test]
fn a_limit_is_not_lost_to_a_task_that_ends_together_with_it() {
    in_virtual_time(|| async {
        for _ in 0..20 {
            let started = Instant::now();
            let inner = create_task(sleep(10 * MS));
            let limited = timeout(10 * MS, async {
                inner.await.unwrap();
                sleep(1000 * MS).await;
            });
            assert!(limited.await.is_err());
            assert_eq!(Instant::now() - started, 10 * MS);
        }
    });
}

#[test]
fn a_local_task_that_ends_by_itself_spends_no_request() {
    in_virtual_time(|| async {
        let local = LocalSet::new();
        let gate = Arc::new(Event::new());
        let opens = gate.clone();
        let inside = local.run_until(async move {
            let inner = spawn_local(async move { opens.wait().await });
            let outer = spawn_local(async move {
                _ = inner.await;
                sleep(1000 * MS).await;
            });
            sleep(MS).await;
            outer.cancel();
            gate.set();
            timed(outer).await
        });
        let (result, ms) = inside.await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!(ms, 0);
    });
}

#[test]
fn what_a_local_task_gives_after_a_request_is_not_taken() {
    in_virtual_time(|| async {
        let (local, reached) = (LocalSet::new(), Count::default());
        let (gate, count) = (Arc::new(Event::new()), reached.clone());
        let opens = gate.clone();
        let inside = local.run_until(async move {
            let inner = spawn_local(async move { opens.wait().await });
            let outer = spawn_local(async move {
                inner.await.unwrap();
                count.add();
            });
            sleep(MS).await;
            gate.set();
            outer.cancel();
            outer.await
        });
        assert!(inside.await.unwrap_err().is_cancelled());
        assert_eq!(reached.get(), 0);
    });
}

#[test]
fn e12_what_came_before_the_time_was_up_is_given() {
    for workers in WORKERS {
        let clock = Clock::virtual_time();
        let builder = EventLoop::builder().workers(workers).clock(clock.clone());
        let mut event_loop = builder.build().unwrap();
        let test = async {
            let _hold = clock.hold();
            let promise = Promise::<u32>::new();
            let waits = promise.clone();
            let limited = create_task(timeout(10 * MS, waits.into_future()));
            clock.advance(9 * MS).await;
            promise.set_result(1).unwrap();
            clock.advance(5 * MS).await;
            assert_eq!(limited.await.unwrap().unwrap().unwrap(), 1);
        };
        event_loop.run_until_complete(test).unwrap();
    }
}

/// asyncio's runs from the call.
#[test]
fn a_limit_runs_from_its_first_wait() {
    in_virtual_time(|| async {
        let limited = timeout(10 * MS, pending::<()>());
        sleep(30 * MS).await;
        let (result, ms) = timed(limited).await;
        assert_eq!((result.is_err(), ms), (true, 10));
        // Somebody asks for the limit: it runs from now on.
        let mut limited = timeout(40 * MS, pending::<()>());
        let limit = limited.limit();
        sleep(30 * MS).await;
        assert_eq!(limit.when(), Some(Instant::now() + 10 * MS));
        let (result, ms) = timed(limited).await;
        assert_eq!((result.is_err(), ms), (true, 10));
        let (result, ms) = timed(timeout(Duration::ZERO, sleep(MS))).await;
        assert_eq!((result.is_err(), ms), (true, 0));
    });
}

#[test]
fn e15_a_limit_may_be_taken_away_and_moved() {
    in_virtual_time(|| async {
        let taken_away = timeout_with(5 * MS, |limit| async move {
            limit.reschedule(None).unwrap();
            sleep(50 * MS).await;
            assert!(!limit.expired() && limit.when().is_none());
        });
        assert!(taken_away.await.is_ok());
        let (result, ms) = timed(timeout_with(5 * MS, |limit| async move {
            sleep(MS).await;
            limit.reschedule(Some(Instant::now() + 20 * MS)).unwrap();
            sleep(50 * MS).await;
        }))
        .await;
        assert_eq!((result.is_err(), ms), (true, 21));
        let (result, ms) = timed(timeout_with(50 * MS, |limit| async move {
            sleep(MS).await;
            limit.reschedule(Some(Instant::now() + 2 * MS)).unwrap();
            sleep(500 * MS).await;
        }))
        .await;
        assert_eq!((result.is_err(), ms), (true, 3));
    });
}

#[test]
fn e16_a_limit_that_has_passed_takes_effect_at_the_first_wait() {
    in_virtual_time(|| async {
        let reached = Count::default();
        let count = reached.clone();
        let result = timeout(Duration::ZERO, async move {
            count.add();
            sleep(Duration::ZERO).await;
            count.add();
        });
        assert!(result.await.is_err());
        assert_eq!(reached.get(), 1);
    });
}

#[test]
fn e18_a_request_from_outside_is_not_a_timeout() {
    in_virtual_time(|| async {
        let known = Arc::new(Mutex::new(None));
        let limit = known.clone();
        let mut task = waiting(async move {
            let limited = timeout_with(1000 * MS, |own| {
                *limit.lock() = Some(own);
                pending::<()>()
            });
            _ = limited.await;
            unreachable!("it is cancelled");
        })
        .await;
        let result: Result<(), TaskError> = task.cancel_and_wait().await;
        assert!(result.unwrap_err().is_cancelled());
        assert!(!known.lock().take().unwrap().expired());
    });
}

#[test]
fn e19_of_limits_that_are_up_together_the_outermost_reports() {
    in_virtual_time(|| async {
        for _ in 0..20 {
            let limits = Arc::new(Mutex::new(Vec::new()));
            let seen = limits.clone();
            let outer = timeout_with(10 * MS, |outer| async move {
                let inner = timeout_with(10 * MS, |inner| async move {
                    seen.lock().extend([outer, inner]);
                    pending::<()>().await;
                });
                _ = inner.await;
                unreachable!("the outer one goes on");
            });
            let (result, ms): (Result<(), _>, _) = timed(outer).await;
            assert_eq!((result.is_err(), ms), (true, 10));
            assert!(limits.lock().iter().all(|limit| limit.expired()));
        }
    });
}

#[test]
fn a_limit_wins_over_a_sleep_inside_that_ends_together_with_it() {
    in_virtual_time(|| async {
        for _ in 0..20 {
            let (result, ms) = timed(timeout(30 * MS, async {
                sleep(10 * MS).await;
                sleep(20 * MS).await;
            }))
            .await;
            assert_eq!((result.is_err(), ms), (true, 30));
        }
    });
}

#[test]
fn e20_a_limit_works_after_a_request_that_was_refused() {
    in_virtual_time(|| async {
        let mut task = waiting(async {
            catch_cancel(pending::<()>()).await.unwrap_err().swallow();
            timeout(5 * MS, pending::<()>()).await.is_err()
        })
        .await;
        assert!(task.cancel_and_wait().await.unwrap());
    });
}

#[test]
fn e21_a_limit_that_is_over_cannot_be_moved() {
    in_virtual_time(|| async {
        let mut kept = None;
        let _result = timeout_with(5 * MS, |limit| {
            kept = Some(limit);
            pending::<()>()
        })
        .await;
        let limit = kept.unwrap();
        assert!(limit.expired() && limit.reschedule(None).is_err());

        let cleaned = timeout_with(5 * MS, |limit| async move {
            catch_cancel(pending::<()>()).await.unwrap_err().swallow();
            assert!(limit.expired() && limit.reschedule(None).is_err(), "while it takes effect");
        });
        cleaned.await.unwrap();

        let mut kept = None;
        let in_time = timeout_with(5 * MS, |limit| {
            kept = Some(limit);
            async {}
        });
        in_time.await.unwrap();
        let limit = kept.unwrap();
        assert!(!limit.expired() && limit.reschedule(None).is_err());
    });
}

#[test]
fn e22_a_limit_works_in_the_clean_up_of_another() {
    in_virtual_time(|| async {
        let cleanup = async {
            assert!(timeout(5 * MS, pending::<()>()).await.is_err());
        };
        let (result, ms) = timed(timeout(10 * MS, finally(pending::<()>(), cleanup))).await;
        assert_eq!((result.is_err(), ms), (true, 15));
    });
}

#[test]
fn e23_who_survives_a_limit_is_not_cancelled() {
    in_virtual_time(|| async {
        let mut task = create_task(async {
            assert!(move_on_after(5 * MS, pending::<()>()).await.is_none());
            let me = current_task().unwrap();
            assert_eq!(me.cancelling(), 0);
            sleep(MS).await;
            1
        });
        assert_eq!(task.join().await.unwrap(), 1);
    });
}

#[test]
fn a_scope_is_cancelled_from_anywhere() {
    in_virtual_time(|| async {
        let scope = CancelScope::new();
        let handle = scope.clone();
        let canceller = create_task(async move {
            sleep(5 * MS).await;
            assert!(handle.cancel_with("enough"));
            _ = handle.cancel_with("again"); // it may be over by now
        });
        let (result, ms) = timed(scope.run(pending::<()>())).await;
        let cancelled = result.unwrap_err();
        assert_eq!((cancelled.reason().message(), ms), (Some("enough"), 5));
        assert!(!scope.cancel(), "it is over");
        canceller.await.unwrap();
    });
}

/// Nobody knows yet whom to wake: it has not waited.
#[test]
fn a_scope_is_cancelled_in_its_first_poll() {
    in_virtual_time(|| async {
        let (inside, elsewhere) = (CancelScope::new(), CancelScope::new());
        let handle = inside.clone();
        let itself = async move {
            assert!(handle.cancel());
            pending::<()>().await;
        };
        let handle = elsewhere.clone();
        let by_a_thread = async move {
            thread::spawn(move || assert!(handle.cancel())).join().unwrap();
            pending::<()>().await;
        };
        // If it is overlooked, time goes on.
        let both = async { (inside.run(itself).await, elsewhere.run(by_a_thread).await) };
        let (results, ms) = timed(timeout(1000 * MS, both)).await;
        let (first, second) = results.expect("it was overlooked");
        assert!(first.is_err() && second.is_err());
        assert_eq!(ms, 0);
    });
}

#[test]
fn a_scope_around_a_gather_waits_for_what_it_gathers() {
    in_virtual_time(|| async {
        let scope = CancelScope::with_timeout(5 * MS);
        let child = |n: u32| async move {
            let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
            sleep(n * MS).await;
            cancelled.resume::<()>().await;
        };
        let gathered = gather([child(1), child(2), child(3)]).return_exceptions();
        let (result, ms) = timed(scope.run(gathered)).await;
        assert!(result.unwrap_err().is_timeout());
        assert_eq!(ms, 8);
    });
}

#[test]
fn a_request_from_outside_wins_over_the_scopes_own() {
    in_virtual_time(|| async {
        let scope = CancelScope::new();
        let handle = scope.clone();
        let mut task = waiting(async move {
            _ = scope.run(pending::<()>()).await;
            unreachable!("the outer one goes on");
        })
        .await;
        handle.cancel();
        let result: Result<(), TaskError> = task.cancel_and_wait().await;
        assert!(result.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_scope_is_entered_once() {
    in_virtual_time(|| async {
        let scope = CancelScope::new();
        assert_eq!(scope.run(async { 1 }).await.unwrap(), 1);
        let again = catch_unwind(AssertUnwindSafe(|| drop(scope.run(async {}))));
        assert!(again.is_err());
    });
}

#[test]
fn a_level_triggered_scope_asks_at_every_wait() {
    in_virtual_time(|| async {
        let scope = CancelScope::level_triggered();
        let handle = scope.clone();
        let caught = Count::default();
        let count = caught.clone();
        let task = create_task(async move {
            scope
                .run(async {
                    for _ in 0..3 {
                        catch_cancel(sleep(1000 * MS)).await.unwrap_err().swallow();
                        count.add();
                    }
                    shield_scope(sleep(5 * MS)).await;
                    sleep(1000 * MS).await;
                })
                .await
                .is_err()
        });
        sleep(MS).await;
        handle.cancel();
        let (result, ms) = timed(task).await;
        assert_eq!((result.unwrap(), ms, caught.get()), (true, 5, 3));
    });
}

//! Time limits, and who is waited for when one is up.

use std::future::{IntoFuture, pending};
use std::sync::Arc;
use std::time::Duration;

use loopwork::{
    CancelKind, Clock, EventLoop, Instant, Promise, Task, TaskError, catch_cancel, create_task,
    current_task, finally, move_on_after, sleep, timeout, timeout_with, wait_for,
};
use loopwork_shim::sync::Mutex;

use crate::common::{Count, WORKERS, in_virtual_time};
use crate::{MS, timed, waiting};

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

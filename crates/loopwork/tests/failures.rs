//! Failures that nobody looked at are heard, once: and those that somebody has are not.
//!
//! The numbers in the names are those of `docs/semantics.md`.

mod common;

use std::future::Future;
use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use common::{Count, Log, WORKERS, event_loop, run_what_is_due};
use loopwork::{
    AnyTask, CallHandle, Clock, EventLoop, ExceptionContext, Handle, Panicked, Promise,
    SharedError, TaskError, TaskGroup, create_task, gather, shield, sleep, wait,
};

const MS: Duration = Duration::from_millis(1);

/// Runs `test` in virtual time with one worker, two and eight; it gets what is reported.
fn at_each_size<F: Future>(test: impl Fn(mpsc::Receiver<ExceptionContext>) -> F) {
    for workers in WORKERS {
        let builder = EventLoop::builder().workers(workers).clock(Clock::virtual_time());
        let (log, reports) = Log::new();
        let handler = move |context: &ExceptionContext| log.push(context.clone());
        let mut event_loop = builder.exception_handler(Arc::new(handler)).build().unwrap();
        event_loop.run_until_complete(test(reports)).unwrap();
    }
}

async fn fail_at(ms: u32, what: &'static str) -> Result<u32, io::Error> {
    sleep(ms * MS).await;
    Err(io::Error::other(what))
}

async fn panic_at(ms: u32, what: &'static str) -> u32 {
    sleep(ms * MS).await;
    panic!("{what}")
}

async fn ended(task: &AnyTask) {
    task.ended().await;
    // What its end brings with it, on another worker.
    sleep(MS).await;
}

#[test]
fn a_report_is_typed() {
    at_each_size(|reports| async move {
        let task = create_task(panic_at(0, "as planned"));
        task.set_name("the task");
        let any = task.as_any();
        drop(task);
        ended(&any).await;
        let report = reports.try_recv().unwrap();
        assert_eq!(report.message, "the task failed and nobody looked at its result");
        let panicked = report.exception.as_ref().unwrap().downcast_ref::<Panicked>().unwrap();
        assert_eq!(panicked.message(), "as planned");
        assert_eq!(report.task, Some(any));
        assert!(report.handle.is_none() && report.future.is_none());
        assert!(report.to_string().contains("tests/failures.rs:"), "{report}");

        let handle: CallHandle = Handle::current().unwrap().call_soon(|| panic!("in a callback"));
        sleep(MS).await;
        let report = reports.try_recv().unwrap();
        assert_eq!(report.message, "a callback panicked");
        assert!(report.handle.is_some() && report.task.is_none() && !handle.cancelled());

        let promise = Promise::<u32>::new();
        let made_at = promise.made_at();
        promise.set_exception(io::Error::other("unseen")).unwrap();
        drop(promise);
        let report = reports.try_recv().unwrap();
        assert_eq!(report.future, Some(made_at));
        assert!(report.exception.unwrap().downcast_ref::<io::Error>().is_some());
    });
}

#[test]
fn an_err_is_a_value_until_errors_fail() {
    at_each_size(|reports| async move {
        let task = create_task(fail_at(0, "a value"));
        let any = task.as_any();
        drop(task);
        ended(&any).await;
        assert!(reports.try_recv().is_err());

        // Without a handle when it ends.
        let task = create_task(fail_at(1, "detached")).errors_fail();
        let any = task.as_any();
        drop(task);
        ended(&any).await;
        let report = reports.try_recv().unwrap();
        assert_eq!(report.exception.as_ref().unwrap().to_string(), "detached");
        assert!(report.exception.unwrap().downcast_ref::<io::Error>().is_some());
        assert_eq!(report.task, Some(any));

        // With handles that nobody used.
        let task = create_task(async { Err::<u32, _>("unused") }).errors_fail();
        let any = task.as_any();
        let other = task.as_any();
        ended(&any).await;
        assert!(reports.try_recv().is_err(), "somebody may look yet");
        drop((task, other));
        assert_eq!(reports.try_iter().count(), 1);

        let fine = create_task(async { Ok::<u32, io::Error>(1) }).errors_fail();
        let any = fine.as_any();
        drop(fine);
        ended(&any).await;
        assert!(reports.try_recv().is_err());
    });
}

#[test]
fn an_err_that_somebody_looked_at_is_not_reported() {
    at_each_size(|reports| async move {
        let awaited = create_task(fail_at(1, "awaited")).errors_fail();
        assert!(awaited.await.unwrap().is_err());
        let task = create_task(async { Err::<u32, _>("shared".to_owned()) }).errors_fail();
        let clone = task.clone();
        assert!(task.await.unwrap().is_err());
        drop(clone);
        let task = create_task(async { Err::<u32, _>("asked for".to_owned()) }).errors_fail();
        ended(&task.as_any()).await;
        assert!(task.result().unwrap().is_err());
        drop(task);
        let cancelled = create_task(fail_at(1000, "never")).errors_fail();
        cancelled.cancel();
        let any = cancelled.as_any();
        drop(cancelled);
        ended(&any).await;
        assert!(reports.try_recv().is_err());
    });
}

#[test]
fn f2_what_gather_leaves_behind_is_not_reported() {
    at_each_size(|reports| async move {
        let late = create_task(fail_at(5, "late")).errors_fail();
        let panics = create_task(async { Ok::<u32, io::Error>(panic_at(5, "late").await) });
        let left = [late.as_any(), panics.as_any()];
        let first = create_task(fail_at(1, "first")).errors_fail();
        let error = gather([first, late, panics]).errors_fail().await.unwrap_err();
        assert_eq!(error.to_string(), "first");
        for task in left {
            ended(&task).await;
        }
        assert!(reports.try_recv().is_err());
    });
}

#[test]
fn e2_a_shielded_task_whose_awaiter_was_cancelled_reports_once() {
    at_each_size(|reports| async move {
        let fails = create_task(async { fail_at(10, "after all").await.map_err(SharedError::new) });
        let fails = fails.errors_fail();
        let panics = create_task(panic_at(10, "after all"));
        let inner = [fails.as_any(), panics.as_any()];
        // Shielded twice, it is reported once all the same.
        let mut shields = [create_task(shield(fails.clone())), create_task(shield(fails))];
        let mut other = create_task(shield(panics));
        sleep(MS).await;
        for shield in &mut shields {
            assert!(shield.cancel_and_wait().await.unwrap_err().is_cancelled());
        }
        assert!(other.cancel_and_wait().await.unwrap_err().is_cancelled());
        assert!(reports.try_recv().is_err());
        for task in &inner {
            ended(task).await;
        }
        let said: Vec<_> = reports.try_iter().map(|it| it.exception.unwrap().to_string()).collect();
        assert_eq!(said, ["after all", "after all"]);
    });
}

#[test]
fn e3_a_shielded_task_that_succeeds_is_silent() {
    at_each_size(|reports| async move {
        let inner = create_task(async {
            sleep(10 * MS).await;
            Ok::<u32, io::Error>(1)
        });
        let inner = inner.errors_fail();
        let any = inner.as_any();
        let mut outer = create_task(shield(inner));
        sleep(MS).await;
        assert!(outer.cancel_and_wait().await.unwrap_err().is_cancelled());
        ended(&any).await;
        assert!(!any.cancelled() && reports.try_recv().is_err());
    });
}

#[test]
fn the_children_of_a_group_are_never_reported() {
    at_each_size(|reports| async move {
        for panics in [false, true] {
            let error = TaskGroup::new().run(|group| async move {
                drop(group.create_task(async move {
                    if panics {
                        panic_at(1, "a child").await;
                    }
                    fail_at(1, "a child").await
                }));
                let held = group.create_task(fail_at(1, "a child"));
                sleep(10 * MS).await;
                drop(held);
                Ok::<_, io::Error>(())
            });
            let error = error.await.unwrap_err();
            assert!(error.to_string().contains("a child"), "{error}");
            sleep(MS).await;
            let reported: Vec<_> = reports.try_iter().map(|it| it.to_string()).collect();
            assert!(reported.is_empty(), "{reported:?}");
        }
    });
}

#[test]
fn what_wait_gives_back_is_for_its_caller() {
    at_each_size(|reports| async move {
        let tasks = [create_task(panic_at(1, "unseen")), create_task(panic_at(1, "seen"))];
        let (mut done, pending) = wait(tasks).await;
        assert!(pending.is_empty() && done.len() == 2);
        assert!(done.pop().unwrap().exception().unwrap().is_some());
        drop(done);
        assert_eq!(reports.try_iter().count(), 1);
    });
}

#[test]
fn j2_none_restores_the_default_handler() {
    let event_loop = event_loop(1);
    let handle = event_loop.handle();
    assert!(handle.exception_handler().is_none());
    let calls = Count::default();
    let count = calls.clone();
    event_loop.set_exception_handler(Some(Arc::new(move |_| count.add())));
    event_loop.call_exception_handler(&ExceptionContext::new("one"));
    event_loop.exception_handler().unwrap()(&ExceptionContext::new("two"));
    assert_eq!(calls.get(), 2);
    handle.set_exception_handler(None);
    assert!(event_loop.exception_handler().is_none());
    handle.default_exception_handler(&ExceptionContext::new("printed, as it is to be"));
    assert_eq!(calls.get(), 2);
}

#[test]
fn j3_a_handler_that_panics_leaves_the_loop_running() {
    for workers in WORKERS {
        let mut event_loop = event_loop(workers);
        let calls = Count::default();
        let count = calls.clone();
        event_loop.set_exception_handler(Some(Arc::new(move |_| {
            count.add();
            panic!("the handler");
        })));
        event_loop.call_soon(|| panic!("the callback"));
        run_what_is_due(&mut event_loop);
        let task = event_loop.create_task(async { panic!("the task") });
        let any = task.as_any();
        drop(task);
        event_loop.run_until_complete(async { any.ended().await }).unwrap();
        assert_eq!(event_loop.run_until_complete(async { 7 }).unwrap(), 7);
        // The report comes after the end, perhaps on another worker: closing waits for it.
        event_loop.close();
        assert_eq!(calls.get(), 2);
    }
}

#[test]
fn a_panic_reaches_who_awaits_and_is_not_reported() {
    at_each_size(|reports| async move {
        let error: TaskError = create_task(panic_at(1, "seen")).await.unwrap_err();
        assert!(error.is_panic() && reports.try_recv().is_err());
    });
}

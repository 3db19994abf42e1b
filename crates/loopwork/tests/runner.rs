//! `Runner`, and the teardown of a loop that was run. In virtual time.
//!
//! The numbers in the names are those of `docs/semantics.md`.

mod common;

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use common::{Count, Log, WORKERS};
use loopwork::{
    CancelKind, CancelReason, Clock, EventLoop, Handle, LoopError, Runner, all_tasks, catch_cancel,
    create_task, current_task, shield, sleep, yield_now,
};

const MS: Duration = Duration::from_millis(1);

fn runner(workers: usize) -> Runner {
    Runner::with_builder(EventLoop::builder().workers(workers).clock(Clock::virtual_time()))
}

/// Calls `test` with a runner of one worker, two and eight, and what its loop reports.
fn at_each_size(test: impl Fn(&mut Runner, mpsc::Receiver<String>)) {
    for workers in WORKERS {
        let mut runner = runner(workers);
        let (log, reports) = Log::new();
        let handler = move |context: &loopwork::ExceptionContext| log.push(context.to_string());
        runner.get_loop().unwrap().set_exception_handler(Some(Arc::new(handler)));
        test(&mut runner, reports);
    }
}

#[test]
fn several_runs_are_on_one_loop_and_tasks_stay_between_them() {
    at_each_size(|runner, _| {
        let first = runner.run(async { Handle::current().unwrap() }).unwrap();
        assert_eq!(runner.get_loop().unwrap().handle(), first);
        let task = runner
            .run(async {
                create_task(async {
                    sleep(MS).await;
                    7
                })
            })
            .unwrap();
        assert!(!task.done());
        assert_eq!(runner.run(task).unwrap().unwrap(), 7);
    });
}

#[test]
fn a_closed_runner_runs_nothing() {
    at_each_size(|runner, _| {
        let handle = runner.get_loop().unwrap().handle();
        runner.close();
        runner.close();
        assert!(handle.is_closed());
        assert!(matches!(runner.run(async {}), Err(LoopError::Closed)));
        assert!(matches!(runner.get_loop(), Err(LoopError::Closed)));
        assert_eq!(format!("{runner:?}"), "Runner(closed)");
    });
    let mut unused = runner(1);
    assert_eq!(format!("{unused:?}"), "Runner(new)");
    unused.close();
    assert!(matches!(unused.run(async {}), Err(LoopError::Closed)));
}

#[test]
fn a_runner_inside_a_loop_is_refused() {
    at_each_size(|runner, _| {
        let inside = runner.run(async { Runner::new().run(async {}) }).unwrap();
        assert!(matches!(inside, Err(LoopError::Nested)));
        let inside = runner.run(async { loopwork::run(async {}) }).unwrap();
        assert!(matches!(inside, Err(LoopError::Nested)));
    });
}

#[test]
fn dropping_a_runner_tears_down() {
    for workers in WORKERS {
        let ended = Count::default();
        let mut runner = runner(workers);
        let count = ended.clone();
        runner
            .run(async move {
                drop(create_task(async move {
                    catch_cancel(pending::<()>()).await.unwrap_err().swallow();
                    sleep(5 * MS).await;
                    count.add();
                }));
            })
            .unwrap();
        assert_eq!(ended.get(), 0);
        drop(runner);
        assert_eq!(ended.get(), 1, "one that refuses once is waited for");
    }
}

#[test]
fn the_teardown_is_one_act_for_all() {
    at_each_size(|runner, _| {
        let (log, reasons) = Log::<CancelReason>::new();
        runner
            .run(async {
                for _ in 0..5 {
                    let log = log.clone();
                    drop(create_task(async move {
                        let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
                        log.push(cancelled.reason().clone());
                        cancelled.resume::<()>().await;
                    }));
                }
            })
            .unwrap();
        runner.close();
        let reasons: Vec<_> = reasons.try_iter().collect();
        assert_eq!(reasons.len(), 5);
        assert!(reasons.iter().all(|it| it.same_act(&reasons[0])));
        assert_eq!(reasons[0].kind(), CancelKind::Teardown);
    });
}

#[test]
fn j12_a_task_that_fails_in_the_teardown_is_reported_and_the_result_of_main_stays() {
    at_each_size(|runner, reports| {
        let mut held = None;
        let result = runner.run(async {
            let fails = || async {
                catch_cancel(pending::<()>()).await.unwrap_err().swallow();
                sleep(MS).await;
                panic!("in the clean-up");
            };
            drop(create_task(fails()));
            held = Some(create_task(fails()));
            7
        });
        assert_eq!(result.unwrap(), 7);
        runner.close();
        let reports: Vec<_> = reports.try_iter().collect();
        assert_eq!(reports.len(), 2, "{reports:?}");
        assert!(reports.iter().all(|report| report.contains("in the clean-up")), "{reports:?}");
        drop(held);
    });
}

#[test]
fn neither_stop_nor_a_cancel_of_everything_ends_the_teardown() {
    at_each_size(|runner, _| {
        let ended = Count::default();
        runner
            .run(async {
                for n in 0..6 {
                    let count = ended.clone();
                    drop(create_task(async move {
                        catch_cancel(pending::<()>()).await.unwrap_err().swallow();
                        for _ in 0..3 {
                            match n {
                                0 => Handle::current().unwrap().stop(),
                                1 => all_tasks().iter().for_each(|task| {
                                    // Those beside this one have refused once, and end now.
                                    if *task != current_task().unwrap() {
                                        task.cancel();
                                    }
                                }),
                                _ => {}
                            }
                            let waits = catch_cancel(sleep(MS));
                            if let Err(cancelled) = waits.await {
                                cancelled.swallow();
                            }
                        }
                        count.add();
                    }));
                }
            })
            .unwrap();
        runner.close();
        assert_eq!(ended.get(), 6);
    });
}

#[test]
fn a_panic_of_main_goes_on_after_the_teardown() {
    let ended = Count::default();
    let count = ended.clone();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        loopwork::run(async move {
            drop(create_task(async move {
                _ = catch_cancel(pending::<()>()).await.map_err(|cancelled| cancelled.swallow());
                yield_now().await;
                count.add();
            }));
            panic!("main");
        })
    }));
    assert_eq!(*panicked.unwrap_err().downcast_ref::<&str>().unwrap(), "main");
    assert_eq!(ended.get(), 1);
}

#[test]
fn e5_the_teardown_cancels_what_is_shielded() {
    at_each_size(|runner, _| {
        let cancelled = runner
            .run(async {
                let inner = create_task(pending::<()>());
                let any = inner.as_any();
                drop(create_task(shield(inner)));
                any
            })
            .unwrap();
        runner.close();
        assert!(cancelled.cancelled());
    });
}

#[test]
fn tasks_end_before_the_executor_and_the_executor_before_the_loop() {
    at_each_size(|runner, _| {
        let (log, said) = Log::new();
        let of_task = log.clone();
        runner
            .run(async move {
                drop(create_task(async move {
                    catch_cancel(pending::<()>()).await.unwrap_err().swallow();
                    // The executor still takes work, and the loop still waits for it.
                    let handle = Handle::current().unwrap();
                    let of_job = of_task.clone();
                    let job = handle.run_in_executor(None, move || of_job.push("its job"));
                    job.expect("it is open").await.unwrap();
                    let left = handle.run_in_executor(None, move || log.push("a job left behind"));
                    drop(left);
                    of_task.push("the task");
                }));
            })
            .unwrap();
        runner.close();
        let said: Vec<_> = said.try_iter().collect();
        assert_eq!(said[0], "its job");
        assert!(said.contains(&"the task") && said.contains(&"a job left behind"), "{said:?}");
    });
}

#[test]
fn a_main_that_is_cancelled_as_a_task_says_so() {
    at_each_size(|runner, _| {
        let result = runner.run(async {
            current_task().unwrap().cancel();
            pending::<()>().await;
        });
        assert!(matches!(result, Err(LoopError::Cancelled)), "{result:?}");
        let stopped = runner.run(async {
            Handle::current().unwrap().stop();
            pending::<()>().await;
        });
        assert!(matches!(stopped, Err(LoopError::Stopped)), "{stopped:?}");
    });
}

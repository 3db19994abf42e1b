//! Groups: nothing in them outlives them, and nothing that fails in them is lost. In virtual time.
//!
//! The numbers in the names are those of `docs/semantics.md`.

mod common;

use std::error::Error;
use std::future::{Future, IntoFuture, pending};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use common::{Count, in_virtual_time};
use loopwork::{
    CancelKind, GroupError, Handle, Instant, NotStarted, SharedError, Started, Task, TaskError,
    TaskGroup, catch_cancel, create_task, current_task, eager_task_factory, shield_scope, sleep,
    timeout,
};
use loopwork_shim::sync::Mutex;

const MS: Duration = Duration::from_millis(1);

type Never = std::convert::Infallible;
type Anything = Box<dyn Error + Send + Sync>;

async fn timed<F: IntoFuture>(future: F) -> (F::Output, u128) {
    let start = Instant::now();
    let output = future.await;
    (output, (Instant::now() - start).as_millis())
}

async fn after(ms: u32) -> Result<u32, Never> {
    sleep(MS * ms).await;
    Ok(ms)
}

async fn fail_after_ms(ms: u32, what: &'static str) -> Result<u32, io::Error> {
    sleep(MS * ms).await;
    Err(io::Error::other(what))
}

/// Needs `ms` to clean up when it is cancelled.
async fn cleans_up(ms: u32, count: Count) -> Result<u32, Never> {
    let cancelled = catch_cancel(pending::<Never>()).await.unwrap_err();
    sleep(MS * ms).await;
    count.add();
    cancelled.resume().await
}

fn messages(error: &GroupError) -> Vec<String> {
    error.errors().map(ToString::to_string).collect()
}

#[test]
fn it_waits_for_all_children_and_gives_the_bodys_value() {
    in_virtual_time(|| async {
        let (result, ms) = timed(TaskGroup::new().run(|group| async move {
            let first = group.create_task(after(5));
            drop(group.create_task(after(20)));
            Ok::<_, Anything>(first.await??)
        }))
        .await;
        assert_eq!((result.unwrap(), ms), (5, 20));
        let empty = TaskGroup::new().run(|_| async { Ok::<_, Never>(1) });
        assert_eq!(empty.await.unwrap(), 1);
    });
}

#[test]
fn when_a_group_is_over_its_tasks_have_ended() {
    in_virtual_time(|| async {
        for _ in 0..50 {
            let mut tasks = TaskGroup::new()
                .run(|group| async move {
                    Ok::<_, Never>((0..20).map(|_| group.create_task(after(0))).collect::<Vec<_>>())
                })
                .await
                .unwrap();
            assert!(tasks.iter().all(Task::done));
            assert!(loopwork::all_tasks().len() <= 1, "the root is left");
            tasks.clear();
        }
    });
}

fn panic_text(result: std::thread::Result<()>) -> String {
    let payload = result.expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

#[test]
fn f15_a_group_is_entered_once_in_a_loop_and_has_children_while_it_runs() {
    in_virtual_time(|| async {
        let dropped = Count::default();
        let child = || {
            let hold = dropped.on_drop();
            async move {
                drop(hold);
                Ok::<_, Never>(())
            }
        };
        let refused = |group: &TaskGroup| {
            let kept = group.try_create_task(child()).expect_err("refused").into_inner();
            let before = dropped.get();
            drop(kept);
            assert_eq!(dropped.get(), before + 1, "it came back");
            let made = || drop(group.create_task(child()));
            let text = panic_text(catch_unwind(AssertUnwindSafe(made)));
            assert!(text.contains("it is not running"), "{text}");
            assert_eq!(dropped.get(), before + 2, "it is not leaked");
        };
        let group = TaskGroup::new();
        refused(&group);
        let runs = group.run(|group| async move { group.create_task(child()).await });
        runs.await.unwrap().unwrap();
        refused(&group);
        let again = || drop(group.run(|_| async { Ok::<_, Never>(()) }));
        let text = panic_text(catch_unwind(AssertUnwindSafe(again)));
        assert!(text.contains("once"), "{text}");
    });
    let nowhere = TaskGroup::new().run(|_| async { Ok::<_, Never>(()) });
    let polls = || drop(futures::executor::block_on(nowhere));
    let text = panic_text(catch_unwind(AssertUnwindSafe(polls)));
    assert!(text.contains("a task group belongs into a task"), "{text}");
}

#[test]
fn f16_children_make_children_while_it_waits() {
    in_virtual_time(|| async {
        fn grow(group: TaskGroup, depth: u32, count: Count) {
            let inner = group.clone();
            drop(group.create_task(async move {
                sleep(MS).await;
                count.add();
                for _ in 0..2 {
                    if depth > 0 {
                        grow(inner.clone(), depth - 1, count.clone());
                    }
                }
                Ok::<_, Never>(())
            }));
        }
        let count = Count::default();
        let seed = count.clone();
        let group = TaskGroup::new();
        let (result, ms) = timed(group.run(|group| async move {
            grow(group, 4, seed);
            Ok::<_, Never>(())
        }))
        .await;
        result.unwrap();
        assert_eq!((count.get(), ms), (31, 5));
        assert!(group.try_create_task(after(0)).is_err(), "it is over");
    });
}

#[test]
fn f17_the_first_failure_cancels_siblings_and_body() {
    in_virtual_time(|| async {
        let cleaned = Count::default();
        let count = cleaned.clone();
        let (result, ms) = timed(TaskGroup::new().run(|group| async move {
            drop(group.create_task(cleans_up(7, count.clone())));
            drop(group.create_task(cleans_up(3, count)));
            drop(group.create_task(fail_after_ms(10, "no luck")));
            sleep(1000 * MS).await;
            Ok::<_, Never>(())
        }))
        .await;
        let error = result.unwrap_err();
        assert_eq!(messages(&error), ["no luck"]);
        assert_eq!((ms, cleaned.get()), (17, 2));
        assert_eq!(error.find::<io::Error>().len(), 1);
        assert!(error.failures()[0].task().is_some());
    });
}

#[test]
fn all_errors_are_kept_in_their_order() {
    in_virtual_time(|| async {
        let error = TaskGroup::new()
            .run(|group| async move {
                drop(group.create_task(async {
                    let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
                    assert_eq!(cancelled.reason().kind(), CancelKind::Failure);
                    sleep(5 * MS).await;
                    Err::<(), _>(io::Error::other("while tidying up"))
                }));
                drop(group.create_task(fail_after_ms(1, "first")));
                let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
                drop(cancelled);
                Err::<(), Anything>("the body".into())
            })
            .await
            .unwrap_err();
        assert_eq!(messages(&error), ["first", "the body", "while tidying up"]);
        assert!(error.failures()[1].task().is_none());
        assert!(error.to_string().starts_with("3 tasks of the group failed: Task-"));
    });
}

#[test]
fn a_panic_is_a_failure() {
    in_virtual_time(|| async {
        let error = TaskGroup::new()
            .run(|group| async move {
                drop(group.create_task(async {
                    sleep(MS).await;
                    if true {
                        panic!("on purpose");
                    }
                    Ok::<_, Never>(())
                }));
                pending::<Result<(), Never>>().await
            })
            .await
            .unwrap_err();
        assert_eq!(messages(&error), ["the task panicked: on purpose"]);
        assert!(error.find::<TaskError>()[0].is_panic());
    });
}

#[test]
fn f18_a_child_that_is_cancelled_has_not_failed() {
    in_virtual_time(|| async {
        let (result, ms) = timed(TaskGroup::new().run(|group| async move {
            let child = group.create_task(after(1000));
            drop(group.create_task(after(10)));
            sleep(MS).await;
            child.cancel();
            assert!(child.await.unwrap_err().is_cancelled());
            Ok::<_, Never>(3)
        }))
        .await;
        assert_eq!((result.unwrap(), ms), (3, 10));
    });
}

#[test]
fn f19_an_error_of_the_body_cancels_the_children() {
    in_virtual_time(|| async {
        let cleaned = Count::default();
        let count = cleaned.clone();
        let (result, ms) = timed(TaskGroup::new().run(|group| async move {
            drop(group.create_task(cleans_up(4, count)));
            sleep(MS).await;
            Err::<(), _>(io::Error::other("the body"))
        }))
        .await;
        assert_eq!(messages(&result.unwrap_err()), ["the body"]);
        assert_eq!((ms, cleaned.get()), (5, 1));
    });
}

#[test]
fn f21_a_request_from_outside_cancels_all_and_goes_on_when_they_have_ended() {
    in_virtual_time(|| async {
        let cleaned = Count::default();
        for body_waits in [true, false] {
            let count = cleaned.clone();
            let mut task = create_task(TaskGroup::new().run(move |group| async move {
                drop(group.create_task(cleans_up(7, count)));
                if body_waits {
                    sleep(1000 * MS).await;
                }
                Ok::<_, Never>(())
            }));
            sleep(MS).await;
            let (result, ms) = timed(task.cancel_and_wait()).await;
            assert!(result.unwrap_err().is_cancelled());
            assert_eq!(ms, 7);
        }
        assert_eq!(cleaned.get(), 2);
    });
}

#[test]
fn f21_errors_come_first_and_the_request_at_the_next_wait() {
    in_virtual_time(|| async {
        let errors = Arc::new(Mutex::new(Vec::new()));
        let seen = errors.clone();
        let mut task = create_task(async move {
            let result = TaskGroup::new()
                .run(|group| async move {
                    drop(group.create_task(async {
                        drop(catch_cancel(pending::<()>()).await);
                        sleep(3 * MS).await;
                        Err::<(), _>(io::Error::other("in the clean-up"))
                    }));
                    Ok::<_, Never>(())
                })
                .await;
            seen.lock().extend(messages(&result.unwrap_err()));
            assert_eq!(current_task().unwrap().cancelling(), 1);
            sleep(1000 * MS).await;
            unreachable!("the request is pending");
        });
        sleep(MS).await;
        let (result, ms): (Result<(), _>, _) = timed(task.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, &**errors.lock()), (3, &["in the clean-up".to_owned()][..]));
    });
}

#[test]
fn f22_a_failed_group_leaves_no_request_behind() {
    in_virtual_time(|| async {
        let task = create_task(async {
            let result = TaskGroup::new()
                .run(|group| async move {
                    drop(group.create_task(fail_after_ms(1, "failed")));
                    pending::<Result<(), Never>>().await
                })
                .await;
            assert!(result.is_err());
            assert_eq!(current_task().unwrap().cancelling(), 0);
            sleep(5 * MS).await;
            1
        });
        assert_eq!(task.await.unwrap(), 1);
    });
}

#[test]
fn groups_nest_and_errors_are_found_in_them() {
    in_virtual_time(|| async {
        let error = TaskGroup::new()
            .run(|outer| async move {
                drop(outer.create_task(after(1000)));
                let inner = TaskGroup::new().run(|inner| async move {
                    drop(inner.create_task(fail_after_ms(5, "deep inside")));
                    Ok::<_, Never>(())
                });
                inner.await
            })
            .await
            .unwrap_err();
        assert_eq!(error.find::<io::Error>()[0].to_string(), "deep inside");
        assert_eq!(error.failures().len(), 1);
    });
}

/// Fails in answer to the request that cancels it, after so long.
async fn fails_when_cancelled(ms: u32, what: &'static str) -> Result<(), io::Error> {
    drop(catch_cancel(pending::<Never>()).await);
    sleep(MS * ms).await;
    Err(io::Error::other(what))
}

#[test]
fn f23_groups_that_fail_together_lose_neither_error_nor_request() {
    in_virtual_time(|| async {
        for from_outside in [false, true] {
            let errors = Arc::new(Mutex::new(Vec::new()));
            let seen = errors.clone();
            let mut task = create_task(async move {
                let groups = TaskGroup::new().run(|outer| async move {
                    if from_outside {
                        drop(outer.create_task(fails_when_cancelled(0, "outside")));
                    } else {
                        drop(outer.create_task(fail_after_ms(5, "outside")));
                    }
                    let inner = TaskGroup::new().run(|inner| async move {
                        drop(inner.create_task(fails_when_cancelled(0, "inside")));
                        pending::<Result<(), Never>>().await
                    });
                    inner.await
                });
                let error = groups.await.unwrap_err();
                assert_eq!(error.failures().len(), 2);
                seen.lock().extend(error.find::<io::Error>().iter().map(ToString::to_string));
                let left = current_task().unwrap().cancelling();
                assert_eq!(left, usize::from(from_outside));
                sleep(20 * MS).await;
            });
            sleep(5 * MS).await;
            if from_outside {
                task.cancel();
            }
            let (result, ms) = timed(task.join()).await;
            let mut errors = std::mem::take(&mut *errors.lock());
            errors.sort();
            assert_eq!(errors, ["inside", "outside"]);
            match from_outside {
                true => assert!(result.unwrap_err().is_cancelled() && ms == 0),
                false => assert!(result.is_ok() && ms == 20),
            }
        }
    });
}

/// In whichever order they fail, the group fails, and nobody around it is cancelled.
#[test]
fn f23_groups_that_fail_in_the_same_moment_leave_no_request_behind() {
    in_virtual_time(|| async {
        for _ in 0..20 {
            let task = create_task(async {
                let groups = TaskGroup::new().run(|outer| async move {
                    drop(outer.create_task(fail_after_ms(5, "outside")));
                    let inner = TaskGroup::new().run(|inner| async move {
                        drop(inner.create_task(fail_after_ms(5, "inside")));
                        pending::<Result<(), Never>>().await
                    });
                    inner.await
                });
                let error = groups.await.unwrap_err();
                assert_eq!(current_task().unwrap().cancelling(), 0);
                sleep(MS).await;
                error.find::<io::Error>().len()
            });
            assert!((1..=2).contains(&task.await.unwrap()));
        }
    });
}

#[test]
fn f24_further_requests_abandon_no_children() {
    in_virtual_time(|| async {
        for body_waits in [true, false] {
            let cleaned = Count::default();
            let count = cleaned.clone();
            let mut task = create_task(TaskGroup::new().run(move |group| async move {
                drop(group.create_task(cleans_up(7, count.clone())));
                drop(group.create_task(cleans_up(5, count)));
                if body_waits {
                    sleep(1000 * MS).await;
                }
                Ok::<_, Never>(())
            }));
            sleep(MS).await;
            for _ in 0..3 {
                assert!(task.cancel());
                sleep(2 * MS).await;
            }
            assert!(!task.done());
            let (result, ms) = timed(task.join()).await;
            assert!(result.unwrap_err().is_cancelled());
            assert_eq!((ms, cleaned.get()), (1, 2));
        }
    });
}

#[test]
fn f25_what_a_child_owns_and_gives_goes_with_its_end() {
    in_virtual_time(|| async {
        let dropped = Count::default();
        let count = dropped.clone();
        let group = TaskGroup::new().run(|group| async move {
            for ended in 0..100 {
                let (owned, given) = (count.on_drop(), count.on_drop());
                let child = group.create_task(async move {
                    sleep(MS).await;
                    drop(owned);
                    Ok::<_, Never>(given)
                });
                let done = child.as_any();
                drop(child);
                done.ended().await;
                sleep(MS).await;
                assert_eq!(count.get(), 2 * (ended + 1));
            }
            Ok::<_, Never>(())
        });
        group.await.unwrap();
        assert_eq!(dropped.get(), 200);
    });
}

#[test]
fn f26_an_error_is_gone_with_the_last_who_has_it() {
    #[derive(Debug)]
    struct Held(common::OnDrop);
    impl std::fmt::Display for Held {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "it holds {:?}", self.0)
        }
    }
    impl Error for Held {}

    in_virtual_time(|| async {
        let dropped = Count::default();
        let count = dropped.clone();
        let group = TaskGroup::new();
        let error = group
            .run(|group| async move {
                for held in [count.on_drop(), count.on_drop()] {
                    drop(group.create_task(async move { Err::<(), _>(Held(held)) }));
                }
                let held = count.on_drop();
                let inner = TaskGroup::new().run(|inner| async move {
                    drop(inner.create_task(async move { Err::<(), _>(Held(held)) }));
                    Ok::<_, Never>(())
                });
                shield_scope(inner).await
            })
            .await
            .unwrap_err();
        assert_eq!((error.find::<Held>().len(), dropped.get()), (3, 0));
        drop(error);
        // A worker may be just about to drop the output of a child that has ended.
        sleep(MS).await;
        assert_eq!(dropped.get(), 3, "the group does not keep them");
    });
}

#[test]
fn f28_a_group_is_cancelled_before_it_is_entered_and_again_and_too_late() {
    in_virtual_time(|| async {
        let reached = Count::default();
        let count = reached.clone();
        let group = TaskGroup::new();
        assert!(group.cancel_with("early") && group.cancel_with("again"));
        let (result, ms) = timed(group.run(|group| async move {
            let begun = count.clone();
            drop(group.create_task(async move {
                begun.add();
                after(1000).await
            }));
            count.add();
            sleep(1000 * MS).await;
            count.add();
            Ok::<_, Never>(())
        }))
        .await;
        let error = result.unwrap_err();
        assert!(error.failures().is_empty());
        assert_eq!(error.cancel_reason().unwrap().message(), Some("early"));
        assert_eq!((ms, reached.get()), (0, 2), "the body and the child begin, and no more");
        assert!(!group.cancel(), "it is over");
    });
}

#[test]
fn f28_what_fails_while_a_cancelled_group_ends_is_its_error() {
    in_virtual_time(|| async {
        let group = TaskGroup::new().run(|group| async move {
            drop(group.create_task(fails_when_cancelled(3, "while tidying up")));
            sleep(MS).await;
            assert!(group.cancel());
            pending::<Result<(), Never>>().await
        });
        let (result, ms) = timed(group).await;
        let error = result.unwrap_err();
        assert_eq!((messages(&error), ms), (vec!["while tidying up".to_owned()], 4));
        assert!(error.cancel_reason().is_none());
    });
}

/// A request, or a limit, from around it comes while a group that was cancelled by hand ends.
#[test]
fn f28_a_request_from_outside_survives_the_cancel_of_the_group() {
    in_virtual_time(|| async {
        let cancelled_group = |count: Count| {
            TaskGroup::new().run(move |group| async move {
                drop(group.create_task(cleans_up(5, count)));
                sleep(MS).await;
                group.cancel();
                pending::<Result<(), Never>>().await
            })
        };
        let cleaned = Count::default();
        let mut task = create_task(cancelled_group(cleaned.clone()));
        sleep(3 * MS).await;
        task.cancel();
        let (result, ms) = timed(task.join()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, cleaned.get()), (3, 1));

        let (result, ms) = timed(timeout(3 * MS, cancelled_group(cleaned.clone()))).await;
        assert!(result.is_err(), "the limit reports");
        assert_eq!((ms, cleaned.get()), (6, 2));
    });
}

#[test]
fn f28_a_child_that_is_polled_at_once_may_cancel_the_group() {
    in_virtual_time(|| async {
        Handle::current().unwrap().set_task_factory(Some(Arc::new(eager_task_factory)));
        let (result, ms) = timed(TaskGroup::new().run(|group| async move {
            let handle = group.clone();
            let child = group.create_task(async move {
                assert!(handle.cancel());
                after(1000).await
            });
            assert!(child.await.unwrap_err().is_cancelled());
            sleep(1000 * MS).await;
            Ok::<_, Never>(())
        }))
        .await;
        assert!(result.unwrap_err().failures().is_empty());
        assert_eq!(ms, 0);
    });
}

#[test]
fn a_group_is_cancelled_by_hand() {
    in_virtual_time(|| async {
        let cleaned = Count::default();
        let count = cleaned.clone();
        let (result, ms) = timed(TaskGroup::new().run(|group| async move {
            drop(group.create_task(cleans_up(4, count)));
            let handle = group.clone();
            drop(group.create_task(async move {
                sleep(5 * MS).await;
                assert!(handle.cancel_with("that will do"));
                Ok::<_, Never>(())
            }));
            pending::<Result<(), Never>>().await
        }))
        .await;
        let error = result.unwrap_err();
        assert!(error.failures().is_empty());
        assert_eq!(error.cancel_reason().unwrap().message(), Some("that will do"));
        assert_eq!((ms, cleaned.get()), (9, 1));
        let over = TaskGroup::new();
        over.run(|_| async { Ok::<_, Never>(()) }).await.unwrap();
        assert!(!over.cancel());
    });
}

#[test]
fn a_child_made_while_all_are_cancelled_begins_and_ends() {
    in_virtual_time(|| async {
        let begun = Count::default();
        let count = begun.clone();
        let (result, ms) = timed(TaskGroup::new().run(|group| async move {
            group.cancel();
            shield_scope(sleep(3 * MS)).await;
            drop(group.create_task(async move {
                count.add();
                after(1000).await
            }));
            pending::<Result<(), Never>>().await
        }))
        .await;
        assert!(result.is_err());
        assert_eq!((ms, begun.get()), (3, 1));
    });
}

#[test]
fn a_group_in_a_time_limit() {
    in_virtual_time(|| async {
        let cleaned = Count::default();
        let count = cleaned.clone();
        let group = TaskGroup::new().run(|group| async move {
            drop(group.create_task(cleans_up(4, count)));
            Ok::<_, Never>(())
        });
        let (result, ms) = timed(timeout(10 * MS, group)).await;
        assert!(result.is_err());
        assert_eq!((ms, cleaned.get()), (14, 1));
    });
}

#[test]
fn a_limit_of_children_at_once() {
    in_virtual_time(|| async {
        let running = Arc::new(Mutex::new((0_u32, 0_u32)));
        let counts = running.clone();
        let (result, ms) = timed(TaskGroup::with_limit(3).run(|group| async move {
            for _ in 0..10 {
                let counts = counts.clone();
                drop(group.create_task(async move {
                    {
                        let mut counts = counts.lock();
                        counts.0 += 1;
                        counts.1 = counts.1.max(counts.0);
                    }
                    sleep(MS).await;
                    counts.lock().0 -= 1;
                    Ok::<_, Never>(())
                }));
            }
            Ok::<_, Never>(())
        }))
        .await;
        result.unwrap();
        assert_eq!((running.lock().1, ms), (3, 4));
    });
}

#[test]
fn start_waits_until_a_child_is_ready() {
    in_virtual_time(|| async {
        let group = TaskGroup::new().run(|group| async move {
            let child = group.start(|started| async move {
                sleep(5 * MS).await;
                started.ready("a port").unwrap();
                after(10).await
            });
            let (started, ms) = timed(child).await;
            let (port, task) = started?;
            assert!(!task.done());
            let silent = group.start(|started: Started<()>| async move {
                drop(started);
                after(3).await
            });
            assert!(silent.await.is_err());
            Ok::<_, NotStarted>((port, ms))
        });
        let (result, ms) = timed(group).await;
        assert_eq!((result.unwrap(), ms), (("a port", 5), 15));
    });
}

#[test]
fn who_gives_up_on_a_start_cancels_the_child() {
    in_virtual_time(|| async {
        let group = TaskGroup::new().run(|group| async move {
            let child = group.start(|started: Started<()>| async move {
                let _kept = started;
                after(1000).await
            });
            assert!(timeout(5 * MS, child).await.is_err());
            Ok::<_, Never>(())
        });
        let (result, ms) = timed(group).await;
        result.unwrap();
        assert_eq!(ms, 5);
    });
}

#[test]
fn dropping_a_group_cancels_its_children() {
    in_virtual_time(|| async {
        let cleaned = Count::default();
        let count = cleaned.clone();
        let run = TaskGroup::new().run(|group| async move {
            drop(group.create_task(cleans_up(2, count.clone())));
            drop(group.create_task(cleans_up(2, count)));
            pending::<Result<(), Never>>().await
        });
        let mut run = Box::pin(run);
        assert!(futures::poll!(run.as_mut()).is_pending());
        sleep(MS).await;
        drop(run);
        sleep(5 * MS).await;
        assert_eq!(cleaned.get(), 2);
    });
}

#[test]
fn a_child_gives_its_error_to_who_awaits_it_too() {
    in_virtual_time(|| async {
        let result = TaskGroup::new()
            .run(|group| async move {
                let child = group.create_task(fail_after_ms(1, "both hear it"));
                let heard: SharedError =
                    shield_scope(child.into_future()).await.unwrap().unwrap_err();
                assert_eq!(heard.to_string(), "both hear it");
                Ok::<_, Never>(())
            })
            .await;
        assert_eq!(messages(&result.unwrap_err()), ["both hear it"]);
    });
}

/// Counts its polls.
struct Polls<F>(Pin<Box<F>>, Count);

impl<F: Future> Future for Polls<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.1.add();
        self.0.as_mut().poll(cx)
    }
}

#[test]
fn the_owner_of_a_group_is_woken_by_its_last_child_only() {
    in_virtual_time(|| async {
        let polls = Count::default();
        let run = TaskGroup::new().run(|group| async move {
            (1..=20).for_each(|ms| drop(group.create_task(after(ms))));
            Ok::<_, Never>(())
        });
        let task = create_task(Polls(Box::pin(run), polls.clone()));
        task.await.unwrap().unwrap();
        // It may have to wait once more, for the last to be marked as ended.
        assert!((2..=3).contains(&polls.get()), "{} polls", polls.get());
    });
}

#[test]
fn a_request_costs_its_task_one_poll() {
    in_virtual_time(|| async {
        let (polls, dropped) = (Count::default(), Count::default());
        let on_drop = dropped.on_drop();
        let waits = async move {
            let _on_drop = on_drop;
            pending::<()>().await;
        };
        let mut task = create_task(Polls(Box::pin(waits), polls.clone()));
        sleep(MS).await;
        assert!(task.cancel_and_wait().await.unwrap_err().is_cancelled());
        assert_eq!((polls.get(), dropped.get()), (2, 1));
    });
}

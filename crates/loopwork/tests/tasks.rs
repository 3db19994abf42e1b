//! Tasks: how they are made, what they say of themselves, and whose they are.
//!
//! The numbers in the names are those of `docs/semantics.md`.

mod common;

use std::cell::Cell;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use common::{Count, Log, WORKERS, at_each_size as at_each_real_size};
use loopwork::sync::oneshot;
use loopwork::{
    AnyTask, Clock, EventLoop, Handle, NewTask, Task, TaskFactory, TaskGroup, TaskState, all_tasks,
    catch_cancel, create_task, current_task, eager_task_factory, ensure_future, gather,
    run_coroutine_threadsafe, sleep, timeout, yield_now,
};

const MS: Duration = Duration::from_millis(1);

/// Runs `test` in virtual time with one worker, two and eight.
fn at_each_size<F: Future>(test: impl Fn(Handle) -> F) {
    for workers in WORKERS {
        let builder = EventLoop::builder().workers(workers).clock(Clock::virtual_time());
        let mut event_loop = builder.build().unwrap();
        let handle = event_loop.handle();
        event_loop.run_until_complete(test(handle)).unwrap();
    }
}

fn eager() -> Option<TaskFactory> {
    Some(Arc::new(eager_task_factory))
}

#[test]
fn d1_a_task_does_not_run_inside_create_task() {
    thread_local! {
        static CREATING: Cell<bool> = const { Cell::new(false) };
    }
    at_each_size(|_| async {
        for _ in 0..100 {
            CREATING.set(true);
            let task = create_task(async { CREATING.get() });
            CREATING.set(false);
            assert!(!task.await.unwrap(), "it ran inside");
        }
    });
}

#[test]
fn d1_the_first_step_of_a_task_comes_in_its_turn() {
    let mut event_loop = EventLoop::builder().workers(1).build().unwrap();
    let said = event_loop.run_until_complete(async {
        let (log, said) = Log::new();
        let handle = Handle::current().unwrap();
        let say = |n| {
            let log = log.clone();
            move || log.push(n)
        };
        handle.call_soon(say(1));
        let say_as_a_task = say(2);
        let task = create_task(async move { say_as_a_task() });
        assert!(!task.done() && task.state() == TaskState::Created);
        handle.call_soon(say(3));
        log.push(0);
        yield_now().await;
        said.try_iter().collect::<Vec<_>>()
    });
    assert_eq!(said.unwrap(), [0, 1, 2, 3]);
}

#[test]
fn d20_names_are_unique_unless_given_and_debug_shows_how_a_task_is() {
    at_each_size(|handle| async move {
        let (one, two) = (create_task(pending::<()>()), create_task(pending::<()>()));
        assert_ne!(one.name(), two.name());
        assert!(one.name().starts_with("Task-"), "{}", one.name());
        let mut task = handle.task().name("sleeper").spawn(sleep(1000 * MS));
        sleep(MS).await;
        let debug = format!("{task:?}");
        assert!(debug.starts_with("Task { name: \"sleeper\", state: Suspended, "), "{debug}");
        assert!(debug.contains("waits_for: a deadline"), "{debug}");
        assert!(debug.contains("tests/tasks.rs:"), "{debug}");
        task.cancel_with("no need");
        task.cancel_with("no need at all");
        let debug = format!("{task:?}");
        let asked = debug.contains("cancelling: 2");
        assert!(asked || debug.contains("cancelled: no need"), "another worker was quick: {debug}");
        assert!(task.join().await.is_err());
        assert!(format!("{task:?}").contains("outcome: cancelled: no need"), "{task:?}");

        let done = create_task(async { 1 });
        let any: AnyTask = done.as_any();
        assert_eq!(done.await.unwrap(), 1);
        assert!(format!("{any:?}").contains("state: Closed, outcome: returned, "), "{any:?}");
        let failed = create_task(async { panic!("as planned") });
        let any = failed.as_any();
        assert!(failed.await.is_err());
        assert!(format!("{any:?}").contains("outcome: panicked: as planned"), "{any:?}");
        one.cancel();
        two.cancel();
    });
}

#[test]
fn d24_an_eager_task_runs_to_its_first_wait_as_a_task_of_its_own() {
    at_each_size(|handle| async move {
        let outer = current_task().unwrap();
        let spawner = outer.clone();
        let task = handle.task().eager_start(true).spawn(async move {
            let me = current_task().unwrap();
            assert!(me != spawner && all_tasks().contains(&me), "also in its first step");
            yield_now().await;
            me
        });
        assert_eq!(current_task(), Some(outer.clone()));
        assert!(!task.done() || handle.workers() > 1);
        let any = task.as_any();
        assert_eq!(task.await.unwrap(), any);

        let at_once = handle.task().eager_start(true).spawn(async { 7 });
        assert!(at_once.done() && !at_once.cancel());
        assert_eq!(at_once.result().unwrap(), 7);
        assert_eq!(current_task(), Some(outer));
    });
}

#[test]
fn d24_where_no_loop_runs_an_eager_task_waits_for_one() {
    at_each_real_size(|event_loop| {
        let task = event_loop.handle().task().eager_start(true).spawn(async { 7 });
        assert!(!task.done());
        assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), 7);
    });
}

#[test]
fn d25_what_is_said_to_the_builder_overrides_an_eager_factory() {
    let mut event_loop = EventLoop::builder().workers(1).build().unwrap();
    event_loop.set_task_factory(eager());
    event_loop
        .run_until_complete(async {
            let handle = Handle::current().unwrap();
            assert!(create_task(async { 1 }).done() && handle.create_task(async { 1 }).done());
            let lazy = handle.task().eager_start(false).spawn(async { 1 });
            assert!(!lazy.done());
            assert_eq!(lazy.await.unwrap(), 1);
            handle.set_task_factory(None);
            assert!(handle.task_factory().is_none());
            assert!(!create_task(async { 1 }).done());
        })
        .unwrap();
}

#[test]
fn d26_a_panic_of_an_eager_task_is_its_result() {
    at_each_size(|handle| async move {
        handle.set_task_factory(eager());
        let task: Task<u32> = create_task(async { panic!("at once") });
        assert!(task.done());
        assert_eq!(task.await.unwrap_err().to_string(), "the task panicked: at once");
    });
}

#[test]
fn d27_gathering_eager_tasks_that_never_wait_does_not_wait() {
    at_each_size(|handle| async move {
        handle.set_task_factory(eager());
        let mut polls = 0;
        let mut gathering = Box::pin(gather((0..3).map(|n| async move { n })));
        let gathered = std::future::poll_fn(|cx| {
            polls += 1;
            gathering.as_mut().poll(cx)
        });
        assert_eq!(gathered.await.unwrap(), [0, 1, 2]);
        assert_eq!(polls, 1);
    });
}

#[test]
fn f27_an_eager_child_that_fails_does_not_cancel_its_parent_inside_create_task() {
    at_each_size(|handle| async move {
        handle.set_task_factory(eager());
        let after = Count::default();
        let reached = after.clone();
        let error = TaskGroup::new()
            .run(|group| async move {
                let child = group.create_task(async { Err::<u32, _>("at once") });
                assert!(child.done());
                reached.add();
                sleep(1000 * MS).await;
                reached.add();
                Ok::<_, std::io::Error>(())
            })
            .await
            .unwrap_err();
        assert_eq!((error.failures().len(), after.get()), (1, 1));
    });
}

#[test]
fn a_group_of_eager_children_ends_like_another() {
    at_each_size(|handle| async move {
        handle.set_task_factory(eager());
        let sum = TaskGroup::new().run(|group| async move {
            let one = group.create_task(async { Ok::<_, std::io::Error>(1) });
            let two = group.create_task(async {
                sleep(MS).await;
                Ok::<_, std::io::Error>(2)
            });
            let (four, _task) = group
                .start(|started| async move {
                    started.ready(4).unwrap();
                    Ok::<_, std::io::Error>(())
                })
                .await?;
            let sum = one.await?? + two.await?? + four;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(sum)
        });
        assert_eq!(sum.await.unwrap(), 7);
    });
}

#[test]
fn a_factory_sees_each_task_that_is_made() {
    for workers in WORKERS {
        let mut event_loop = EventLoop::builder().workers(workers).build().unwrap();
        let (log, seen) = Log::new();
        event_loop.set_task_factory(Some(Arc::new(move |task: &mut NewTask<'_>| {
            assert!(task.spawn_location().file().ends_with("tasks.rs"));
            log.push(task.name().map(str::to_owned));
            if task.name().is_none() {
                task.set_name("made by the factory");
            }
            assert!(task.eager_start().is_none());
        })));
        let handle = event_loop.handle();
        let root = event_loop.run_until_complete(async {
            let root = current_task().unwrap().name();
            let named = handle.task().name("by hand").spawn(async {});
            assert_eq!(named.name(), "by hand");
            let made = create_task(async {});
            assert_eq!(made.name(), "made by the factory");
            let ensured = ensure_future(async {});
            let tasks = handle.spawn_many((0..3).map(|_| async {}));
            assert!(tasks.iter().all(|task| task.name() == "made by the factory"));
            gather((0..2).map(|_| async {})).await.unwrap();
            let children = TaskGroup::new().run(|group| async move {
                group.create_task(async { Ok::<_, std::io::Error>(()) }).await
            });
            children.await.unwrap().unwrap();
            if handle.workers() > 1 {
                assert_eq!(handle.spawn_pinned(|| async {}).name(), "made by the factory");
            }
            drop((named, made, ensured, tasks));
            root
        });
        assert_eq!(root.unwrap(), "made by the factory");
        let before: Vec<_> = seen.try_iter().collect();
        assert_eq!(before.len(), 10 + usize::from(workers > 1), "{before:?}");
        assert_eq!(before.iter().flatten().collect::<Vec<_>>(), ["by hand"]);

        // From a thread that is no worker; several of them in one submission.
        let tasks = event_loop.handle().spawn_many((0..3).map(|n| async move { n }));
        let from_outside = run_coroutine_threadsafe(async { 1 }, &event_loop.handle()).unwrap();
        assert!(tasks.iter().all(|task| task.name() == "made by the factory"));
        event_loop
            .run_until_complete(async move {
                for (n, task) in tasks.into_iter().enumerate() {
                    assert_eq!(task.await.unwrap(), n);
                }
                assert_eq!(from_outside.await.unwrap(), 1);
            })
            .unwrap();
        assert_eq!(seen.try_iter().count(), 5);
        // Callbacks are no tasks.
        event_loop.call_soon(|| {});
        common::run_what_is_due(&mut event_loop);
        assert_eq!(seen.try_iter().count(), 0);
    }
}

#[test]
fn h10_the_panic_of_a_factory_reaches_who_makes_the_task() {
    at_each_real_size(|event_loop| {
        event_loop.set_task_factory(Some(Arc::new(|_: &mut NewTask<'_>| panic!("no tasks today"))));
        let dropped = Count::default();
        let (hold, handle) = (dropped.on_drop(), event_loop.handle());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            run_coroutine_threadsafe(async move { drop(hold) }, &handle)
        }));
        assert_eq!(*panicked.unwrap_err().downcast_ref::<&str>().unwrap(), "no tasks today");
        assert_eq!(dropped.get(), 1, "the future is not leaked");
        event_loop.set_task_factory(None);
        assert_eq!(event_loop.run_until_complete(async { 7 }).unwrap(), 7);
    });
}

#[test]
fn many_eager_tasks_nest_and_end() {
    fn nest(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if depth == 0 { 0 } else { create_task(nest(depth - 1)).await.unwrap() + 1 }
        })
    }
    at_each_size(|handle| async move {
        handle.set_task_factory(eager());
        assert_eq!(nest(200).await, 200);
    });
}

#[test]
fn d3_a_task_that_awaits_a_task_of_another_loop_is_fine() {
    at_each_size(|_| async move {
        let other = EventLoop::builder().workers(2).start().unwrap();
        let foreign = other.handle().create_task(async {
            yield_now().await;
            7
        });
        assert_eq!(foreign.await.unwrap(), 7);
    });
}

#[test]
fn d3_a_task_that_awaits_itself_is_told_so() {
    at_each_size(|_| async move {
        let (give, itself) = oneshot::channel::<Task<()>>();
        let task = create_task(async move {
            let itself = itself.await.unwrap();
            _ = itself.await;
        });
        give.send(task.clone()).unwrap();
        let error = task.await.unwrap_err();
        assert!(error.to_string().contains("a task cannot await itself"), "{error}");
    });
}

#[test]
fn d11_awaiting_what_was_cancelled_cancels_nobody() {
    at_each_size(|_| async move {
        let cancelled = create_task(pending::<()>());
        cancelled.cancel();
        let awaits = create_task(async move { cancelled.await.unwrap_err().is_cancelled() });
        assert!(awaits.await.expect("it is not cancelled itself"));
    });
}

#[test]
fn d15_a_task_that_ended_cancelled_stays_so() {
    at_each_size(|_| async move {
        let mut task = create_task(pending::<()>());
        task.cancel();
        assert!(task.join().await.unwrap_err().is_cancelled());
        task.uncancel();
        assert!(task.cancelled() && task.result().unwrap_err().is_cancelled());
    });
}

#[test]
fn d18_a_request_that_was_ignored_misleads_no_limit() {
    at_each_size(|_| async move {
        let task = create_task(async {
            // Neither resumed nor swallowed: the count stays.
            drop(catch_cancel(sleep(1000 * MS)).await.unwrap_err());
            assert_eq!(current_task().unwrap().cancelling(), 1);
            let limited = timeout(MS, pending::<()>()).await;
            let group = TaskGroup::new().run(|group| async move {
                drop(group.create_task(async { Err::<(), _>("fails") }));
                pending::<Result<(), std::io::Error>>().await
            });
            (limited.is_err(), group.await.unwrap_err().failures().len())
        });
        sleep(MS).await;
        task.cancel();
        assert_eq!(task.await.expect("it went on"), (true, 1));
    });
}

#[test]
fn d19_the_current_task_is_right_when_tasks_interleave_and_none_in_callbacks() {
    at_each_size(|handle| async move {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                create_task(async {
                    let me = current_task().unwrap();
                    for _ in 0..20 {
                        yield_now().await;
                        assert_eq!(current_task(), Some(me.clone()));
                    }
                    me.id()
                })
            })
            .collect();
        for task in tasks {
            let id = task.id();
            assert_eq!(task.await.unwrap(), id);
        }
        let (log, said) = Log::new();
        handle.call_soon(move || log.push(current_task().is_none()));
        sleep(MS).await;
        assert!(said.try_recv().unwrap());
        assert_eq!(all_tasks(), [current_task().unwrap()]);
    });
}

#[test]
fn d22_the_loop_holds_its_tasks() {
    at_each_size(|handle| async move {
        let ended = Count::default();
        for _ in 0..100 {
            let count = ended.clone();
            drop(handle.create_task(async move {
                sleep(MS).await;
                count.add();
            }));
        }
        sleep(10 * MS).await;
        assert_eq!(ended.get(), 100);
    });
}

#[test]
fn d23_a_task_says_what_it_waits_for_and_where_it_was_made() {
    at_each_size(|_| async move {
        let mut task = create_task(std::future::poll_fn(|_| Poll::<()>::Pending));
        sleep(MS).await;
        assert_eq!(task.waits_for(), Some(loopwork::WaitReason::Other));
        assert!(task.spawn_location().file().ends_with("tasks.rs"));
        assert!(task.cancel_and_wait().await.is_err());
        assert_eq!(task.waits_for(), None);
    });
}

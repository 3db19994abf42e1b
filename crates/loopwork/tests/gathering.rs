//! `gather`, `wait`, `as_completed`, `with_limit` and `race`, in virtual time: who is waited for, who runs
//! on, and how often who waits is polled.
//!
//! The numbers in the names are those of `docs/semantics.md`; `awaiting.rs` has more of them.

mod common;

use std::future::{Future, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use common::{Count, in_virtual_time};
use loopwork::sync::{Event, oneshot};
use loopwork::{
    AnyTask, EventLoop, Instant, ReturnWhen, Task, as_completed, catch_cancel, create_task, gather,
    race, shield, sleep, wait, with_limit, yield_now,
};

const MS: Duration = Duration::from_millis(1);

async fn after(ms: u32) -> u32 {
    sleep(MS * ms).await;
    ms
}

async fn fails_after(ms: u32) -> Result<u32, u32> {
    sleep(MS * ms).await;
    Err(ms)
}

/// Counts the polls of `future`.
async fn counted<F: Future>(polls: Count, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(move |cx| {
        polls.add();
        future.as_mut().poll(cx)
    })
    .await
}

/// How many run at once, and how many have begun.
#[derive(Debug, Clone, Default)]
struct Crowd(Arc<[AtomicUsize; 3]>);

impl Crowd {
    async fn member<T>(self, ms: u32, value: T) -> T {
        let [now, most, begun] = &*self.0;
        let inside = now.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(inside, Ordering::SeqCst);
        begun.fetch_add(1, Ordering::SeqCst);
        sleep(MS * ms).await;
        now.fetch_sub(1, Ordering::SeqCst);
        value
    }

    fn most(&self) -> usize {
        self.0[1].load(Ordering::SeqCst)
    }

    fn begun(&self) -> usize {
        self.0[2].load(Ordering::SeqCst)
    }
}

/// How many wakers of it there are is known.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn f1_gather_polls_its_owner_twice() {
    in_virtual_time(async || {
        for count in [1, 2, 64, 65, 1000_u32] {
            let polls = Count::default();
            let gathering = gather((0..count).map(|n| after(1 + n % 7)));
            let values = create_task(counted(polls.clone(), gathering)).await.unwrap().unwrap();
            assert_eq!(values, (0..count).map(|n| 1 + n % 7).collect::<Vec<_>>());
            assert_eq!(polls.get(), 2, "once to begin, and once at the end of the last");
        }
    });
}

#[test]
fn f1_gather_of_tasks_polls_its_owner_twice_and_of_ended_ones_once() {
    in_virtual_time(async || {
        let polls = Count::default();
        let tasks: Vec<_> = (1..=5).map(|n| create_task(after(n))).collect();
        let gathering = counted(polls.clone(), gather(tasks));
        assert_eq!(create_task(gathering).await.unwrap().unwrap(), [1, 2, 3, 4, 5]);
        assert_eq!(polls.get(), 2);

        let tasks: Vec<_> = (1..=5).map(|n| create_task(after(n))).collect();
        sleep(MS * 10).await;
        let polls = Count::default();
        let gathering = counted(polls.clone(), gather(tasks));
        assert_eq!(create_task(gathering).await.unwrap().unwrap(), [1, 2, 3, 4, 5]);
        assert_eq!(polls.get(), 1, "all had ended");
    });
}

#[test]
fn f1_clones_of_a_task_share_its_value() {
    in_virtual_time(async || {
        let task = create_task(after(3));
        let (a, b, other) = gather!(task.clone(), task, after(1)).await.unwrap();
        assert_eq!((a, b, other), (3, 3, 1));
    });
}

#[test]
fn f2_the_first_failure_is_given_at_once_and_siblings_run_on() {
    in_virtual_time(async || {
        let ran = Count::default();
        let sibling = ran.clone();
        let start = Instant::now();
        let gathering = gather!(
            async move {
                after(20).await;
                sibling.add();
            },
            async {
                after(5).await;
                panic!("the first")
            },
        );
        let error = gathering.await.unwrap_err();
        assert!(error.is_panic() && error.to_string().contains("the first"), "{error}");
        assert_eq!(start.elapsed(), MS * 5);
        assert_eq!(ran.get(), 0);
        sleep(MS * 20).await;
        assert_eq!(ran.get(), 1, "the sibling ran on");
    });
}

#[test]
fn f2_errors_fail_when_they_are_to_and_the_first_in_time_is_given() {
    in_virtual_time(async || {
        let start = Instant::now();
        let error = gather([fails_after(30), fails_after(10), fails_after(20)]).errors_fail().await;
        assert_eq!(error.unwrap_err().to_string(), "10");
        assert_eq!(start.elapsed(), MS * 10);
        // Those that had failed before count in their order.
        let tasks = [fails_after(2), fails_after(1)].map(create_task);
        sleep(MS * 5).await;
        let error = gather(tasks).errors_fail().await;
        assert_eq!(error.unwrap_err().to_string(), "2");
    });
}

#[test]
fn f3_exceptions_are_given_in_their_places() {
    in_virtual_time(async || {
        let cancelled = create_task(pending());
        cancelled.cancel();
        let panics = create_task(async {
            after(2).await;
            panic!("in its place")
        });
        let start = Instant::now();
        let tasks = [panics, create_task(after(7)), cancelled];
        let results = gather(tasks).return_exceptions().await;
        assert!(results[0].as_ref().unwrap_err().is_panic());
        assert_eq!(*results[1].as_ref().unwrap(), 7);
        assert!(results[2].as_ref().unwrap_err().is_cancelled());
        assert_eq!(start.elapsed(), MS * 7, "a failure ends no such gather");
    });
}

/// Rule 8: the request goes to all that have not ended, and the awaiter ends cancelled although they
/// answer with values.
#[test]
fn f5_children_that_answer_with_values_do_not_keep_the_awaiter() {
    for return_exceptions in [false, true] {
        in_virtual_time(async || {
            let answers = Count::default();
            let children: Vec<_> = (0..3)
                .map(|n| {
                    let answers = answers.clone();
                    async move {
                        catch_cancel(pending::<()>()).await.unwrap_err().swallow();
                        after(n).await;
                        answers.add();
                    }
                })
                .collect();
            let owner = create_task(async move {
                if return_exceptions {
                    drop(gather(children).return_exceptions().await);
                } else {
                    drop(gather(children).await);
                }
            });
            sleep(MS).await;
            let start = Instant::now();
            owner.cancel();
            assert!(owner.await.unwrap_err().is_cancelled());
            assert_eq!(answers.get(), 3, "all were waited for");
            assert_eq!(start.elapsed(), MS * 2);
        });
    }
}

/// Rule 8: a child that fails in answer to the request is what the awaiter gets.
#[test]
fn f5_a_child_that_panics_in_answer_spends_the_request() {
    in_virtual_time(async || {
        let owner = create_task(async {
            let gathering = gather([create_task(async {
                catch_cancel(pending::<()>()).await.unwrap_err().swallow();
                panic!("in answer")
            })]);
            assert!(gathering.await.unwrap_err().is_panic());
            after(1).await
        });
        sleep(MS).await;
        owner.cancel();
        assert_eq!(owner.await.unwrap(), 1, "it goes on");
    });
}

/// One fails by itself, just after who gathers was cancelled: that is no answer.
#[test]
fn f5_a_request_is_not_lost_to_a_failure_in_the_same_moment() {
    for errors_fail in [false, true] {
        in_virtual_time(async || {
            let gate = Arc::new(Event::new());
            let opens = gate.clone();
            let fails = create_task(async move {
                opens.wait().await;
                assert!(errors_fail, "by itself");
                Err::<(), _>(7)
            });
            let owner = create_task(async move {
                let tasks = [fails, create_task(pending())];
                if errors_fail {
                    assert!(gather(tasks).errors_fail().await.is_err());
                } else {
                    assert!(gather(tasks).await.is_err());
                }
                after(1000).await
            });
            sleep(MS).await;
            let start = Instant::now();
            owner.cancel();
            gate.set();
            assert!(owner.await.unwrap_err().is_cancelled());
            assert_eq!(start.elapsed(), Duration::ZERO);
        });
    }
}

#[test]
fn f5_only_what_is_shielded_lives() {
    in_virtual_time(async || {
        let ended = Count::default();
        let child = |ended: Count| async move {
            after(5).await;
            ended.add();
        };
        let (kept, not) = (create_task(child(ended.clone())), create_task(child(ended.clone())));
        let not_shielded = not.as_any();
        let owner = create_task(async move { gather!(shield(kept), not).await.map(drop) });
        sleep(MS).await;
        owner.cancel();
        assert!(owner.await.unwrap_err().is_cancelled());
        sleep(MS * 10).await;
        assert!(not_shielded.cancelled());
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn f6_tasks_of_several_loops_are_gathered() {
    in_virtual_time(async || {
        let other = EventLoop::builder().workers(2).start().unwrap();
        let foreign = other.handle().create_task(async {
            yield_now().await;
            1
        });
        assert_eq!(gather([create_task(after(2)), foreign]).await.unwrap(), [2, 1]);
    });
}

#[test]
fn f7_a_wait_that_is_cancelled_cancels_nobody() {
    in_virtual_time(async || {
        let task = create_task(after(5));
        let waited_for = task.as_any();
        let owner = create_task(async move { drop(wait([task]).await) });
        sleep(MS).await;
        owner.cancel();
        assert!(owner.await.unwrap_err().is_cancelled());
        sleep(MS * 10).await;
        assert!(waited_for.done() && !waited_for.cancelled());
    });
}

/// Rule 10 is for a decision that has come: a request that finds nothing decided wakes nobody in vain.
#[test]
fn f7_a_wait_that_is_not_decided_is_not_held_back() {
    in_virtual_time(async || {
        let polls = Count::default();
        let task = create_task(pending::<()>());
        let endless = task.as_any();
        let gate = Arc::new(Event::new());
        let opens = gate.clone();
        let owner = create_task(counted(polls.clone(), async move {
            catch_cancel(wait([task])).await.unwrap_err().swallow();
            opens.wait().await;
        }));
        sleep(MS).await;
        assert_eq!(polls.get(), 2, "it always waits once, and then for the task");
        owner.cancel();
        sleep(MS).await;
        assert_eq!(polls.get(), 3, "for the request");
        gate.set();
        owner.await.unwrap();
        assert_eq!(polls.get(), 4);
        endless.cancel();
    });
}

#[test]
fn f8_first_exception_is_of_panics_and_else_of_all() {
    in_virtual_time(async || {
        let start = Instant::now();
        let tasks = [after(3), after(9)].map(create_task);
        let (done, pending) = wait(tasks).return_when(ReturnWhen::FirstException).await;
        assert_eq!((done.len(), pending.len(), start.elapsed()), (2, 0, MS * 9));
    });
}

#[test]
fn f10_nothing_is_left_registered_with_a_task() {
    in_virtual_time(async || {
        let task = create_task(after(5));
        let nobody = Arc::new(Nobody);
        let waker = Waker::from(nobody.clone());
        let mut cx = Context::from_waker(&waker);
        for _ in 0..3 {
            let mut waiting = Box::pin(wait([task.clone()]));
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
            let mut gathering = gather([task.clone()]);
            assert!(Pin::new(&mut gathering).poll(&mut cx).is_pending());
            let mut completed = as_completed([task.clone()]);
            assert!(pin!(completed.next()).poll(&mut cx).is_pending());
            assert!(Arc::strong_count(&nobody) > 2);
            drop((waiting, gathering, completed));
            assert_eq!(Arc::strong_count(&nobody), 2, "the waker here, and `nobody`");
        }
        // Also when it ends by the failure of another.
        let fails = create_task(async { panic!("at once") });
        let mut gathering = gather([task.clone(), fails]);
        sleep(MS).await;
        assert!(Pin::new(&mut gathering).poll(&mut cx).is_ready());
        assert_eq!(Arc::strong_count(&nobody), 2);
        assert_eq!(task.await.unwrap(), 5);
    });
}

#[test]
fn f11_as_completed_gives_up_after_its_time() {
    in_virtual_time(async || {
        let start = Instant::now();
        let mut completed = as_completed([5, 30, 1].map(after)).timeout(MS * 10);
        for expected in [1, 5] {
            assert_eq!(completed.next().await.unwrap().unwrap().await.unwrap(), expected);
        }
        assert!(completed.next().await.unwrap().is_err());
        assert_eq!(start.elapsed(), MS * 10);
        assert!(completed.next().await.is_none(), "it is said once");
        let last = completed.into_inner().next().await.unwrap();
        assert_eq!((last.await.unwrap(), start.elapsed()), (30, MS * 30), "it ran on");
    });
}

#[test]
fn f11_what_ended_in_time_is_given_before_the_timeout() {
    in_virtual_time(async || {
        let mut completed = as_completed([1, 2, 50].map(after)).timeout(MS * 10);
        sleep(MS * 20).await;
        for expected in [1, 2] {
            assert_eq!(completed.next().await.unwrap().unwrap().await.unwrap(), expected);
        }
        assert!(completed.next().await.unwrap().is_err());
    });
}

/// Rule 10: what ends after a request has reached its owner is for the next who asks.
#[test]
fn f11_what_ends_after_a_request_is_not_lost() {
    in_virtual_time(async || {
        let (send, receive) = oneshot::channel::<AnyTask>();
        let owner = create_task(async move {
            let mut completed = as_completed([async move {
                let owner = receive.await.unwrap();
                after(1).await;
                owner.cancel();
                2
            }]);
            catch_cancel(completed.next()).await.unwrap_err().swallow();
            completed.next().await.unwrap().await.unwrap()
        });
        send.send(owner.as_any()).unwrap();
        assert_eq!(owner.await.unwrap(), 2);
    });
}

#[test]
fn f12_as_completed_gives_the_tasks_that_it_was_given() {
    in_virtual_time(async || {
        let tasks = [4, 2, 3].map(|ms| create_task(after(ms)));
        let ids = [&tasks[1], &tasks[2], &tasks[0]].map(Task::id);
        let mut completed = as_completed(tasks);
        for id in ids {
            assert_eq!(completed.next().await.unwrap().id(), id);
        }
        let task = create_task(after(1));
        let mut twice = as_completed([task.clone(), task.clone()]);
        for _ in 0..2 {
            assert_eq!(twice.next().await.unwrap().id(), task.id());
        }
        assert!(twice.next().await.is_none());
    });
}

#[test]
fn f7_clones_of_a_task_are_each_done_or_each_pending() {
    in_virtual_time(async || {
        let (ends, endless) = (create_task(after(1)), create_task(pending::<u32>()));
        let tasks = [ends.clone(), endless.clone(), ends, endless.clone()];
        let (done, pending) = wait(tasks).timeout(MS * 5).await;
        assert_eq!((done.len(), pending.len()), (2, 2));
        endless.cancel();
    });
}

#[test]
fn a_limit_lets_so_many_run_at_once_and_keeps_the_order() {
    in_virtual_time(async || {
        for limit in [1, 3, 100] {
            let crowd = Crowd::default();
            let futures: Vec<_> = (0..50_u32).map(|n| crowd.clone().member(1 + n % 5, n)).collect();
            let polls = Count::default();
            let gathering = counted(polls.clone(), with_limit(limit).gather(futures));
            let values = create_task(gathering).await.unwrap().unwrap();
            assert_eq!(values, (0..50).collect::<Vec<_>>());
            assert_eq!(crowd.most(), limit.min(50));
            assert_eq!(polls.get(), 2, "who waits is not needed to begin the next");
        }
        let none = with_limit(1).gather(Vec::<std::future::Ready<()>>::new());
        assert!(none.await.unwrap().is_empty());
    });
}

#[test]
fn a_limit_holds_for_what_fails_too() {
    in_virtual_time(async || {
        let results = with_limit(2)
            .gather((0..6).map(|n| async move {
                after(1).await;
                assert!(n % 2 == 0, "odd");
                n
            }))
            .return_exceptions()
            .await;
        for (n, result) in results.into_iter().enumerate() {
            assert_eq!(result.is_ok(), n % 2 == 0);
        }
        // The first error ends the wait, and what had not begun never does.
        let crowd = Crowd::default();
        let member = |n: u32| {
            let crowd = crowd.clone();
            async move { if crowd.member(1, n).await == 3 { Err(n) } else { Ok(n) } }
        };
        let error = with_limit(2).gather((0..40).map(member)).errors_fail().await;
        assert_eq!(error.unwrap_err().to_string(), "3");
        sleep(MS * 50).await;
        assert!(crowd.begun() < 10, "{} have begun", crowd.begun());
    });
}

#[test]
fn what_a_limit_kept_back_never_begins_after_a_request_or_a_drop() {
    in_virtual_time(async || {
        let crowd = Crowd::default();
        let futures: Vec<_> = (0..10_u32).map(|n| crowd.clone().member(100, n)).collect();
        let owner = create_task(async move { with_limit(3).gather(futures).await.map(drop) });
        sleep(MS).await;
        owner.cancel();
        assert!(owner.await.unwrap_err().is_cancelled());
        sleep(MS * 500).await;
        assert_eq!(crowd.begun(), 3);

        let drops = Count::default();
        let futures: Vec<_> = (0..10)
            .map(|_| {
                let dropped = drops.on_drop();
                async move {
                    let _dropped = dropped;
                    after(5).await
                }
            })
            .collect();
        drop(with_limit(4).gather(futures));
        assert_eq!(drops.get(), 6, "those that had not begun");
        sleep(MS * 10).await;
        assert_eq!(drops.get(), 10, "the others ran on");
    });
}

#[test]
fn as_completed_with_a_limit_begins_one_for_each_it_gives_back() {
    in_virtual_time(async || {
        let crowd = Crowd::default();
        let futures: Vec<_> = (0..20_u32).map(|n| crowd.clone().member(1 + n % 3, n)).collect();
        let mut completed = with_limit(4).as_completed(futures);
        let mut seen = Vec::new();
        while let Some(task) = completed.next().await {
            seen.push(task.await.unwrap());
            sleep(MS * 2).await;
            assert!(crowd.begun() <= seen.len() + 4);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
        assert!(crowd.most() <= 4);
    });
}

#[test]
#[should_panic(expected = "allow 1 or more")]
fn a_limit_of_nothing_is_refused() {
    let _limit = with_limit(0);
}

#[test]
fn a_race_gives_the_first_and_drops_the_others() {
    in_virtual_time(async || {
        let drops = Count::default();
        let start = Instant::now();
        let runner = |ms| {
            let dropped = drops.on_drop();
            async move {
                let _dropped = dropped;
                after(ms).await
            }
        };
        assert_eq!(race([9, 3, 6].map(runner)).await, 3);
        assert_eq!((drops.get(), start.elapsed()), (3, MS * 3));
    });
}

#[test]
fn a_race_of_different_types_runs_the_arm_of_the_first() {
    in_virtual_time(async || {
        let mut log = Vec::new();
        for limit in [2, 20] {
            // Both arms use what both futures borrow: these are gone by then.
            let said = race! {
                () = async { log.push(after(10).await) } => { log.push(0); "work" },
                ms = after(limit) => { log.push(ms); "time" },
            };
            assert_eq!(said, if limit == 2 { "time" } else { "work" });
        }
        assert_eq!(log, [2, 10, 0]);
        let six = race! {
            _ = pending::<u8>() => 1,
            _ = pending::<u16>() => 2,
            _ = pending::<u32>() => 3,
            _ = create_task(ready(4)) => 4,
            _ = pending::<u64>() => 5,
            () = pending() => 6,
        };
        assert_eq!(six, 4);
    });
}

#[test]
fn a_race_is_fair_to_those_that_are_always_ready() {
    in_virtual_time(async || {
        let mut wins = [0; 3];
        for _ in 0..3000 {
            wins[race([0, 1, 2].map(ready)).await] += 1;
            race! { () = ready(()) => {}, () = yield_now() => {} }
        }
        assert!(wins.iter().all(|&wins| wins > 500), "{wins:?}");
    });
}

#[test]
fn a_race_runs_on_any_executor() {
    let mut wins = [0; 2];
    futures::executor::block_on(async {
        for _ in 0..100 {
            wins[race([0, 1].map(ready)).await] += 1;
            wins[race! { n = ready(0) => n, n = ready(1) => n }] += 1;
        }
    });
    assert_eq!(wins, [100, 100]);
}

#[test]
fn a_race_of_nothing_is_refused() {
    let none = std::panic::catch_unwind(|| race(Vec::<std::future::Ready<()>>::new()));
    assert!(none.is_err());
}

/// What ends just as its owner is told is waited for, however small the time between is.
#[test]
fn gather_never_misses_an_end() {
    in_virtual_time(async || {
        for _ in 0..200 {
            let spread = |n| async move {
                for _ in 0..n % 3 {
                    yield_now().await;
                }
                n
            };
            assert_eq!(gather((0..100).map(spread)).await.unwrap().len(), 100);
            let errors =
                gather((0..20).map(|n| async move { if n == 7 { Err(n) } else { Ok(n) } }));
            assert_eq!(errors.errors_fail().await.unwrap_err().to_string(), "7");
            let panics = gather((0..20).map(|n| async move { assert!(n != 7, "seven") }));
            assert!(panics.await.unwrap_err().is_panic());
            assert_eq!(with_limit(3).gather((0..50).map(spread)).await.unwrap().len(), 50);
        }
    });
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use futures::executor::block_on;
use loopwork_sync::CancelPolicy::{UntilDone, WhilePending};
use loopwork_sync::{ConcurrentError, ConcurrentFuture};

use crate::{Count, poll, poll_overtaken, poll_with};

/// A counter, and a hook that counts in it.
fn hook() -> (Arc<AtomicUsize>, impl FnOnce() + Send + 'static) {
    let calls = Arc::new(AtomicUsize::new(0));
    let hook = calls.clone();
    (calls, move || {
        hook.fetch_add(1, Ordering::SeqCst);
    })
}

#[test]
fn it_is_pending_then_running_then_finished() {
    let (completer, future) = ConcurrentFuture::channel(WhilePending);
    assert!(!future.running() && !future.done() && !future.cancelled());
    assert!(completer.set_running_or_notify_cancel());
    assert!(completer.set_running_or_notify_cancel(), "twice is once");
    assert!(future.running() && !future.done());
    assert!(future.try_result().is_none());
    completer.set_result(7).unwrap();
    assert!(!future.running() && future.done() && !future.cancelled());
    assert!(future.exception(None).unwrap().is_none());
    assert_eq!(future.result(None).unwrap(), 7);
}

#[test]
fn the_value_moves_out_once() {
    let (completer, future) = ConcurrentFuture::channel(WhilePending);
    let mut other = future.clone();
    completer.set_result(String::from("once")).unwrap();
    assert_eq!(other.result_cloned(None).unwrap(), "once");
    assert_eq!(future.result(None).unwrap(), "once");
    assert!(future.result(None).unwrap_err().is_already_taken());
    assert!(other.result_cloned(None).unwrap_err().is_already_taken());
    assert!(other.try_result().unwrap().unwrap_err().is_already_taken());
    assert!(matches!(poll(&mut other), Poll::Ready(Err(e)) if e.is_already_taken()));
    assert!(future.done() && future.exception(None).unwrap().is_none());
}

#[test]
fn h6_a_time_out_cancels_nothing() {
    let (completer, future) = ConcurrentFuture::channel(UntilDone);
    let error = future.result(Some(Duration::from_millis(1))).unwrap_err();
    assert!(error.is_timeout() && !error.is_cancelled() && !error.is_panic());
    assert!(future.exception(Some(Duration::ZERO)).unwrap_err().is_timeout());
    assert!(!completer.is_cancelled());
    completer.set_result(1).unwrap();
    assert_eq!(future.result(Some(Duration::MAX)).unwrap(), 1);
}

#[test]
fn h7_a_panic_crosses_over_with_its_payload() {
    let (completer, future) = ConcurrentFuture::<()>::channel(WhilePending);
    let payload = catch_unwind(|| panic!("no {}", String::from("coffee"))).unwrap_err();
    completer.set_panic(payload).unwrap();
    let error = future.result(None).unwrap_err();
    assert!(error.is_panic());
    assert_eq!(error.to_string(), "the work panicked: no coffee");
    assert_eq!(format!("{error:?}"), r#"Panicked("no coffee")"#);
    assert!(future.exception(None).unwrap().unwrap().is_panic());
    assert_eq!(*error.into_panic().downcast::<String>().unwrap(), "no coffee");
    let again = block_on(future).unwrap_err();
    assert_eq!(*again.into_panic().downcast::<String>().unwrap(), "no coffee");
}

#[test]
fn a_payload_that_is_not_text_reaches_the_first_who_asks() {
    let (completer, future) = ConcurrentFuture::<()>::channel(WhilePending);
    completer.set_panic(Box::new(17_u64)).unwrap();
    let first = future.result(None).unwrap_err();
    assert_eq!(*first.try_into_panic().unwrap().downcast::<u64>().unwrap(), 17);
    let second = future.result(None).unwrap_err();
    assert!(second.into_panic().is::<String>());
}

#[test]
fn errors_that_are_no_panic_keep_themselves() {
    let (_completer, future) = ConcurrentFuture::<()>::channel(WhilePending);
    let error: ConcurrentError = future.result(Some(Duration::ZERO)).unwrap_err();
    assert!(error.try_into_panic().unwrap_err().is_timeout());
}

#[test]
fn i2_a_job_is_cancelled_only_before_it_starts() {
    let (completer, future) = ConcurrentFuture::<i32>::channel(WhilePending);
    assert!(future.cancel());
    assert!(future.cancel(), "it is cancelled, said again");
    assert!(future.cancelled() && future.done());
    assert!(!completer.set_running_or_notify_cancel(), "so it must not run");
    assert_eq!(completer.set_result(1), Err(1));
    assert!(future.result(None).unwrap_err().is_cancelled());
    assert!(future.exception(None).unwrap_err().is_cancelled());

    let (completer, future) = ConcurrentFuture::channel(WhilePending);
    assert!(completer.set_running_or_notify_cancel());
    assert!(!future.cancel());
    completer.set_result(2).unwrap();
    assert!(!future.cancel(), "finished");
    assert_eq!(future.result(None).unwrap(), 2);
}

#[test]
fn h8_cancel_ends_a_tasks_future_at_once_and_asks_the_task() {
    let (completer, future) = ConcurrentFuture::<i32>::channel(UntilDone);
    let (calls, count) = hook();
    completer.on_cancel(count);
    assert!(completer.set_running_or_notify_cancel());
    assert!(future.cancel());
    assert!(future.cancel());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(future.result(None).unwrap_err().is_cancelled());
    assert!(completer.is_cancelled());
    assert!(completer.set_panic(Box::new("late")).is_err());
}

#[test]
fn h8_the_task_cancels_the_future_without_hearing_of_it() {
    let (completer, future) = ConcurrentFuture::<i32>::channel(UntilDone);
    let (calls, count) = hook();
    completer.on_cancel(count);
    completer.set_cancelled();
    assert!(future.cancelled());
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[test]
fn h8_a_hook_set_too_late_runs_at_once_and_a_replaced_one_never() {
    let (completer, future) = ConcurrentFuture::<i32>::channel(UntilDone);
    let ((old, count_old), (new, count_new), (late, count_late)) = (hook(), hook(), hook());
    completer.on_cancel(count_old);
    assert_eq!(Arc::strong_count(&old), 2);
    completer.on_cancel(count_new);
    assert_eq!(Arc::strong_count(&old), 1);
    future.cancel();
    completer.on_cancel(count_late);
    let calls = [old, new, late].map(|calls| calls.load(Ordering::SeqCst));
    assert_eq!(calls, [0, 1, 1]);
}

#[test]
fn h9_a_cancelled_future_is_done_before_its_work_has_stopped() {
    let (completer, future) = ConcurrentFuture::<i32>::channel(UntilDone);
    let (count, waker) = Count::new();
    let mut stopped = future.stopped();
    assert!(poll_with(&mut stopped, &waker).is_pending());
    assert!(future.cancel());
    assert!(future.done());
    assert!(poll_with(&mut stopped, &waker).is_pending(), "the work still holds the completer");
    let timed_out = future.cancel_and_wait(Some(Duration::from_millis(1))).unwrap_err();
    assert!(timed_out.is_timeout());
    let before = count.get();
    assert_eq!(completer.set_result(1), Err(1));
    assert_eq!(count.get(), before + 1);
    assert!(poll(&mut stopped).is_ready());
    assert!(future.cancel_and_wait(None).unwrap());
}

#[test]
fn h9_a_job_that_never_started_needs_no_wait() {
    let (completer, future) = ConcurrentFuture::<i32>::channel(WhilePending);
    assert!(future.cancel_and_wait(None).unwrap());
    assert!(poll(&mut future.stopped()).is_ready());
    drop(completer);
}

#[test]
fn a_completer_that_is_dropped_cancels() {
    let (completer, mut future) = ConcurrentFuture::<i32>::channel(WhilePending);
    let (count, waker) = Count::new();
    assert!(poll_with(&mut future, &waker).is_pending());
    assert!(completer.set_running_or_notify_cancel());
    drop(completer);
    assert_eq!(count.get(), 1);
    assert!(matches!(poll(&mut future), Poll::Ready(Err(e)) if e.is_cancelled()));
}

#[test]
fn dropping_the_consumer_detaches() {
    let (completer, future) = ConcurrentFuture::channel(UntilDone);
    let (calls, count) = hook();
    completer.on_cancel(count);
    drop(future);
    assert!(!completer.is_cancelled());
    let value = Arc::new(());
    completer.set_result(value.clone()).unwrap();
    assert_eq!(Arc::strong_count(&value), 1);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[test]
fn every_awaiter_is_woken_and_a_dropped_one_is_not() {
    let (completer, mut first) = ConcurrentFuture::channel(UntilDone);
    let (mut second, mut gone) = (first.clone(), first.clone());
    let (count, waker) = Count::new();
    let (nobody, gone_waker) = Count::new();
    assert!(poll_with(&mut first, &waker).is_pending());
    assert!(poll_with(&mut second, &waker).is_pending());
    assert!(poll_with(&mut gone, &gone_waker).is_pending());
    drop(gone);
    completer.set_result(1).unwrap();
    assert_eq!((count.get(), nobody.get()), (2, 0));
    assert_eq!(block_on(second).unwrap(), 1);
    assert!(block_on(first).unwrap_err().is_already_taken());
}

#[test]
fn callbacks_run_in_order_and_a_panicking_one_stops_none() {
    let (completer, future) = ConcurrentFuture::channel(UntilDone);
    let (sender, seen) = mpsc::channel();
    for n in 0..4 {
        let sender = sender.clone();
        future.add_done_callback(move |future| {
            sender.send((n, future.result_cloned(None).unwrap())).unwrap();
            assert_ne!(n, 1, "this report is part of a test");
        });
    }
    completer.set_result("done").unwrap();
    future.add_done_callback(move |future| {
        sender.send((4, future.result(None).unwrap())).unwrap();
    });
    let seen: Vec<_> = seen.iter().collect();
    assert_eq!(seen, [(0, "done"), (1, "done"), (2, "done"), (3, "done"), (4, "done")]);
}

#[test]
fn callbacks_run_on_cancel_after_the_hook() {
    let (completer, future) = ConcurrentFuture::<()>::channel(UntilDone);
    let (sender, seen) = mpsc::channel();
    let hook = sender.clone();
    completer.on_cancel(move || hook.send("hook").unwrap());
    future.add_done_callback(move |future| {
        assert!(future.cancelled());
        sender.send("callback").unwrap();
    });
    future.cancel();
    assert_eq!(seen.iter().collect::<Vec<_>>(), ["hook", "callback"]);
}

#[test]
fn a_callback_may_use_the_future_from_inside() {
    let (completer, future) = ConcurrentFuture::channel(UntilDone);
    let (calls, count) = hook();
    future.add_done_callback(move |future| {
        assert!(!future.cancel());
        future.add_done_callback(|_| count());
    });
    completer.set_result(()).unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn on_a_worker_result_panics_whether_or_not_it_is_done() {
    let (completer, future) = ConcurrentFuture::channel(UntilDone);
    let _guard = loopwork_context::forbid_blocking();
    let refused = |future: &ConcurrentFuture<i32>| {
        let panic = catch_unwind(AssertUnwindSafe(|| future.result(None))).unwrap_err();
        panic.downcast::<String>().unwrap().starts_with("`ConcurrentFuture::result` would block")
    };
    assert!(refused(&future));
    assert!(future.result(Some(Duration::ZERO)).unwrap_err().is_timeout());
    let (sender, seen) = mpsc::channel();
    future.add_done_callback(move |future| sender.send(future.result_cloned(None)).unwrap());
    completer.set_result(5).unwrap();
    assert_eq!(seen.recv().unwrap().unwrap(), 5, "a done-callback has nothing to wait for");
    assert!(refused(&future));
    assert_eq!(future.try_result().unwrap().unwrap(), 5);
}

#[test]
fn a_cancel_request_that_reaches_the_awaiting_task_is_forwarded() {
    let (completer, mut future) = ConcurrentFuture::<i32>::channel(UntilDone);
    let (calls, count) = hook();
    completer.on_cancel(count);
    let quiet = loopwork_context::Poll::enter(false);
    assert!(poll(&mut future).is_pending());
    assert!(!quiet.leave());
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let asked = loopwork_context::Poll::enter(true);
    assert!(poll(&mut future).is_pending());
    assert!(asked.leave(), "the request is left for the task");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(future.cancelled());
}

#[test]
fn i2_a_request_cannot_stop_a_running_job_but_still_reaches_the_task() {
    let (completer, mut future) = ConcurrentFuture::channel(WhilePending);
    assert!(completer.set_running_or_notify_cancel());
    let asked = loopwork_context::Poll::enter(true);
    assert!(poll(&mut future).is_pending());
    assert!(asked.leave());
    assert!(!future.cancelled());
    completer.set_result(1).unwrap();
}

#[test]
fn an_awaiter_that_a_request_has_overtaken_leaves_the_value_to_others() {
    let (completer, mut future) = ConcurrentFuture::channel(UntilDone);
    let other = future.clone();
    let (count, waker) = Count::new();
    assert!(poll_with(&mut future, &waker).is_pending());
    completer.set_result(5).unwrap();
    assert_eq!(count.get(), 1);
    assert!(poll_overtaken(&mut future, &waker).is_pending() && !other.cancelled());
    assert_eq!(count.get(), 2, "without the request it goes on");
    drop(future);
    assert_eq!(other.result(Some(Duration::ZERO)).unwrap(), 5);
}

#[test]
fn debug_names_the_state() {
    let (completer, future) = ConcurrentFuture::<()>::channel(UntilDone);
    assert_eq!(format!("{future:?}"), r#"ConcurrentFuture { state: "pending" }"#);
    completer.set_running_or_notify_cancel();
    assert_eq!(format!("{completer:?}"), r#"Completer { state: "running" }"#);
    future.cancel();
    assert_eq!(format!("{future:?}"), r#"ConcurrentFuture { state: "cancelled" }"#);
}

#[test]
fn all_who_wait_are_woken_once_for_each_thing_they_wait_for() {
    // More than are woken at once.
    const TASKS: usize = 100;
    let (completer, future) = ConcurrentFuture::<u32>::channel(UntilDone);
    assert!(completer.set_running_or_notify_cancel());
    let (awaiting, awaiter) = Count::new();
    let (stopping, stopper) = Count::new();
    let mut awaits: Vec<_> = (0..TASKS).map(|_| future.clone()).collect();
    let mut stops: Vec<_> = (0..TASKS).map(|_| future.stopped()).collect();
    assert!(awaits.iter_mut().all(|it| poll_with(it, &awaiter).is_pending()));
    assert!(stops.iter_mut().all(|it| poll_with(it, &stopper).is_pending()));
    // What waits may move.
    awaits.swap_remove(0);
    let mut awaits: Vec<_> = awaits.into_iter().rev().collect();
    assert!(future.cancel());
    assert_eq!((awaiting.get(), stopping.get()), (TASKS - 1, TASKS));
    assert!(awaits.iter_mut().all(|it| poll_with(it, &awaiter).is_ready()));
    assert!(stops.iter_mut().all(|it| poll_with(it, &stopper).is_pending()));
    drop(completer);
    assert_eq!((awaiting.get(), stopping.get()), (TASKS - 1, 2 * TASKS));
    assert!(stops.iter_mut().all(|it| poll_with(it, &stopper).is_ready()));
}

#[test]
fn a_waker_that_is_not_needed_any_more_is_dropped() {
    let (completer, future) = ConcurrentFuture::channel(UntilDone);
    let (first, waker) = Count::new();
    let mut awaited = future.clone();
    assert!(poll_with(&mut awaited, &waker).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&first), 2);
    let (second, waker) = Count::new();
    assert!(poll_with(&mut awaited, &waker).is_pending());
    drop(waker);
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 2));
    drop(awaited);
    assert_eq!(Arc::strong_count(&second), 1);
    completer.set_result(1).unwrap();
    assert_eq!((first.get(), second.get()), (0, 0));
}

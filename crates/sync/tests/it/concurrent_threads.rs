//! Both ends of a concurrent future on threads of their own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use futures::executor::block_on;
use loopwork_sync::{CancelPolicy, ConcurrentFuture};

const ROUNDS: usize = 1_000;

#[test]
fn h6_a_thread_blocked_in_result_gets_it() {
    let (completer, future) = ConcurrentFuture::channel(CancelPolicy::UntilDone);
    let (entered, has_entered) = mpsc::channel();
    let waiter = thread::spawn(move || {
        entered.send(()).unwrap();
        future.result(None)
    });
    has_entered.recv().unwrap();
    completer.set_result(9).unwrap();
    assert_eq!(waiter.join().unwrap().unwrap(), 9);
}

#[test]
fn complete_against_cancel_exactly_one_wins() {
    for policy in [CancelPolicy::WhilePending, CancelPolicy::UntilDone] {
        for _ in 0..ROUNDS {
            let (completer, future) = ConcurrentFuture::channel(policy);
            let (hooks, callbacks) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (hook, callback) = (hooks.clone(), callbacks.clone());
            completer.on_cancel(move || {
                hook.fetch_add(1, Ordering::SeqCst);
            });
            future.add_done_callback(move |_| {
                callback.fetch_add(1, Ordering::SeqCst);
            });
            let start = Arc::new(Barrier::new(3));
            let (at_start, other) = (start.clone(), future.clone());
            let canceller = thread::spawn(move || {
                at_start.wait();
                other.cancel()
            });
            let (at_start, other) = (start.clone(), future.clone());
            let waiter = thread::spawn(move || {
                at_start.wait();
                block_on(other)
            });
            start.wait();
            let ran = completer.set_running_or_notify_cancel();
            let completed = completer.set_result(1).is_ok();
            let cancelled = canceller.join().unwrap();
            assert_ne!(completed, cancelled, "one of them, never both, never neither");
            if policy == CancelPolicy::WhilePending {
                assert_eq!(ran, completed, "what ran can no longer be cancelled");
            }
            assert_eq!(waiter.join().unwrap().is_ok(), completed);
            assert_eq!(hooks.load(Ordering::SeqCst), usize::from(cancelled));
            assert_eq!(callbacks.load(Ordering::SeqCst), 1);
            block_on(future.stopped());
        }
    }
}

#[test]
fn a_dropped_completer_releases_everybody() {
    for _ in 0..ROUNDS {
        let (completer, future) = ConcurrentFuture::<()>::channel(CancelPolicy::UntilDone);
        let (blocking, awaiting) = (future.clone(), future.clone());
        let threads = [
            thread::spawn(move || blocking.result(None)),
            thread::spawn(move || block_on(awaiting)),
        ];
        drop(completer);
        for thread in threads {
            assert!(thread.join().unwrap().unwrap_err().is_cancelled());
        }
    }
}

#[test]
fn of_many_takers_one_gets_the_value() {
    for _ in 0..ROUNDS / 4 {
        let (completer, future) = ConcurrentFuture::channel(CancelPolicy::UntilDone);
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let future = future.clone();
                thread::spawn(move || future.result(None).is_ok())
            })
            .collect();
        completer.set_result(()).unwrap();
        let got = takers.into_iter().map(|taker| taker.join().unwrap());
        assert_eq!(got.filter(|got| *got).count(), 1);
    }
}

#[test]
fn a_callback_added_while_it_completes_runs_once() {
    for _ in 0..ROUNDS {
        let (completer, future) = ConcurrentFuture::channel(CancelPolicy::UntilDone);
        let (sender, called) = mpsc::channel();
        let adder = thread::spawn(move || {
            future.add_done_callback(move |future| sender.send(future.done()).unwrap());
        });
        completer.set_result(()).unwrap();
        adder.join().unwrap();
        assert_eq!(called.iter().collect::<Vec<_>>(), [true]);
    }
}

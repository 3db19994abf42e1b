//! `ConcurrentFuture`, `Queue`, `oneshot`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_loom_tests::{block_on, explore, spawn};
use loopwork_sync::{CancelPolicy, ConcurrentFuture, Queue, oneshot};

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Completion against cancel: one of them decides, and who waits hears of it.
#[test]
fn complete_against_cancel() {
    explore(3, || {
        let (completer, future) = ConcurrentFuture::channel(CancelPolicy::UntilDone);
        let (cancelled, waited) = (future.clone(), future);
        let canceller = spawn(move || cancelled.cancel());
        let waiter = spawn(move || waited.result(None).is_ok());
        let done = completer.set_result(1).is_ok();
        assert_ne!(done, canceller.join().unwrap());
        assert_eq!(waiter.join().unwrap(), done);
    });
}

/// A job that begins against its cancel.
#[test]
fn begin_against_cancel() {
    explore(3, || {
        let (completer, future) = ConcurrentFuture::channel(CancelPolicy::WhilePending);
        let cancelled = future.clone();
        let canceller = spawn(move || cancelled.cancel());
        let begun = completer.set_running_or_notify_cancel();
        assert_eq!(completer.set_result(1).is_ok(), begun);
        assert_ne!(canceller.join().unwrap(), begun);
        assert_eq!(future.result(None).is_ok(), begun);
    });
}

/// A completer that is dropped releases who awaits and who waits for the work to stop.
#[test]
fn drop_of_the_completer() {
    explore(3, || {
        let (completer, future) = ConcurrentFuture::<u32>::channel(CancelPolicy::UntilDone);
        let awaited = future.clone();
        let awaiter = spawn(move || block_on(awaited).is_err());
        let stopper = spawn(move || future.cancel_and_wait(None).unwrap());
        drop(completer);
        assert!(awaiter.join().unwrap() && stopper.join().unwrap());
    });
}

/// An item that was meant for a getter which is dropped reaches another.
#[test]
fn queue_item_for_a_dropped_getter() {
    explore(3, || {
        let queue = Arc::new(Queue::new(1));
        let (dropped, taken) = (queue.clone(), queue.clone());
        let dropper = spawn(move || {
            let mut get = Box::pin(dropped.get());
            if poll_once(&mut get).is_ready() {
                dropped.put_nowait(1).unwrap();
            }
        });
        let taker = spawn(move || taken.blocking_get().unwrap());
        queue.put_nowait(1).unwrap();
        dropper.join().unwrap();
        assert_eq!(taker.join().unwrap(), 1);
    });
}

/// A full queue wakes who waits to put.
#[test]
fn queue_put_waits_for_room() {
    explore(3, || {
        let queue = Arc::new(Queue::new(1));
        let filled = queue.clone();
        let putter = spawn(move || (1..=2).for_each(|n| filled.blocking_put(n).unwrap()));
        assert_eq!(queue.blocking_get().unwrap(), 1);
        assert_eq!(queue.blocking_get().unwrap(), 2);
        putter.join().unwrap();
    });
}

/// A oneshot's receiver hears of the value, and of the sender's drop.
#[test]
fn oneshot_send_and_drop() {
    for send in [true, false] {
        explore(3, move || {
            let (sender, receiver) = oneshot::channel();
            let awaiter = spawn(move || block_on(receiver).ok());
            if send {
                sender.send(1).unwrap();
            } else {
                drop(sender);
            }
            assert_eq!(awaiter.join().unwrap(), send.then_some(1));
        });
    }
}

//! `Event`, `Notify`: what is announced, who hears of it, and who is dropped meanwhile.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_loom_tests::{Data, block_on, explore, spawn};
use loopwork_sync::{Event, Notify};

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// An event wakes tasks and threads that wait for it.
#[test]
fn event_wakes_all() {
    explore(2, || {
        let event = Arc::new(Event::new());
        let (awaited, blocked) = (event.clone(), event.clone());
        let awaiter = spawn(move || block_on(awaited.wait()));
        let blocker = spawn(move || blocked.blocking_wait());
        event.set();
        awaiter.join().unwrap();
        blocker.join().unwrap();
    });
}

/// One who is about to wait, against the setter that sees nobody.
#[test]
fn event_set_against_wait() {
    explore(3, || {
        let event = Arc::new(Event::new());
        let awaited = event.clone();
        let awaiter = spawn(move || block_on(awaited.wait()));
        event.set();
        awaiter.join().unwrap();
    });
}

/// What was done before the flag was set is seen by who sees the flag.
#[test]
fn event_publishes() {
    explore(3, || {
        let (event, data) = (Arc::new(Event::new()), Arc::new(Data::new()));
        let (seen, read) = (event.clone(), data.clone());
        let looker = spawn(move || {
            if poll_once(pin!(seen.wait())).is_ready() {
                assert_eq!(read.read(), 1);
            }
        });
        data.write(1);
        event.set();
        looker.join().unwrap();
    });
}

/// Who waits when the flag is set gets through, although it is cleared at once and another who waits
/// leaves.
#[test]
fn event_set_against_clear_and_drop() {
    explore(2, || {
        let event = Arc::new(Event::new());
        let mut waits = Box::pin(event.wait());
        assert!(poll_once(waits.as_mut()).is_pending());
        let (set, left) = (event.clone(), event.clone());
        let setter = spawn(move || {
            set.set();
            set.clear();
        });
        let leaver = spawn(move || drop(poll_once(pin!(left.wait()))));
        block_on(waits.as_mut());
        setter.join().unwrap();
        leaver.join().unwrap();
        assert!(poll_once(pin!(event.wait())).is_pending());
    });
}

/// A notification that was given to a future which is dropped reaches another.
#[test]
fn notify_one_against_drop() {
    explore(3, || {
        let notify = Arc::new(Notify::new());
        let (dropped, taken) = (notify.clone(), notify.clone());
        let mut first = Box::pin(dropped.notified());
        assert!(poll_once(first.as_mut()).is_pending());
        let notifier = spawn(move || taken.notify_one());
        let other = notify.clone();
        let taker = spawn(move || block_on(other.notified()));
        drop(first);
        notifier.join().unwrap();
        taker.join().unwrap();
    });
}

/// What was done before a notification is seen by who takes it, also if it was kept.
#[test]
fn notify_publishes() {
    explore(3, || {
        let (notify, data) = (Arc::new(Notify::new()), Arc::new(Data::new()));
        let (taken, read) = (notify.clone(), data.clone());
        let taker = spawn(move || {
            if poll_once(pin!(taken.notified())).is_ready() {
                assert_eq!(read.read(), 1);
            }
        });
        data.write(1);
        notify.notify_one();
        taker.join().unwrap();
    });
}

/// All are notified who have called `notified`, polled or not, while another takes its place.
#[test]
fn notify_waiters_against_notified() {
    explore(2, || {
        let notify = Arc::new(Notify::new());
        let called = notify.clone();
        let waits = called.notified();
        let (notified, other) = (notify.clone(), notify.clone());
        let notifier = spawn(move || notified.notify_waiters());
        let leaver = spawn(move || drop(poll_once(pin!(other.notified()))));
        block_on(waits);
        notifier.join().unwrap();
        leaver.join().unwrap();
        assert!(poll_once(pin!(notify.notified())).is_pending(), "nothing is kept");
    });
}

//! `Event`, `Notify`, `Condition`, `Barrier`, `OnceCell`: what is announced, who hears of it, and who is dropped meanwhile.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_loom_tests::{Data, block_on, explore, spawn};
use loopwork_sync::{Barrier, Condition, Event, Lock, Notify, OnceCell};

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
        // Made before the notification, and only enabled: nothing but the taking orders anything.
        let (waits, read) = (notify.clone().notified_owned(), data.clone());
        let taker = spawn(move || {
            if pin!(waits).enable() {
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

/// Who waits for a change under a lock hears of it, whoever comes first.
#[test]
fn condition_wait_against_notify() {
    explore(3, || {
        let shared = Arc::new((Lock::new(false), Condition::new()));
        let changed = shared.clone();
        let changer = spawn(move || {
            *block_on(changed.0.lock()) = true;
            changed.1.notify(1);
        });
        let (lock, condition) = &*shared;
        block_on(async {
            let changed = condition.wait_for(lock.lock().await, |changed| *changed).await;
            assert!(*changed);
        });
        changer.join().unwrap();
        assert!(!lock.locked());
    });
}

/// A notification that was given to a wait which is dropped reaches another.
#[test]
fn condition_notify_against_drop() {
    explore(2, || {
        let shared = Arc::new((Lock::new(()), Condition::new()));
        let (lock, condition) = &*shared;
        let mut first = Box::pin(condition.wait(lock.try_lock().unwrap()));
        assert!(poll_once(first.as_mut()).is_pending());
        let mut second = Box::pin(condition.wait(lock.try_lock().unwrap()));
        assert!(poll_once(second.as_mut()).is_pending());
        let notified = shared.clone();
        let notifier = spawn(move || notified.1.notify(1));
        drop(first);
        drop(block_on(second));
        notifier.join().unwrap();
        assert!(!lock.locked());
    });
}

/// One who leaves a barrier is not one of those it waits for.
#[test]
fn barrier_against_one_who_leaves() {
    explore(2, || {
        let barrier = Arc::new(Barrier::new(3));
        let mut left = Box::pin(barrier.wait());
        assert!(poll_once(left.as_mut()).is_pending());
        let waited = barrier.clone();
        let waiter = spawn(move || block_on(waited.wait()).unwrap());
        drop(left);
        let mut second = Box::pin(barrier.wait());
        assert!(poll_once(second.as_mut()).is_pending());
        let third = block_on(barrier.wait()).unwrap();
        assert_ne!(waiter.join().unwrap(), third);
    });
}

/// What is read without the lock is there whole.
#[test]
fn once_cell_against_a_look() {
    explore(3, || {
        let cell = Arc::new(OnceCell::new());
        let looked = cell.clone();
        let looker = spawn(move || looked.get().is_none_or(|value| *value == 1));
        assert_eq!(block_on(cell.get_or_init(async || 1)), &1);
        assert!(looker.join().unwrap());
    });
}

/// One that makes the value and is dropped, against one that waits for it.
#[test]
fn once_cell_maker_dropped() {
    explore(3, || {
        let cell = Arc::new(OnceCell::new());
        let dropped = cell.clone();
        let dropper = spawn(move || {
            let making = pin!(dropped.get_or_init(std::future::pending::<u32>));
            drop(poll_once(making));
        });
        assert_eq!(block_on(cell.get_or_init(async || 1)), &1);
        dropper.join().unwrap();
    });
}

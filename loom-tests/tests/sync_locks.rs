//! `Lock`, `Semaphore`: who waits for a permit, and who is dropped meanwhile.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_loom_tests::{block_on, explore, spawn};
use loopwork_sync::{Lock, Semaphore};

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Two threads write what a lock guards. loom sees a race if the lock does not order them.
#[test]
fn lock_against_unlock() {
    explore(3, || {
        let lock = Arc::new(Lock::new(0));
        let other = lock.clone();
        let thread = spawn(move || *block_on(other.lock()) += 1);
        *block_on(lock.lock()) += 1;
        thread.join().unwrap();
        assert_eq!(*lock.try_lock().expect("both have unlocked"), 2);
    });
}

/// What the holder wrote is seen by who gets the lock handed, and by who tries.
#[test]
fn try_lock_against_unlock() {
    explore(3, || {
        let lock = Arc::new(Lock::new(0));
        let other = lock.clone();
        let thread = spawn(move || {
            if let Some(mut value) = other.try_lock() {
                *value += 1;
            }
        });
        if let Some(mut value) = lock.try_lock() {
            *value += 1;
        }
        thread.join().unwrap();
        assert!(*lock.try_lock().expect("both have unlocked") > 0);
    });
}

/// A lock that is handed to a waiter which is dropped goes on to the next.
#[test]
fn lock_handed_to_a_dropped_waiter() {
    explore(3, || {
        let lock = Arc::new(Lock::new(0));
        let (dropped, taken) = (lock.clone(), lock.clone());
        let held = lock.try_lock().unwrap();
        let dropper = spawn(move || {
            let acquire = pin!(dropped.lock());
            drop(poll_once(acquire));
        });
        let taker = spawn(move || *block_on(taken.lock()) += 1);
        drop(held);
        dropper.join().unwrap();
        taker.join().unwrap();
        assert_eq!(*lock.try_lock().unwrap(), 1);
    });
}

/// Permits come back one by one, by two threads, to one who wants both: it must see what both did.
#[test]
fn two_releases_against_who_wants_both() {
    explore(3, || {
        let (semaphore, data) = (Arc::new(Semaphore::new(0)), loopwork_loom_tests::Data::new());
        let data = Arc::new(data);
        let (released, written) = (semaphore.clone(), data.clone());
        let thread = spawn(move || {
            written.write(1);
            released.release(1);
        });
        let (wanted, read) = (semaphore.clone(), data);
        let taker = spawn(move || {
            block_on(wanted.acquire_many(2)).forget();
            assert_eq!(read.read(), 1);
        });
        semaphore.release(1);
        thread.join().unwrap();
        taker.join().unwrap();
        assert_eq!(semaphore.available_permits(), 0);
    });
}

/// One who wants many leaves, while permits come back: the one behind it is served.
#[test]
fn release_against_the_first_that_leaves() {
    explore(3, || {
        let semaphore = Arc::new(Semaphore::new(0));
        let (left, taken) = (semaphore.clone(), semaphore.clone());
        let leaver = spawn(move || {
            let acquire = pin!(left.acquire_many(2));
            drop(poll_once(acquire));
        });
        let taker = spawn(move || block_on(taken.acquire()).forget());
        semaphore.release(1);
        leaver.join().unwrap();
        taker.join().unwrap();
        assert_eq!(semaphore.available_permits(), 0);
    });
}

/// A waiter that is polled again, with another waker, against the grant.
#[test]
fn grant_against_a_changed_waker() {
    explore(3, || {
        let lock = Arc::new(Lock::new(()));
        let held = lock.try_lock().unwrap();
        let moved = lock.clone();
        let thread = spawn(move || {
            let mut acquire = pin!(moved.lock());
            if poll_once(acquire.as_mut()).is_pending() {
                drop(block_on(acquire));
            }
        });
        drop(held);
        thread.join().unwrap();
        assert!(!lock.locked());
    });
}

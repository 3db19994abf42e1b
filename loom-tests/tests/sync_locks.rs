//! `Lock`, `Semaphore`, `Mutex`, `RwLock`: who waits, and who is dropped meanwhile.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_loom_tests::{block_on, explore, spawn};
use loopwork_shim::thread::yield_now;
use loopwork_sync::{CapacityLimiter, Guard, Lock, Mutex, RwLock, Semaphore};

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

/// Without a waker that would order anything: the grant alone makes the holder's writes visible.
#[test]
fn grant_against_a_second_poll() {
    explore(3, || {
        let lock = Arc::new(Lock::new(0));
        let other = lock.clone();
        let mut held = lock.try_lock().unwrap();
        let thread = spawn(move || {
            let mut acquire = pin!(other.lock());
            if poll_once(acquire.as_mut()).is_pending() {
                // loom lets the holder run here.
                yield_now();
                if let Poll::Ready(mut value) = poll_once(acquire) {
                    *value += 1;
                }
            }
        });
        *held += 1;
        drop(held);
        thread.join().unwrap();
        assert!(*lock.try_lock().expect("handed on or unlocked") > 0);
    });
}

/// What was set aside for one that leaves is taken by somebody who does not wait.
#[test]
fn permits_set_aside_for_one_that_leaves() {
    explore(3, || {
        let semaphore = Arc::new(Semaphore::new(0));
        let data = Arc::new(loopwork_loom_tests::Data::new());
        let mut waits = Box::pin(semaphore.acquire_many(2));
        assert!(poll_once(waits.as_mut()).is_pending());
        let (released, written) = (semaphore.clone(), data.clone());
        let releaser = spawn(move || {
            written.write(1);
            released.release(1);
        });
        let tried = semaphore.clone();
        let taker = spawn(move || {
            if let Some(permit) = tried.try_acquire() {
                assert_eq!(data.read(), 1);
                permit.forget();
            }
        });
        drop(waits);
        releaser.join().unwrap();
        taker.join().unwrap();
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

/// As `lock_against_unlock`, without a hand-over.
#[test]
fn mutex_against_unlock() {
    explore(3, || {
        let mutex = Arc::new(Mutex::new(0));
        let other = mutex.clone();
        let thread = spawn(move || *block_on(other.lock()) += 1);
        *block_on(mutex.lock()) += 1;
        thread.join().unwrap();
        assert_eq!(*mutex.try_lock().expect("both have unlocked"), 2);
    });
}

/// A waiter that was woken, and is dropped instead of being polled, wakes the next.
#[test]
fn mutex_waiter_dropped_after_it_was_woken() {
    explore(3, || {
        let mutex = Arc::new(Mutex::new(0));
        let (dropped, taken) = (mutex.clone(), mutex.clone());
        let held = mutex.try_lock().unwrap();
        let dropper = spawn(move || {
            let lock = pin!(dropped.lock());
            drop(poll_once(lock));
        });
        let taker = spawn(move || *block_on(taken.lock()) += 1);
        drop(held);
        dropper.join().unwrap();
        taker.join().unwrap();
        assert_eq!(*mutex.try_lock().unwrap(), 1);
    });
}

/// One passes, one was woken, one waits; who passes finds the door closed the second time.
#[test]
fn mutex_of_three() {
    explore(2, || {
        let mutex = Arc::new(Mutex::new(0));
        let lock = |mutex: Arc<Mutex<u32>>| move || *block_on(mutex.lock()) += 1;
        let threads = [spawn(lock(mutex.clone())), spawn(lock(mutex.clone()))];
        lock(mutex.clone())();
        lock(mutex.clone())();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*mutex.try_lock().unwrap(), 4);
    });
}

/// Two read while one writes: what is written is seen whole.
#[test]
fn rwlock_readers_and_a_writer() {
    explore(2, || {
        let lock = Arc::new(RwLock::new((0, 0)));
        let (written, read) = (lock.clone(), lock.clone());
        let writer = spawn(move || {
            let mut guard = block_on(written.write());
            guard.0 = 1;
            guard.1 = 1;
            let guard = Guard::downgrade(guard);
            assert_eq!(guard.0, 1);
        });
        let reader = spawn(move || {
            let guard = block_on(read.read());
            assert_eq!(guard.0, guard.1);
        });
        let guard = block_on(lock.read());
        assert_eq!(guard.0, guard.1);
        drop(guard);
        writer.join().unwrap();
        reader.join().unwrap();
        assert_eq!(*lock.try_write().expect("all have unlocked"), (1, 1));
    });
}

/// A writer that waits behind a reader, and leaves, against the reader behind it.
#[test]
fn rwlock_writer_that_leaves() {
    explore(2, || {
        let lock = Arc::new(RwLock::new(0));
        let (left, read) = (lock.clone(), lock.clone());
        let held = lock.try_read().unwrap();
        let leaver = spawn(move || drop(poll_once(pin!(left.write()))));
        let reader = spawn(move || assert_eq!(*block_on(read.read()), 0));
        reader.join().unwrap();
        leaver.join().unwrap();
        drop(held);
        assert!(lock.try_write().is_some());
    });
}

/// A token that was granted to a waiter which is dropped goes to the next.
#[test]
fn limiter_token_for_a_dropped_waiter() {
    explore(3, || {
        let limiter = Arc::new(CapacityLimiter::new(1));
        let (dropped, taken) = (limiter.clone(), limiter.clone());
        let held = limiter.try_acquire().unwrap();
        let dropper = spawn(move || {
            let acquire = pin!(dropped.acquire());
            drop(poll_once(acquire));
        });
        let taker = spawn(move || drop(block_on(taken.acquire())));
        drop(held);
        dropper.join().unwrap();
        taker.join().unwrap();
        assert_eq!(limiter.available_tokens(), 1);
    });
}

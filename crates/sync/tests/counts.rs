//! What the uncontended paths cost, in operations: what no machine's noise can blur. Built with
//! `--cfg loopwork_count`; without that there is nothing to see.

#![cfg(all(loopwork_count, not(loopwork_loom)))]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use loopwork_shim::count::counts;
use loopwork_sync::{Event, Lock, Mutex, Notify, OnceCell, RwLock, Semaphore, mpsc};

/// Read-modify-writes and locks of the list's mutex that `operation` makes.
fn cost<R>(operation: impl FnOnce() -> R) -> (u64, u64) {
    let before = counts();
    let result = operation();
    let made = counts() - before;
    drop(result);
    (made.read_modify_writes, made.locks)
}

fn now<F: Future>(future: F) -> F::Output {
    let std::task::Poll::Ready(output) = pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("nobody else is there")
    };
    output
}

#[test]
fn to_take_and_to_give_back_is_one_read_modify_write_each() {
    let (lock, mutex) = (Lock::new(0), Mutex::new(0));
    let (semaphore, rwlock) = (Semaphore::new(3), RwLock::new(0));
    assert_eq!(cost(|| *now(lock.lock()) += 1), (2, 0));
    assert_eq!(cost(|| *now(mutex.lock()) += 1), (2, 0));
    assert_eq!(cost(|| drop(now(semaphore.acquire_many(2)))), (2, 0));
    assert_eq!(cost(|| *now(rwlock.write()) += 1), (2, 0));
    assert_eq!(cost(|| assert_eq!(*now(rwlock.read()), 1)), (2, 0));
    assert_eq!(cost(|| drop(lock.try_lock())), (2, 0));
    let held = lock.try_lock();
    assert_eq!(cost(|| drop(lock.try_lock())), (1, 0), "in vain");
    drop(held);
}

#[test]
fn events_and_cells_are_read_without_a_write() {
    let (event, cell, notify) = (Event::new(), OnceCell::with_value(1), Notify::new());
    assert_eq!(cost(|| event.set()), (1, 0));
    assert_eq!(cost(|| now(event.wait())), (0, 0));
    assert_eq!(cost(|| event.is_set()), (0, 0));
    assert_eq!(cost(|| cell.get()), (0, 0));
    assert_eq!(cost(|| *now(cell.get_or_init(async || 2))), (0, 0));
    assert_eq!(cost(|| notify.notify_one()), (1, 0));
    assert_eq!(cost(|| now(notify.notified())), (1, 0));
}

#[test]
fn a_future_that_is_dropped_before_its_first_poll_or_after_its_last_costs_nothing() {
    let lock = Lock::new(());
    assert_eq!(cost(|| drop(lock.lock())), (0, 0));
    let mut wait = Box::pin(lock.lock());
    drop(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    assert_eq!(cost(|| drop(wait)), (0, 0));
}

/// The mutex of the list is taken to wait, to hand over, and not to take what was handed over.
#[test]
fn a_hand_over_takes_the_mutex_twice() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let mut wait = Box::pin(lock.lock());
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(cost(|| wait.as_mut().poll(&mut cx).is_pending()).1, 1);
    assert_eq!(cost(|| drop(held)).1, 1);
    let taken = cost(|| assert!(wait.as_mut().poll(&mut cx).is_ready()));
    assert_eq!(taken, (1, 0), "the unlock of the guard");
}

/// At first a value costs an exchange and a fence; then neither, if the system can interrupt threads.
#[test]
fn who_sends_much_on_one_thread_does_so_without_an_atomic_exchange() {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut value = || {
        let before = counts();
        sender.try_send(1).unwrap();
        receiver.try_recv().unwrap();
        let made = counts() - before;
        (made.read_modify_writes, made.fences)
    };
    assert_eq!(value(), (1, 1));
    for _ in 0..1_000 {
        value();
    }
    let owned = if cfg!(target_os = "linux") { (0, 0) } else { (1, 1) };
    assert_eq!(value(), owned);
    let thread = std::thread::scope(|threads| threads.spawn(|| sender.try_send(2)).join());
    assert_eq!(thread.unwrap(), Ok(()));
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(cost(|| sender.try_send(3)), (1, 0), "the other thread has ended that");
}

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use futures::executor::block_on;
use loopwork_sync::condition::Waiting;
use loopwork_sync::{Condition, Lock, Mutex, RwLock, Wait};

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_with};

fn waiting<'a, T>(
    condition: &'a Condition,
    lock: &'a Lock<T>,
) -> Pin<Box<Wait<Waiting<'a, &'a Lock<T>>>>> {
    Box::pin(condition.wait(lock.try_lock().expect("nobody else has it")))
}

#[test]
fn g9_wait_unlocks_after_it_took_its_place_and_locks_again() {
    let (condition, lock) = (Condition::new(), Lock::new(1));
    let mut wait = waiting(&condition, &lock);
    assert!(lock.locked(), "until the first poll");
    assert!(poll(&mut wait).is_pending());
    assert!(!lock.locked());
    assert_eq!(format!("{condition:?}"), "Condition { waiters: 1 }");
    condition.notify(1);
    let Poll::Ready(guard) = poll(&mut wait) else { panic!("it was notified") };
    assert!(lock.locked());
    assert_eq!(*guard, 1);
}

#[test]
fn g9_a_wait_that_is_dropped_leaves_the_lock_released() {
    let (condition, lock) = (Condition::new(), Lock::new(()));
    drop(waiting(&condition, &lock));
    assert!(!lock.locked(), "before its first poll");
    let mut wait = waiting(&condition, &lock);
    assert!(poll(&mut wait).is_pending());
    drop(wait);
    assert!(!lock.locked(), "while it waits to be notified");
    assert_eq!(format!("{condition:?}"), "Condition { waiters: 0 }");
    let mut wait = waiting(&condition, &lock);
    assert!(poll(&mut wait).is_pending());
    let held = lock.try_lock();
    condition.notify(1);
    assert!(poll(&mut wait).is_pending());
    drop(wait);
    drop(held);
    assert!(!lock.locked(), "while it waits for the lock");
}

#[test]
fn g10_notify_wakes_so_many_in_the_order_they_came() {
    let (condition, lock) = (Condition::new(), Lock::new(()));
    let (mut counts, mut waits) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let (count, waker) = Count::new();
        let mut wait = waiting(&condition, &lock);
        assert!(poll_with(&mut wait, &waker).is_pending());
        counts.push(count);
        waits.push(wait);
    }
    let woken = || counts.iter().map(|count| count.get()).collect::<Vec<_>>();
    condition.notify(0);
    assert_eq!(woken(), [0, 0, 0, 0]);
    condition.notify(2);
    assert_eq!(woken(), [1, 1, 0, 0]);
    condition.notify(9);
    assert_eq!(woken(), [1, 1, 1, 1]);
}

#[test]
fn g10_who_was_notified_goes_on_once_the_notifier_unlocks() {
    let (condition, lock) = (Condition::new(), Lock::new(0));
    let mut wait = waiting(&condition, &lock);
    assert!(poll(&mut wait).is_pending());
    let mut held = lock.try_lock().unwrap();
    condition.notify(1);
    let (count, waker) = Count::new();
    assert!(poll_with(&mut wait, &waker).is_pending());
    *held = 1;
    assert_eq!(count.get(), 0);
    drop(held);
    assert_eq!(count.get(), 1);
    let Poll::Ready(guard) = poll(&mut wait) else { panic!("the lock was handed to it") };
    assert_eq!(*guard, 1);
}

#[test]
fn g11_a_notification_of_a_dropped_wait_goes_to_the_next() {
    for polled in [false, true] {
        let (condition, lock) = (Condition::new(), Lock::new(()));
        let mut a = waiting(&condition, &lock);
        assert!(poll(&mut a).is_pending());
        let mut b = waiting(&condition, &lock);
        let (count, waker) = Count::new();
        assert!(poll_with(&mut b, &waker).is_pending());
        let held = lock.try_lock().unwrap();
        condition.notify(1);
        if polled {
            assert!(poll(&mut a).is_pending(), "it waits for the lock");
        }
        assert_eq!(count.get(), 0);
        drop(a);
        assert_eq!(count.get(), 1);
        drop(held);
        assert!(poll(&mut b).is_ready());
    }
}

#[test]
fn g12_wait_for_looks_first_and_after_each_notification() {
    let (condition, lock) = (Condition::new(), Lock::new(0));
    let ready = block_on(condition.wait_for(lock.try_lock().unwrap(), |value| *value == 0));
    assert!(lock.locked());
    drop(ready);
    let looks = std::cell::Cell::new(0);
    let mut wait = pin!(condition.wait_for(lock.try_lock().unwrap(), |value| {
        looks.set(looks.get() + 1);
        *value == 2
    }));
    for value in 1..=2 {
        assert!(poll(&mut wait).is_pending());
        *lock.try_lock().unwrap() = value;
        condition.notify_all();
    }
    let Poll::Ready(guard) = poll(&mut wait) else { panic!("it is two") };
    assert_eq!(*guard, 2);
    drop(guard);
    assert_eq!(looks.get(), 3);
}

#[test]
fn g13_several_conditions_go_with_one_lock_and_a_condition_with_any_lock() {
    let (full, empty) = (Condition::new(), Condition::new());
    let lock = Lock::new(());
    let mut wait = waiting(&full, &lock);
    assert!(poll(&mut wait).is_pending());
    empty.notify_all();
    full.notify_all();
    assert!(poll(&mut wait).is_ready());

    let (mutex, rwlock) = (Arc::new(Mutex::new(1)), RwLock::new(2));
    let mut owned = Box::pin(full.wait(mutex.clone().try_lock_owned().unwrap()));
    let mut write = Box::pin(full.wait(rwlock.try_write().unwrap()));
    assert!(poll(&mut owned).is_pending() && poll(&mut write).is_pending());
    assert!(!mutex.locked() && rwlock.try_read().is_some());
    full.notify_all();
    let Poll::Ready(guard) = poll(&mut owned) else { panic!("the mutex is free") };
    assert_eq!(*guard, 1);
    let Poll::Ready(guard) = poll(&mut write) else { panic!("the lock is free") };
    assert_eq!(*guard, 2);
}

#[test]
#[should_panic(expected = "is not polled after it was ready")]
fn polled_after_it_was_ready_it_panics() {
    let (condition, lock) = (Condition::new(), Lock::new(()));
    let mut wait = waiting(&condition, &lock);
    assert!(poll(&mut wait).is_pending());
    condition.notify(1);
    drop(poll(&mut wait));
    let _ = poll(&mut wait);
}

#[test]
fn a_crowd_is_notified() {
    let (condition, lock) = (Condition::new(), Lock::new(0));
    let mut waits = Vec::new();
    for _ in 0..100 {
        let mut wait = waiting(&condition, &lock);
        assert!(poll(&mut wait).is_pending());
        waits.push(wait);
    }
    condition.notify_all();
    for wait in &mut waits {
        let Poll::Ready(mut guard) = poll(wait) else { panic!("it was notified") };
        *guard += 1;
    }
    assert_eq!(*lock.try_lock().unwrap(), 100);
}

/// A bounded buffer of two conditions: what is put is taken, by whoever, although some give up.
#[test]
fn g9_threads_that_wait_give_up_and_notify_lose_nothing() {
    for_threads(|threads| {
        let buffer = Lock::new(VecDeque::new());
        let (room, items) = (Condition::new(), Condition::new());
        in_threads(2 * threads, |thread| {
            for round in 0..ROUNDS {
                if round % 5 == 0 {
                    // It may take a notification with it, and has to pass it on.
                    let mut given_up = Box::pin(async {
                        let condition = if thread % 2 == 0 { &room } else { &items };
                        drop(condition.wait(buffer.lock().await).await);
                    });
                    let _ = poll(&mut given_up);
                    let _ = poll(&mut given_up);
                }
                let buffer = block_on(buffer.lock());
                if thread % 2 == 0 {
                    let has_room = |buffer: &mut VecDeque<_>| buffer.len() < 2;
                    block_on(room.wait_for(buffer, has_room)).push_back(round);
                    items.notify(1);
                } else {
                    let has_items = |buffer: &mut VecDeque<_>| !buffer.is_empty();
                    block_on(items.wait_for(buffer, has_items)).pop_front();
                    room.notify(1);
                }
            }
        });
        assert!(buffer.into_inner().is_empty());
        assert_eq!(format!("{room:?}{items:?}"), "Condition { waiters: 0 }".repeat(2));
    });
}

#[test]
fn it_is_small() {
    const WORD: usize = size_of::<usize>();
    assert_eq!(size_of::<Condition>(), 3 * WORD);
    assert_eq!(size_of::<Wait<Waiting<'_, &Lock<()>>>>(), 9 * WORD);
}

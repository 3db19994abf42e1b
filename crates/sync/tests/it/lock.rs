use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::executor::block_on;
use futures::future::join_all;
use loopwork_sync::{Guard, Lock};

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_with};

#[test]
fn g1_waiters_are_served_in_the_order_they_came() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let (mut a, mut b) = (Box::pin(lock.lock()), Box::pin(lock.lock()));
    assert!(poll(&mut a).is_pending());
    assert!(poll(&mut b).is_pending());
    drop(held);
    assert!(poll(&mut b).is_pending());
    let Poll::Ready(first) = poll(&mut a) else { panic!("a came first") };
    drop(first);
    assert!(poll(&mut b).is_ready());
}

#[test]
fn g1_a_newcomer_does_not_pass_those_who_wait() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let mut waiter = Box::pin(lock.lock());
    assert!(poll(&mut waiter).is_pending());
    drop(held);
    assert!(lock.try_lock().is_none());
    assert!(poll(&mut Box::pin(lock.lock())).is_pending());
    assert!(poll(&mut waiter).is_ready());
}

#[test]
fn g1_once_all_waiters_left_a_newcomer_gets_it_at_once() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let mut waiter = Box::pin(lock.lock());
    assert!(poll(&mut waiter).is_pending());
    drop(waiter);
    drop(held);
    assert!(poll(&mut Box::pin(lock.lock())).is_ready());
}

#[test]
fn g3_the_lock_stays_locked_while_it_is_handed_over() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let (count, waker) = Count::new();
    let mut waiter = Box::pin(lock.lock());
    assert!(poll_with(&mut waiter, &waker).is_pending());
    drop(held);
    assert_eq!(count.get(), 1);
    assert!(lock.locked());
    let guard = poll(&mut waiter);
    assert!(guard.is_ready() && lock.locked());
    drop(guard);
    assert!(!lock.locked());
}

#[test]
fn g4_a_waiter_dropped_after_the_hand_over_hands_it_on_to_exactly_one() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let ((_, first_waker), (second, second_waker), (third, third_waker)) =
        (Count::new(), Count::new(), Count::new());
    let (mut a, mut b, mut c) =
        (Box::pin(lock.lock()), Box::pin(lock.lock()), Box::pin(lock.lock()));
    assert!(poll_with(&mut a, &first_waker).is_pending());
    assert!(poll_with(&mut b, &second_waker).is_pending());
    assert!(poll_with(&mut c, &third_waker).is_pending());
    drop(held);
    drop(a);
    assert_eq!((second.get(), third.get()), (1, 0));
    assert!(poll(&mut b).is_ready());
}

#[test]
fn g4_a_waiter_dropped_before_the_unlock_is_skipped() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let (mut a, mut b) = (Box::pin(lock.lock()), Box::pin(lock.lock()));
    let (count, waker) = Count::new();
    assert!(poll(&mut a).is_pending());
    assert!(poll_with(&mut b, &waker).is_pending());
    drop(a);
    assert_eq!(count.get(), 0);
    drop(held);
    assert_eq!(count.get(), 1);
    assert!(poll(&mut b).is_ready());
}

#[test]
fn g4_the_last_waiter_dropped_after_the_hand_over_unlocks() {
    let lock = Lock::new(5);
    let held = lock.try_lock().unwrap();
    let mut waiter = Box::pin(lock.lock());
    assert!(poll(&mut waiter).is_pending());
    drop(held);
    drop(waiter);
    assert!(!lock.locked());
    assert_eq!(lock.into_inner(), 5);
}

#[test]
fn only_the_waker_of_the_last_poll_is_woken() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let ((old, old_waker), (new, new_waker)) = (Count::new(), Count::new());
    let mut waiter = Box::pin(lock.lock());
    assert!(poll_with(&mut waiter, &old_waker).is_pending());
    assert!(poll_with(&mut waiter, &new_waker).is_pending());
    assert_eq!(Arc::strong_count(&old), 2, "the replaced clone is gone");
    drop(held);
    assert_eq!((old.get(), new.get()), (0, 1));
}

#[test]
fn a_holder_that_panics_unlocks_and_leaves_the_value() {
    let lock = Lock::new(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        *lock.try_lock().unwrap() = 2;
        let _guard = lock.try_lock().unwrap();
        panic!("while holding");
    }));
    assert!(panicked.is_err());
    assert_eq!(*lock.try_lock().unwrap(), 2);
}

#[test]
fn unique_access_needs_no_lock_even_after_a_leak_of_a_granted_waiter() {
    let mut lock = Lock::new(1);
    *lock.get_mut() += 1;
    {
        let held = lock.try_lock().unwrap();
        let mut waiter = Box::pin(lock.lock());
        assert!(poll(&mut waiter).is_pending());
        drop(held);
        // The leak sanitizer finds it here, and is content.
        static LEAKED: AtomicUsize = AtomicUsize::new(0);
        LEAKED.store((&raw const *waiter).expose_provenance(), Ordering::Relaxed);
        std::mem::forget(waiter);
    }
    assert_eq!(*lock.get_mut(), 2);
}

#[test]
fn a_guard_of_a_part_holds_the_lock() {
    let lock = Lock::new((1, [2, 3]));
    let mut part = Guard::map(lock.try_lock().unwrap(), |value| &mut value.1);
    part[0] = 5;
    let mut part = loopwork_sync::MappedGuard::map(part, |array| &mut array[1]);
    *part += 1;
    assert_eq!(format!("{part:?} {part}"), "4 4");
    assert!(lock.locked());
    drop(part);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        drop(Guard::map(lock.try_lock().unwrap(), |_| -> &mut i32 { panic!("no part") }));
    }));
    assert!(panicked.is_err() && !lock.locked(), "a map that panics unlocks");
    assert_eq!(lock.into_inner(), (1, [5, 4]));
}

#[test]
fn a_lock_guards_what_has_no_size() {
    let lock: Arc<Lock<[u8]>> = Arc::new(Lock::new([1, 2, 3]));
    lock.try_lock().unwrap()[2] = 4;
    let guard = block_on(lock.clone().lock_owned());
    assert_eq!((&guard[..], Arc::strong_count(&lock)), (&[1, 2, 4][..], 2));
    assert!(lock.clone().try_lock_owned().is_none());
    drop(guard);
    assert_eq!(Arc::strong_count(&lock), 1);
    assert!(lock.try_lock_owned().is_some());
}

#[test]
fn an_owned_wait_that_is_dropped_hands_on_too() {
    let lock = Arc::new(Lock::new(()));
    let held = lock.try_lock().unwrap();
    let mut waiter = Box::pin(lock.clone().lock_owned());
    assert!(poll(&mut waiter).is_pending());
    drop(held);
    assert!(lock.locked());
    drop(waiter);
    assert!(!lock.locked());
}

#[test]
fn locks_and_their_waits_are_small() {
    const WORD: usize = size_of::<usize>();
    assert_eq!(size_of::<Lock<()>>(), 3 * WORD);
    assert_eq!(size_of::<loopwork_sync::LockGuard<'_, ()>>(), WORD);
    let lock = Lock::new(());
    assert_eq!(size_of_val(&lock.lock()), 7 * WORD);
}

#[test]
fn tasks_of_one_executor_count_together() {
    let lock = Lock::new(0);
    block_on(join_all((0..100).map(|_| async {
        let mut guard = lock.lock().await;
        let before = *guard;
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        *guard = before + 1;
    })));
    assert_eq!(lock.into_inner(), 100);
}

#[test]
fn threads_that_block_await_and_give_up_lose_no_count() {
    for_threads(|threads| {
        let lock = Lock::new(0);
        in_threads(threads, |thread| {
            for round in 0..ROUNDS {
                if round % 3 == 0 {
                    let mut given_up = Box::pin(lock.lock());
                    if let Poll::Ready(guard) = poll(&mut given_up) {
                        drop(guard);
                    }
                }
                let mut guard = match thread % 2 {
                    0 => lock.blocking_lock(),
                    _ => block_on(lock.lock()),
                };
                *guard += 1;
            }
        });
        assert_eq!(*lock.try_lock().expect("everybody unlocked"), threads * ROUNDS);
    });
}

#[test]
#[should_panic(expected = "`Lock::blocking_lock` would block a worker")]
fn blocking_on_a_worker_panics_and_names_the_call() {
    let _guard = loopwork_context::forbid_blocking();
    let _ = Lock::new(()).blocking_lock();
}

#[test]
fn debug_shows_who_waits() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let mut waiter = Box::pin(lock.lock());
    assert!(poll(&mut waiter).is_pending());
    assert_eq!(format!("{lock:?}"), "Lock { locked: true, waiters: 1 }");
    drop(held);
}

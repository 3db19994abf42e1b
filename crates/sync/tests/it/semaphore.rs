use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::executor::block_on;
use loopwork_sync::{BoundedSemaphore, Semaphore};

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_with};

#[test]
fn g14_waiters_are_served_in_the_order_they_came() {
    let semaphore = Semaphore::new(0);
    let mut waits: Vec<_> = (0..3).map(|_| Box::pin(semaphore.acquire())).collect();
    assert!(waits.iter_mut().all(|wait| poll(wait).is_pending()));
    semaphore.release(2);
    assert!(poll(&mut waits[2]).is_pending());
    for wait in &mut waits[..2] {
        let Poll::Ready(permit) = poll(wait) else { panic!("it was its turn") };
        permit.forget();
    }
}

#[test]
fn g14_locked_is_true_without_permits_and_while_others_wait() {
    let semaphore = Semaphore::new(1);
    assert!(!semaphore.locked());
    let held = semaphore.try_acquire().unwrap();
    assert!(semaphore.locked());
    drop(held);
    // Somebody wants two: the one that is free is set aside for it.
    let mut many = Box::pin(semaphore.acquire_many(2));
    assert!(poll(&mut many).is_pending());
    assert_eq!(semaphore.available_permits(), 1);
    assert!(semaphore.locked() && semaphore.try_acquire().is_none());
    drop(many);
    assert!(!semaphore.locked());
}

#[test]
fn g14_several_releases_wake_several_in_order() {
    let semaphore = Semaphore::new(0);
    let (mut counts, mut waits) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let (count, waker) = Count::new();
        let mut wait = Box::pin(semaphore.acquire());
        assert!(poll_with(&mut wait, &waker).is_pending());
        counts.push(count);
        waits.push(wait);
    }
    let woken = || counts.iter().map(|count| count.get()).collect::<Vec<_>>();
    semaphore.release(1);
    assert_eq!(woken(), [1, 0, 0, 0]);
    semaphore.release(2);
    assert_eq!(woken(), [1, 1, 1, 0]);
    drop(waits);
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn g14_a_permit_granted_to_a_dropped_waiter_goes_to_the_next() {
    let semaphore = Semaphore::new(1);
    let held = semaphore.try_acquire().unwrap();
    let (count, waker) = Count::new();
    let (mut a, mut b) = (Box::pin(semaphore.acquire()), Box::pin(semaphore.acquire()));
    assert!(poll(&mut a).is_pending() && poll_with(&mut b, &waker).is_pending());
    drop(held);
    drop(a);
    assert_eq!(count.get(), 1);
    assert!(poll(&mut b).is_ready());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn who_wants_many_is_not_passed_and_those_behind_are_served_when_it_leaves() {
    let semaphore = Semaphore::new(3);
    let (count, waker) = Count::new();
    let mut many = Box::pin(semaphore.acquire_many(5));
    let (mut few, mut more) = (Box::pin(semaphore.acquire_many(2)), Box::pin(semaphore.acquire()));
    assert!(poll(&mut many).is_pending());
    assert!(poll_with(&mut few, &waker).is_pending() && poll(&mut more).is_pending());
    semaphore.release(1);
    assert_eq!(count.get(), 0, "four are not five");
    drop(many);
    assert_eq!(count.get(), 1);
    let (few, more) = (poll(&mut few), poll(&mut more));
    assert!(few.is_ready() && more.is_ready());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn g15_a_bounded_semaphore_refuses_to_grow_and_an_ordinary_one_grows() {
    let bounded = BoundedSemaphore::new(2);
    assert!(bounded.release(1).is_err());
    bounded.try_acquire().unwrap().forget();
    assert!(bounded.release(2).is_err(), "all or none");
    assert_eq!(bounded.available_permits(), 1);
    bounded.release(1).unwrap();
    assert_eq!(bounded.available_permits(), 2);

    let ordinary = Semaphore::new(2);
    ordinary.release(3);
    assert_eq!(ordinary.available_permits(), 5);
}

#[test]
fn g15_the_bound_counts_what_was_granted_and_not_taken() {
    let bounded = BoundedSemaphore::new(1);
    let held = bounded.try_acquire().unwrap();
    let mut wait = Box::pin(bounded.acquire());
    assert!(poll(&mut wait).is_pending());
    held.forget();
    bounded.release(1).unwrap();
    assert!(bounded.release(0).is_ok());
    let Poll::Ready(permit) = poll(&mut wait) else { panic!("it was granted") };
    drop(permit);
    assert!(bounded.release(1).is_err());
}

#[test]
#[should_panic(expected = "that has 2 at the most")]
fn more_than_a_bounded_semaphore_ever_has_panics() {
    drop(BoundedSemaphore::new(2).acquire_many(3));
}

#[test]
fn more_permits_than_there_can_be_panic_and_change_nothing() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    let refused = catch_unwind(AssertUnwindSafe(|| semaphore.release(1)));
    assert!(refused.is_err());
    assert!(catch_unwind(|| Semaphore::new(Semaphore::MAX_PERMITS + 1)).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| semaphore.release(usize::MAX))).is_err());
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
    let all = semaphore.try_acquire_many(Semaphore::MAX_PERMITS).unwrap();
    let mut wait = Box::pin(semaphore.acquire());
    assert!(poll(&mut wait).is_pending());
    drop(all);
    assert!(poll(&mut wait).is_ready());
}

#[test]
fn permits_are_split_and_merged_and_forgotten() {
    let (semaphore, other) = (Semaphore::new(5), Semaphore::new(1));
    let mut permits = semaphore.try_acquire_many(5).unwrap();
    assert!(permits.split(6).is_none());
    assert_eq!(permits.permits(), 5);
    let part = permits.split(2).unwrap();
    drop(part);
    assert_eq!(semaphore.available_permits(), 2);
    permits.merge(semaphore.try_acquire().unwrap());
    assert_eq!(permits.permits(), 4);
    let mixed = catch_unwind(AssertUnwindSafe(|| permits.merge(other.try_acquire().unwrap())));
    assert!(mixed.is_err());
    assert_eq!(other.available_permits(), 1, "what was not merged goes back");
    permits.forget();
    assert_eq!(semaphore.forget_permits(9), 1);
    assert_eq!(semaphore.available_permits(), 0);
}

#[test]
fn owned_permits_keep_the_semaphore_alive() {
    let semaphore = Arc::new(Semaphore::new(3));
    let one = semaphore.clone().try_acquire_owned().unwrap();
    let two = block_on(semaphore.clone().acquire_many_owned(2));
    assert!(semaphore.clone().try_acquire_owned().is_none());
    let mut wait = Box::pin(semaphore.clone().acquire_owned());
    assert!(poll(&mut wait).is_pending());
    drop(one);
    drop(wait);
    assert_eq!((semaphore.available_permits(), Arc::strong_count(&semaphore)), (1, 2));
    drop(two);
    assert_eq!(semaphore.available_permits(), 3);
}

/// More than fit into one batch of wake-ups.
#[test]
fn a_crowd_is_woken_in_order() {
    let semaphore = Semaphore::new(0);
    let mut waits = Vec::new();
    for _ in 0..100 {
        let (count, waker) = Count::new();
        let mut wait = Box::pin(semaphore.acquire());
        assert!(poll_with(&mut wait, &waker).is_pending());
        waits.push((count, wait));
    }
    semaphore.release(70);
    for (n, (count, _)) in waits.iter().enumerate() {
        assert_eq!(count.get(), usize::from(n < 70));
    }
    assert_eq!(format!("{semaphore:?}"), "Semaphore { available: 0, waiters: 30 }");
    drop(waits);
    assert_eq!(format!("{semaphore:?}"), "Semaphore { available: 70, waiters: 0 }");
}

#[test]
fn g14_no_more_than_the_permits_are_inside_and_none_is_lost() {
    for_threads(|threads| {
        let (semaphore, inside) = (Semaphore::new(3), AtomicUsize::new(0));
        in_threads(threads, |thread| {
            for round in 0..ROUNDS {
                let wanted = 1 + (thread + round) % 3;
                if round % 4 == 0 {
                    let _ = poll(&mut Box::pin(semaphore.acquire_many(wanted)));
                }
                let permits = match round % 3 {
                    0 => semaphore.try_acquire_many(wanted),
                    _ => Some(block_on(semaphore.acquire_many(wanted))),
                };
                if permits.is_some() {
                    assert!(inside.fetch_add(wanted, Ordering::SeqCst) + wanted <= 3);
                    inside.fetch_sub(wanted, Ordering::SeqCst);
                }
            }
        });
        assert_eq!((semaphore.available_permits(), semaphore.locked()), (3, false));
    });
}

#[test]
#[should_panic(expected = "`Semaphore::blocking_acquire` would block a worker")]
fn blocking_on_a_worker_panics_and_names_the_call() {
    let _guard = loopwork_context::forbid_blocking();
    let _ = Semaphore::new(1).blocking_acquire();
}

#[test]
fn semaphores_and_their_waits_are_small() {
    const WORD: usize = size_of::<usize>();
    assert_eq!(size_of::<Semaphore>(), 3 * WORD);
    assert_eq!(size_of::<BoundedSemaphore>(), 4 * WORD);
    let semaphore = Semaphore::new(1);
    assert_eq!(size_of_val(&semaphore.try_acquire()), 2 * WORD);
    assert_eq!(size_of_val(&semaphore.acquire()), 8 * WORD);
}

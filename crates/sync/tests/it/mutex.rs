use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures::executor::block_on;
use loopwork_sync::{Mutex, MutexGuard, Wait};
use proptest::prelude::*;

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_with};

#[test]
fn an_unlock_wakes_the_first_and_the_lock_is_free_until_it_looks() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let ((first, waker), (second, other)) = (Count::new(), Count::new());
    let (mut a, mut b) = (Box::pin(mutex.lock()), Box::pin(mutex.lock()));
    assert!(poll_with(&mut a, &waker).is_pending() && poll_with(&mut b, &other).is_pending());
    drop(held);
    assert_eq!((first.get(), second.get()), (1, 0));
    assert!(!mutex.locked());
    drop(mutex.try_lock().expect("a newcomer passes"));
    assert_eq!((first.get(), second.get()), (1, 0), "one that was woken is enough");
    let Poll::Ready(held) = poll(&mut a) else { panic!("the lock is free") };
    drop(held);
    assert_eq!(second.get(), 1);
}

#[test]
fn who_was_passed_keeps_its_place_in_front() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let (mut a, mut b) = (Box::pin(mutex.lock()), Box::pin(mutex.lock()));
    assert!(poll(&mut a).is_pending() && poll(&mut b).is_pending());
    drop(held);
    let held = mutex.try_lock().unwrap();
    let ((first, waker), (second, other)) = (Count::new(), Count::new());
    assert!(poll_with(&mut a, &waker).is_pending() && poll_with(&mut b, &other).is_pending());
    drop(held);
    assert_eq!((first.get(), second.get()), (1, 0));
}

#[test]
fn who_is_first_is_passed_so_often_and_no_oftener() {
    for looks in [false, true] {
        let mutex = Mutex::new(());
        let held = mutex.try_lock().unwrap();
        let mut waiter = Box::pin(mutex.lock());
        assert!(poll(&mut waiter).is_pending());
        drop(held);
        let mut passes = 0;
        while let Some(held) = mutex.try_lock() {
            passes += 1;
            if looks {
                assert!(poll(&mut waiter).is_pending());
            }
            drop(held);
        }
        assert_eq!(passes, Mutex::PASSES);
        assert!(!mutex.locked());
        let mut newcomer = Box::pin(mutex.lock());
        assert!(poll(&mut newcomer).is_pending(), "the door is closed");
        let Poll::Ready(held) = poll(&mut waiter) else { panic!("it is its turn") };
        drop(held);
        assert!(mutex.try_lock().is_some(), "and open again");
        assert!(poll(&mut newcomer).is_ready());
    }
}

#[test]
fn who_is_first_of_many_is_passed_less_often() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let (mut a, mut b) = (Box::pin(mutex.lock()), Box::pin(mutex.lock()));
    assert!(poll(&mut a).is_pending() && poll(&mut b).is_pending());
    drop(held);
    let pass = || std::iter::from_fn(|| mutex.try_lock()).count();
    assert_eq!(pass(), Mutex::PASSES_OF_MANY);
    drop(poll(&mut a));
    assert_eq!(pass(), Mutex::PASSES, "nobody is behind the second");
    assert!(poll(&mut b).is_ready());
}

#[test]
fn a_closed_door_opens_when_all_who_waited_have_left() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let (mut a, mut b) = (Box::pin(mutex.lock()), Box::pin(mutex.lock()));
    assert!(poll(&mut a).is_pending() && poll(&mut b).is_pending());
    drop(held);
    let pass = || std::iter::from_fn(|| mutex.try_lock()).count();
    let passes = pass();
    drop(a);
    assert_eq!(passes + pass(), Mutex::PASSES, "the next is first now, and was passed too");
    drop(b);
    assert!(mutex.try_lock().is_some());
}

#[test]
fn passes_of_those_who_left_do_not_count() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let mut gone = Box::pin(mutex.lock());
    assert!(poll(&mut gone).is_pending());
    drop(held);
    let held = mutex.try_lock().expect("one pass");
    drop(gone);
    let mut waiter = Box::pin(mutex.lock());
    assert!(poll(&mut waiter).is_pending());
    drop(held);
    for _ in 0..Mutex::PASSES {
        drop(mutex.try_lock().unwrap());
    }
    assert!(mutex.try_lock().is_none());
}

#[test]
fn who_was_woken_and_is_dropped_wakes_the_next() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let (count, waker) = Count::new();
    let (mut a, mut b) = (Box::pin(mutex.lock()), Box::pin(mutex.lock()));
    assert!(poll(&mut a).is_pending() && poll_with(&mut b, &waker).is_pending());
    drop(held);
    drop(a);
    assert_eq!(count.get(), 1);
    // With the lock held by somebody, that one wakes the next.
    let held = mutex.try_lock().unwrap();
    drop(b);
    let (count, waker) = Count::new();
    let mut c = Box::pin(mutex.lock());
    assert!(poll_with(&mut c, &waker).is_pending());
    drop(held);
    assert_eq!(count.get(), 1);
    assert_eq!(format!("{mutex:?}"), "Mutex { locked: false, waiters: 1 }");
    drop(c);
    assert_eq!(format!("{mutex:?}"), "Mutex { locked: false, waiters: 0 }");
}

#[test]
fn a_holder_that_panics_unlocks_and_leaves_the_value() {
    let mutex = Mutex::new(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        *mutex.try_lock().unwrap() = 2;
        let _guard = mutex.try_lock().unwrap();
        panic!("while holding");
    }));
    assert!(panicked.is_err());
    assert_eq!(mutex.into_inner(), 2);
}

#[test]
fn owned_guards_keep_the_mutex_alive() {
    let mutex: Arc<Mutex<[i32]>> = Arc::new(Mutex::new([1, 2]));
    let mut guard = block_on(mutex.clone().lock_owned());
    guard[0] += 1;
    assert!(mutex.clone().try_lock_owned().is_none());
    let mut waiter = Box::pin(mutex.clone().lock_owned());
    assert!(poll(&mut waiter).is_pending());
    drop(guard);
    drop(waiter);
    assert_eq!(Arc::strong_count(&mutex), 1);
    assert_eq!(mutex.try_lock_owned().unwrap()[0], 2);
}

#[test]
fn threads_that_block_await_and_give_up_lose_no_count() {
    for_threads(|threads| {
        let mutex = Mutex::new(0);
        in_threads(threads, |thread| {
            for round in 0..ROUNDS {
                if round % 3 == 0 {
                    drop(poll(&mut Box::pin(mutex.lock())));
                }
                let mut guard = match (thread + round) % 4 {
                    0 => mutex.blocking_lock(),
                    _ => block_on(mutex.lock()),
                };
                *guard += 1;
            }
        });
        assert_eq!(format!("{mutex:?}"), "Mutex { locked: false, waiters: 0 }");
        assert_eq!(mutex.into_inner(), threads * ROUNDS);
    });
}

#[test]
#[should_panic(expected = "`Mutex::blocking_lock` would block a worker")]
fn blocking_on_a_worker_panics_and_names_the_call() {
    let _guard = loopwork_context::forbid_blocking();
    let _ = Mutex::new(()).blocking_lock();
}

#[test]
fn mutexes_and_their_waits_are_small() {
    const WORD: usize = size_of::<usize>();
    assert_eq!(size_of::<Mutex<()>>(), 3 * WORD);
    assert_eq!(size_of::<MutexGuard<'_, ()>>(), WORD);
    let mutex = Mutex::new(());
    assert_eq!(size_of_val(&mutex.lock()), 7 * WORD);
}

/// How often the first of so many may be passed.
fn most_passes(waiting: usize) -> usize {
    match waiting {
        0 => usize::MAX,
        1 => Mutex::PASSES,
        _ => Mutex::PASSES_OF_MANY,
    }
}

struct Waiting<'a> {
    count: Arc<Count>,
    /// What the count was when it was polled last.
    seen: usize,
    wait: Pin<Box<Wait<&'a Mutex<()>>>>,
}

proptest! {
    /// At most one holds it; with the lock free and somebody waiting, one was woken and has not
    /// looked; nobody is passed more often than it says.
    #[test]
    fn any_sequence_of_calls_keeps_the_promises(
        calls in prop::collection::vec((0_u8..10, any::<usize>()), 0..400),
    ) {
        let mutex = Mutex::new(());
        let mut waits: Vec<Waiting<'_>> = Vec::new();
        let mut held: Option<MutexGuard<'_, ()>> = None;
        let mut passes = 0;
        for (kind, n) in calls {
            match kind {
                0..=2 => held = None,
                3..=6 => {
                    let locked = mutex.try_lock();
                    let open = passes < most_passes(waits.len());
                    prop_assert_eq!(locked.is_some(), held.is_none() && open);
                    if locked.is_some() {
                        passes = if waits.is_empty() { 0 } else { passes + 1 };
                        held = locked;
                    }
                }
                7 if waits.len() < 6 => {
                    let (count, waker) = Count::new();
                    let mut wait = Box::pin(mutex.lock());
                    let polled = poll_with(&mut wait, &waker);
                    let open = passes < most_passes(waits.len());
                    prop_assert_eq!(polled.is_ready(), held.is_none() && open);
                    match polled {
                        Poll::Ready(guard) => {
                            passes = if waits.is_empty() { 0 } else { passes + 1 };
                            held = Some(guard);
                        }
                        Poll::Pending => waits.push(Waiting { count, seen: 0, wait }),
                    }
                }
                8 if !waits.is_empty() => {
                    let n = n % waits.len();
                    let waiting = &mut waits[n];
                    let woken = waiting.count.get() > waiting.seen;
                    waiting.seen = waiting.count.get();
                    let polled = poll_with(&mut waiting.wait, &waiting.count.clone().into());
                    prop_assert_eq!(polled.is_ready(), held.is_none() && woken);
                    if let Poll::Ready(guard) = polled {
                        passes = 0;
                        held = Some(guard);
                        waits.remove(n);
                    }
                }
                9 if !waits.is_empty() && n % 3 == 0 => drop(waits.remove(n % waits.len())),
                _ => {}
            }
            prop_assert_eq!(mutex.locked(), held.is_some());
            if waits.is_empty() {
                passes = 0;
            }
            let woken = waits.iter().filter(|waiting| waiting.count.get() > waiting.seen).count();
            prop_assert!(woken <= 1);
            prop_assert!(held.is_some() || waits.is_empty() || woken == 1, "nobody is on the way");
        }
    }
}

use std::pin::Pin;
use std::sync::{Arc, Barrier};
use std::thread;

use futures::executor::block_on;
use loopwork_shim::sync::Mutex;
use loopwork_sync::{Event, Wait};

use crate::{Count, poll, poll_with};

#[test]
fn g6_set_wakes_all_who_wait_even_if_clear_follows_at_once() {
    let event = Event::new();
    let (count, waker) = Count::new();
    let mut waits: Vec<_> = (0..3).map(|_| Box::pin(event.wait())).collect();
    for wait in &mut waits {
        assert!(poll_with(wait, &waker).is_pending());
    }
    event.set();
    event.clear();
    assert_eq!(count.get(), 3);
    assert!(!event.is_set());
    assert!(waits.iter_mut().all(|wait| poll(wait).is_ready()));
    assert!(poll(&mut Box::pin(event.wait())).is_pending(), "who comes later waits");
}

#[test]
fn g6_set_is_idempotent() {
    let event = Event::new();
    event.set();
    event.set();
    assert!(event.is_set());
    assert!(poll(&mut Box::pin(event.wait())).is_ready());
    event.clear();
    assert!(poll(&mut Box::pin(event.wait())).is_pending());
}

#[test]
fn g7_a_dropped_wait_is_not_woken_and_keeps_no_waker() {
    let event = Event::new();
    let (count, waker) = Count::new();
    let mut wait = Box::pin(event.wait());
    assert!(poll_with(&mut wait, &waker).is_pending());
    assert_eq!(Arc::strong_count(&count), 3);
    drop(wait);
    assert_eq!(Arc::strong_count(&count), 2);
    event.set();
    assert_eq!(count.get(), 0);
}

#[test]
fn a_wait_dropped_after_it_was_woken_leaves_nothing_behind() {
    let event = Event::new();
    let mut wait = Box::pin(event.wait());
    assert!(poll(&mut wait).is_pending());
    event.set();
    drop(wait);
    event.clear();
    assert!(poll(&mut Box::pin(event.wait())).is_pending());
    assert_eq!(format!("{event:?}"), "Event { set: false, waiters: 0 }");
}

#[test]
fn wakers_are_woken_in_the_order_they_came() {
    struct Log(usize, std::sync::mpsc::Sender<usize>);
    impl std::task::Wake for Log {
        fn wake(self: Arc<Self>) {
            self.1.send(self.0).unwrap();
        }
    }
    let event = Event::new();
    let (sender, order) = std::sync::mpsc::channel();
    let mut waits: Vec<_> = (0..5).map(|_| Box::pin(event.wait())).collect();
    for (place, wait) in waits.iter_mut().enumerate() {
        let waker = Arc::new(Log(place, sender.clone())).into();
        assert!(poll_with(wait, &waker).is_pending());
    }
    event.set();
    drop((waits, sender));
    assert_eq!(order.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_asleep() {
    struct Bad;
    impl std::task::Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("a bad waker");
        }
    }
    let event = Event::new();
    let (count, waker) = Count::new();
    let (mut first, mut second) = (Box::pin(event.wait()), Box::pin(event.wait()));
    assert!(poll_with(&mut first, &Arc::new(Bad).into()).is_pending());
    assert!(poll_with(&mut second, &waker).is_pending());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event.set()));
    assert!(panicked.is_err());
    assert_eq!(count.get(), 1);
}

/// More than fit into one batch of wake-ups; and the first of them panics.
#[test]
fn a_crowd_gets_through_also_behind_a_waker_that_panics() {
    struct Bad;
    impl std::task::Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("a bad waker");
        }
    }
    let event = Event::new();
    let (count, waker) = Count::new();
    let mut waits: Vec<_> = (0..100).map(|_| Box::pin(event.wait())).collect();
    assert!(poll_with(&mut waits[0], &Arc::new(Bad).into()).is_pending());
    for wait in &mut waits[1..] {
        assert!(poll_with(wait, &waker).is_pending());
    }
    assert_eq!(format!("{event:?}"), "Event { set: false, waiters: 100 }");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event.set()));
    assert!(panicked.is_err());
    assert_eq!(count.get(), 99);
    assert!(waits.iter_mut().all(|wait| poll(wait).is_ready()));
}

/// Who comes while a crowd is being woken, after a `clear`, belongs to the next `set`.
#[test]
fn g6_who_comes_after_the_clear_waits_also_while_the_crowd_is_woken() {
    type Waits = Vec<Pin<Box<Wait<&'static Event>>>>;
    struct Comes(&'static Event, Mutex<Waits>);
    impl std::task::Wake for Comes {
        fn wake(self: Arc<Self>) {
            self.0.clear();
            let mut wait = Box::pin(self.0.wait());
            assert!(poll(&mut wait).is_pending());
            self.1.lock().push(wait);
        }
    }
    static EVENT: Event = Event::new();
    let comes = Arc::new(Comes(&EVENT, Mutex::default()));
    let mut waits: Vec<_> = (0..70).map(|_| Box::pin(EVENT.wait())).collect();
    for wait in &mut waits {
        assert!(poll_with(wait, &comes.clone().into()).is_pending());
    }
    EVENT.set();
    assert!(waits.iter_mut().all(|wait| poll(wait).is_ready()));
    let mut newcomers = std::mem::take(&mut *comes.1.lock());
    assert_eq!(newcomers.len(), 70);
    assert!(newcomers.iter_mut().all(|wait| poll(wait).is_pending()));
    EVENT.set();
    assert!(newcomers.iter_mut().all(|wait| poll(wait).is_ready()));
}

#[test]
fn an_event_and_its_wait_are_small() {
    const WORD: usize = size_of::<usize>();
    assert_eq!(size_of::<Event>(), 3 * WORD);
    assert_eq!(size_of::<Wait<&Event>>(), 7 * WORD);
}

#[test]
fn each_round_lets_every_thread_through_once() {
    const ROUNDS: usize = 500;
    let (event, barrier) = (Event::new(), Barrier::new(4));
    let passed: usize = thread::scope(|threads| {
        let waiters: Vec<_> = (0..3)
            .map(|kind| {
                let (event, barrier) = (&event, &barrier);
                threads.spawn(move || {
                    for _ in 0..ROUNDS {
                        match kind {
                            0 => event.blocking_wait(),
                            _ => block_on(event.wait()),
                        }
                        barrier.wait();
                        barrier.wait();
                    }
                    ROUNDS
                })
            })
            .collect();
        for _ in 0..ROUNDS {
            event.set();
            barrier.wait();
            event.clear();
            barrier.wait();
        }
        waiters.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 3 * ROUNDS);
}

//! The protocol between the thread that waits for a deadline and those that insert.

#![cfg(not(loopwork_loom))]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};

use loopwork_time::{Clock, Timers, sleep_until};
use support::{Fixture, at, poll};

fn counted(timers: &Timers) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let hook = calls.clone();
    timers.on_earlier(Box::new(move || {
        hook.fetch_add(1, Ordering::SeqCst);
    }));
    calls
}

#[test]
fn the_hook_is_called_once_when_an_insertion_breaks_the_promise() {
    let fixture = Fixture::outside();
    let calls = counted(&fixture.timers);
    let mut sleeps: Vec<_> = [50, 60, 40, 30].map(|nanos| sleep_until(at(nanos))).into();

    assert!(poll(&mut sleeps[0], Waker::noop()).is_pending());
    assert_eq!(calls.load(Ordering::SeqCst), 0, "nobody waits yet");

    assert_eq!(fixture.timers.next_deadline(), Some(at(50)));
    assert!(poll(&mut sleeps[1], Waker::noop()).is_pending());
    assert_eq!(calls.load(Ordering::SeqCst), 0, "later than promised");
    assert!(poll(&mut sleeps[2], Waker::noop()).is_pending());
    assert_eq!(calls.load(Ordering::SeqCst), 1, "earlier than promised");
    assert!(poll(&mut sleeps[3], Waker::noop()).is_pending());
    assert_eq!(calls.load(Ordering::SeqCst), 1, "the waiter has been told");
    assert_eq!(fixture.timers.next_deadline(), Some(at(30)));
}

#[test]
fn a_waiter_with_nothing_to_wait_for_hears_of_any_insertion() {
    let fixture = Fixture::outside();
    let calls = counted(&fixture.timers);
    assert_eq!(fixture.timers.next_deadline(), None);
    let mut nap = sleep_until(at(1));
    assert!(poll(&mut nap, Waker::noop()).is_pending());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_waiter_that_is_awake_is_not_told() {
    let fixture = Fixture::outside();
    let calls = counted(&fixture.timers);
    assert_eq!(fixture.timers.next_deadline(), None);
    fixture.timers.waiter_awake();
    let mut nap = sleep_until(at(1));
    assert!(poll(&mut nap, Waker::noop()).is_pending());
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

/// The timers of a worker that is awake are its own affair.
#[test]
fn a_worker_tells_the_waiter_when_it_rests() {
    let fixture = Fixture::worker();
    let calls = counted(&fixture.timers);
    let told = || calls.load(Ordering::SeqCst);
    std::thread::scope(|scope| {
        let waits = || scope.spawn(|| fixture.timers.next_deadline()).join().unwrap();
        assert_eq!(waits(), None);
        let mut nap = sleep_until(at(9));
        assert!(poll(&mut nap, Waker::noop()).is_pending());
        assert_eq!((told(), waits()), (0, None));
        fixture.timers.rest(0);
        assert_eq!((told(), waits()), (1, Some(at(9))));
        fixture.timers.resume(0);
        assert_eq!((told(), waits()), (1, None));
        fixture.timers.rest(0);
        assert_eq!(told(), 2);
        assert_eq!(waits(), Some(at(9)));
        // At rest it is as any other thread.
        let mut earlier = sleep_until(at(3));
        assert!(poll(&mut earlier, Waker::noop()).is_pending());
        assert_eq!((told(), waits()), (3, Some(at(3))));
        fixture.timers.resume(0);
    });
}

#[test]
fn another_threads_advance_does_not_withdraw_the_promise() {
    let fixture = Fixture::outside();
    let calls = counted(&fixture.timers);
    assert_eq!(fixture.timers.next_deadline(), None);
    fixture.advance(5);
    let mut nap = sleep_until(at(9));
    assert!(poll(&mut nap, Waker::noop()).is_pending());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn the_hook_and_the_wakers_run_under_no_lock() {
    let fixture = Fixture::outside();
    let timers = fixture.timers.clone();
    fixture.timers.on_earlier(Box::new(move || assert!(timers.next_deadline().is_some())));
    assert_eq!(fixture.timers.next_deadline(), None);

    /// Drops a sleep of the same timers when it is dropped.
    struct Owner(#[expect(dead_code, reason = "it is there to be dropped")] loopwork_time::Sleep);
    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }
    let owner = || {
        let mut owned = sleep_until(at(90));
        assert!(poll(&mut owned, Waker::noop()).is_pending());
        Waker::from(Arc::new(Owner(owned)))
    };

    let mut nap = sleep_until(at(10));
    assert!(poll(&mut nap, &owner()).is_pending());
    assert!(poll(&mut nap, &owner()).is_pending());
    assert_eq!(fixture.timers.len(), 2, "replacing a waker dropped what it owned");
    drop(nap);
    assert_eq!(fixture.timers.len(), 0, "removing a waker dropped what it owned");

    let mut nap = sleep_until(at(10));
    assert!(poll(&mut nap, &owner()).is_pending());
    fixture.timers.close();
    assert_eq!(fixture.timers.len(), 1, "closing dropped what the waker owned");
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The waiter parks without a time-out, so a lost wake-up hangs the test.
#[test]
fn no_insertion_is_lost_on_a_parked_waiter() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 500;

    let timers = Timers::new(Clock::virtual_time(), 1);
    let stop = Arc::new(AtomicBool::new(false));
    let waiter = thread::spawn({
        let (timers, stop) = (timers.clone(), stop.clone());
        move || {
            let mut due = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                if timers.next_deadline().is_none() {
                    thread::park();
                }
                timers.waiter_awake();
                timers.advance(timers.now(), &mut due);
                due.drain(..).for_each(|due| due.waker.wake());
            }
        }
    });
    let driver = waiter.thread().clone();
    timers.on_earlier(Box::new(move || driver.unpark()));

    let inserters: Vec<_> = (0..THREADS)
        .map(|_| {
            let timers = timers.clone();
            thread::spawn(move || {
                let _entered = timers.enter();
                let waker = Waker::from(Arc::new(Unpark(thread::current())));
                for _ in 0..ROUNDS {
                    let mut nap = sleep_until(at(0));
                    while poll(&mut nap, &waker).is_pending() {
                        thread::park();
                    }
                }
            })
        })
        .collect();
    inserters.into_iter().for_each(|inserter| inserter.join().unwrap());
    stop.store(true, Ordering::SeqCst);
    waiter.thread().unpark();
    waiter.join().unwrap();
    assert!(timers.is_empty());
}

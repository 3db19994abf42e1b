//! How often the system is called: counted by the reactor, so only where it has a way of its own.

#![cfg(all(any(target_os = "linux", target_os = "android"), not(loopwork_loom)))]

mod support;

use std::net::{Ipv4Addr, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use loopwork_io::{Reactor, TcpListener, TcpStream};
use support::Runner;

const LONG: Option<Duration> = Some(Duration::from_secs(60));

#[test]
fn a_turn_is_one_call() {
    let mut reactor = Reactor::new().unwrap();
    for _ in 0..10 {
        reactor.turn(Some(Duration::ZERO)).unwrap();
    }
    for _ in 0..10 {
        reactor.turn(Some(Duration::from_millis(1))).unwrap();
    }
    let calls = reactor.calls();
    assert_eq!((calls.waits, calls.timers, calls.wakes), (20, 0, 0));
}

#[test]
fn a_wait_in_nanoseconds_sets_the_timer_and_is_not_short() {
    let mut reactor = Reactor::new().unwrap();
    for turn in 1..=10 {
        let begun = Instant::now();
        let timeout = Duration::from_nanos(300_001);
        reactor.turn(Some(timeout)).unwrap();
        assert!(begun.elapsed() >= timeout);
        let calls = reactor.calls();
        assert_eq!((calls.waits, calls.timers, calls.wakes), (turn, turn, 0));
    }
}

#[test]
fn a_deadline_that_moves_back_does_not_set_the_timer_again() {
    let mut reactor = Reactor::new().unwrap();
    let unparker = reactor.unparker();
    for more in 0..10 {
        unparker.unpark();
        reactor.turn(Some(Duration::from_nanos(60_000_000_001 + more * 1_000_001))).unwrap();
    }
    assert_eq!(reactor.calls().timers, 0, "none of these turns waits");
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let thread = thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
            unparker.unpark();
        }
    });
    while reactor.calls().wakes < 5 {
        let more = reactor.calls().waits * 1_000_001;
        reactor.turn(Some(Duration::from_nanos(60_000_000_001 + more))).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    assert_eq!(reactor.calls().timers, 1);
    thread.join().unwrap();
}

#[test]
fn unparks_before_a_turn_are_no_call_and_end_one_turn() {
    let mut reactor = Reactor::new().unwrap();
    let unparker = reactor.unparker();
    for _ in 0..100 {
        unparker.unpark();
    }
    assert_eq!(reactor.calls().wakes, 0);
    assert_eq!(reactor.turn(LONG).unwrap(), 0);
    // It was taken: this one waits until its time is up.
    let begun = Instant::now();
    reactor.turn(Some(Duration::from_millis(3))).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(3));
    // A turn that only looks takes it, too.
    unparker.unpark();
    reactor.turn(Some(Duration::ZERO)).unwrap();
    let begun = Instant::now();
    reactor.turn(Some(Duration::from_millis(3))).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(3));
    assert_eq!((reactor.calls().waits, reactor.calls().wakes), (4, 0));
}

#[test]
fn unparks_of_a_turn_that_blocks_are_one_call() {
    let mut reactor = Reactor::new().unwrap();
    for round in 1..=20 {
        let unparker = reactor.unparker();
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(2));
            unparker.unpark();
        });
        let before = reactor.calls().wakes;
        reactor.turn(LONG).unwrap();
        thread.join().unwrap();
        assert!(reactor.calls().wakes <= before + 1);
        assert_eq!(reactor.calls().waits, round);
    }
    assert!(reactor.calls().wakes > 0);
}

/// Each thread asks, unparks, and waits for the answer: a lost unpark hangs the test.
#[test]
fn no_unpark_of_many_threads_is_lost() {
    const THREADS: usize = 4;
    const ROUNDS: usize = if cfg!(debug_assertions) { 2_500 } else { 25_000 };

    let mut reactor = Reactor::new().unwrap();
    let asked: Arc<[AtomicUsize; THREADS]> = Arc::default();
    let answered: Arc<[AtomicUsize; THREADS]> = Arc::default();
    let threads: Vec<_> = (0..THREADS)
        .map(|me| {
            let (asked, answered) = (asked.clone(), answered.clone());
            let unparker = reactor.unparker();
            thread::spawn(move || {
                for round in 1..=ROUNDS {
                    asked[me].store(round, Ordering::Relaxed);
                    unparker.unpark();
                    while answered[me].load(Ordering::Acquire) != round {
                        thread::park();
                    }
                }
            })
        })
        .collect();
    let mut done = [0; THREADS];
    while done != [ROUNDS; THREADS] {
        reactor.turn(None).unwrap();
        for (me, done) in done.iter_mut().enumerate() {
            let round = asked[me].load(Ordering::Relaxed);
            if round != *done {
                *done = round;
                answered[me].store(round, Ordering::Release);
                threads[me].thread().unpark();
            }
        }
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let calls = reactor.calls();
    assert!(calls.wakes <= calls.waits, "{calls:?}: at most one for each turn");
}

#[test]
fn more_events_than_a_turn_takes_are_left_for_the_next() {
    const STREAMS: usize = 150;
    let mut runner = Runner::new(Reactor::new().unwrap());
    let streams = runner.run(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            streams.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
            streams.push(listener.accept().await.unwrap().0);
        }
        streams
    });
    while runner.reactor.turn(Some(Duration::ZERO)).unwrap() > 0 {}
    for stream in &streams {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    let mut ready = 0;
    while ready < 2 * STREAMS {
        let now = runner.reactor.turn(Some(Duration::ZERO)).unwrap();
        assert_ne!(now, 0, "{ready} were ready");
        ready += now;
    }
}

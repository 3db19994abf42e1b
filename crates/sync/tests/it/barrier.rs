use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::executor::block_on;
use loopwork_sync::{Barrier, BrokenBarrier, Wait};

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_with};

#[test]
#[should_panic(expected = "at least one party")]
fn g16_a_barrier_of_nobody_panics() {
    let _ = Barrier::new(0);
}

#[test]
fn g16_each_gets_an_index_of_its_own_in_the_order_they_came() {
    let barrier = Barrier::new(3);
    for _ in 0..2 {
        let mut waits: Vec<_> = (0..3).map(|_| Box::pin(barrier.wait())).collect();
        assert!(poll(&mut waits[1]).is_pending() && poll(&mut waits[0]).is_pending());
        assert_eq!(barrier.n_waiting(), 2);
        assert_eq!(poll(&mut waits[2]), Poll::Ready(Ok(2)));
        assert_eq!(barrier.n_waiting(), 0);
        assert_eq!(poll(&mut waits[0]), Poll::Ready(Ok(1)));
        assert_eq!(poll(&mut waits[1]), Poll::Ready(Ok(0)));
    }
}

#[test]
fn g16_newcomers_are_of_the_next_round_while_others_go_through() {
    let barrier = Barrier::new(2);
    let (mut a, mut b) = (Box::pin(barrier.wait()), Box::pin(barrier.wait()));
    assert!(poll(&mut a).is_pending());
    assert_eq!(poll(&mut b), Poll::Ready(Ok(1)));
    let mut newcomer = Box::pin(barrier.wait());
    assert!(poll(&mut newcomer).is_pending());
    assert_eq!(poll(&mut a), Poll::Ready(Ok(0)));
    assert!(poll(&mut newcomer).is_pending());
    assert_eq!(barrier.n_waiting(), 1);
}

#[test]
fn g16_one_who_leaves_is_one_less_and_breaks_nothing() {
    let barrier = Barrier::new(2);
    let (mut a, mut b) = (Box::pin(barrier.wait()), Box::pin(barrier.wait()));
    assert!(poll(&mut a).is_pending());
    drop(a);
    assert_eq!((barrier.n_waiting(), barrier.broken()), (0, false));
    assert!(poll(&mut b).is_pending());
    // Let through and dropped: it has been through.
    let mut c = Box::pin(barrier.wait());
    assert_eq!(poll(&mut c), Poll::Ready(Ok(1)));
    drop(b);
    assert_eq!(barrier.n_waiting(), 0);
}

#[test]
fn g17_reset_sends_away_who_waits_and_begins_anew() {
    let barrier = Barrier::new(2);
    let (mut a, mut b) = (Box::pin(barrier.wait()), Box::pin(barrier.wait()));
    assert!(poll(&mut a).is_pending());
    barrier.reset();
    assert_eq!(barrier.n_waiting(), 0);
    assert!(poll(&mut b).is_pending());
    assert!(matches!(poll(&mut a), Poll::Ready(Err(BrokenBarrier { .. }))));
    assert!(!barrier.broken());
    assert_eq!(poll(&mut Box::pin(barrier.wait())), Poll::Ready(Ok(1)));
    assert_eq!(poll(&mut b), Poll::Ready(Ok(0)));
}

#[test]
fn g17_abort_sends_away_who_waits_and_who_comes_until_the_reset() {
    let barrier = Barrier::new(2);
    let mut a = Box::pin(barrier.wait());
    let (count, waker) = Count::new();
    assert!(poll_with(&mut a, &waker).is_pending());
    barrier.abort();
    assert_eq!((count.get(), barrier.broken()), (1, true));
    assert!(matches!(poll(&mut a), Poll::Ready(Err(_))));
    assert!(matches!(poll(&mut Box::pin(barrier.wait())), Poll::Ready(Err(_))));
    assert_eq!(format!("{barrier:?}"), "Barrier { parties: 2, n_waiting: 0, broken: true }");
    barrier.reset();
    assert!(poll(&mut Box::pin(barrier.wait())).is_pending());
}

#[test]
fn a_barrier_of_one_lets_each_through() {
    let barrier = Barrier::new(1);
    assert_eq!(barrier.parties(), 1);
    assert_eq!(block_on(barrier.wait()), Ok(0));
    assert_eq!(barrier.blocking_wait(), Ok(0));
}

#[test]
fn a_crowd_goes_through_together() {
    let barrier = Barrier::new(101);
    let mut waits: Vec<_> = (0..100).map(|_| Box::pin(barrier.wait())).collect();
    assert!(waits.iter_mut().all(|wait| poll(wait).is_pending()));
    assert_eq!(block_on(barrier.wait()), Ok(100));
    for (n, wait) in waits.iter_mut().enumerate() {
        assert_eq!(poll(wait), Poll::Ready(Ok(n)));
    }
}

#[test]
fn g16_nobody_is_a_round_ahead() {
    for_threads(|threads| {
        let (barrier, rounds) = (Barrier::new(threads), AtomicUsize::new(0));
        in_threads(threads, |thread| {
            for round in 0..ROUNDS {
                rounds.fetch_add(1, Ordering::SeqCst);
                let index = match thread % 2 {
                    0 => block_on(barrier.wait()),
                    _ => barrier.blocking_wait(),
                };
                assert!(index.unwrap() < threads);
                let all = rounds.load(Ordering::SeqCst);
                assert!(all >= threads * (round + 1) && all <= threads * (round + 2));
            }
        });
        assert_eq!(barrier.n_waiting(), 0);
    });
}

#[test]
fn it_is_small() {
    const WORD: usize = size_of::<usize>();
    assert_eq!(size_of::<Barrier>(), 6 * WORD);
    assert_eq!(size_of::<Wait<&Barrier>>(), 7 * WORD);
}

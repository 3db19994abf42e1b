use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::executor::block_on;
use loopwork_sync::CapacityLimiter;

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_with};

#[test]
fn tokens_are_lent_in_the_order_they_were_asked_for() {
    let limiter = CapacityLimiter::new(1);
    let token = limiter.try_acquire().unwrap();
    let ((first, waker), (second, other)) = (Count::new(), Count::new());
    let (mut a, mut b) = (Box::pin(limiter.acquire()), Box::pin(limiter.acquire()));
    assert!(poll_with(&mut a, &waker).is_pending() && poll_with(&mut b, &other).is_pending());
    drop(token);
    assert_eq!((first.get(), second.get()), (1, 0));
    assert!(limiter.try_acquire().is_none(), "it was granted");
    drop(a);
    assert_eq!(second.get(), 1);
    assert!(poll(&mut b).is_ready());
    assert_eq!(limiter.available_tokens(), 1);
}

#[test]
fn the_total_goes_up_and_below_what_is_borrowed() {
    let limiter = CapacityLimiter::new(0);
    let mut waits: Vec<_> = (0..50).map(|_| Box::pin(limiter.acquire())).collect();
    assert!(waits.iter_mut().all(|wait| poll(wait).is_pending()));
    limiter.set_total_tokens(40);
    let mut tokens: Vec<_> = waits.iter_mut().map(poll).filter(Poll::is_ready).collect();
    assert_eq!((tokens.len(), limiter.borrowed_tokens()), (40, 40));
    limiter.set_total_tokens(38);
    tokens.truncate(38);
    assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (38, 0));
    assert!(poll(&mut waits[49]).is_pending());
    drop(waits.drain(..49));
    tokens.pop();
    assert!(poll(&mut waits[0]).is_ready());
    assert_eq!(limiter.total_tokens(), 38);
}

#[test]
fn a_borrower_has_one_token_at_a_time_and_waits_once() {
    let limiter = CapacityLimiter::new(1);
    let token = block_on(limiter.acquire_on_behalf_of(1)).unwrap();
    let mut wait = Box::pin(limiter.acquire_on_behalf_of(2));
    assert!(poll(&mut wait).is_pending());
    assert!(block_on(limiter.acquire_on_behalf_of(1)).is_err());
    assert!(block_on(limiter.acquire_on_behalf_of(2)).is_err());
    assert_eq!(limiter.borrowers(), [1, 2]);
    drop(wait);
    assert_eq!(limiter.borrowers(), [1]);
    let expected = "CapacityLimiter { total_tokens: 1, borrowed_tokens: 1, borrowers: [1], \
                    waiters: 0 }";
    assert_eq!(format!("{limiter:?}"), expected);
    drop(token);
    assert!(limiter.borrowers().is_empty());
    assert!(block_on(limiter.acquire_on_behalf_of(1)).is_ok());
}

#[test]
fn an_owned_token_keeps_the_limiter_alive() {
    let limiter = Arc::new(CapacityLimiter::new(1));
    let token = block_on(limiter.clone().acquire_owned());
    assert_eq!((Arc::strong_count(&limiter), limiter.available_tokens()), (2, 0));
    drop(token);
    drop(limiter.blocking_acquire());
    assert_eq!(limiter.available_tokens(), 1);
}

#[test]
fn no_more_than_the_total_are_inside_and_no_token_is_lost() {
    for_threads(|threads| {
        let (limiter, inside) = (CapacityLimiter::new(2), AtomicUsize::new(0));
        in_threads(threads, |_| {
            for round in 0..ROUNDS {
                if round % 3 == 0 {
                    drop(poll(&mut Box::pin(limiter.acquire())));
                }
                let token = block_on(limiter.acquire());
                assert!(inside.fetch_add(1, Ordering::SeqCst) < 2);
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(token);
            }
        });
        assert_eq!(limiter.available_tokens(), 2);
    });
}

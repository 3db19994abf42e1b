use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use futures::executor::block_on;
use loopwork_sync::oneshot::{self, TryRecvError};
use proptest::prelude::*;

use crate::{Count, ROUNDS, poll, poll_overtaken, poll_with};

#[test]
fn a_value_sent_before_or_during_the_wait_arrives() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    assert_eq!(poll(&mut receiver), Poll::Ready(Ok(1)));

    let (sender, mut receiver) = oneshot::channel();
    let (count, waker) = Count::new();
    assert!(poll_with(&mut receiver, &waker).is_pending());
    sender.send(2).unwrap();
    assert_eq!(count.get(), 1);
    assert_eq!(poll(&mut receiver), Poll::Ready(Ok(2)));
    assert!(matches!(poll(&mut receiver), Poll::Ready(Err(_))), "once only");
}

#[test]
fn a_sender_dropped_without_a_value_ends_the_wait() {
    let (sender, mut receiver) = oneshot::channel::<i32>();
    let (count, waker) = Count::new();
    assert!(poll_with(&mut receiver, &waker).is_pending());
    drop(sender);
    assert_eq!(count.get(), 1);
    assert!(matches!(poll(&mut receiver), Poll::Ready(Err(_))));
}

#[test]
fn the_value_comes_back_when_nobody_would_get_it() {
    let (sender, receiver) = oneshot::channel();
    assert!(!sender.is_closed());
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!(sender.send(3), Err(3));

    let (sender, mut receiver) = oneshot::channel();
    receiver.close();
    assert_eq!(sender.send(4), Err(4));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_value_sent_before_the_close_can_still_be_received() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(5).unwrap();
    receiver.close();
    assert_eq!(block_on(receiver), Ok(5));
}

#[test]
fn try_recv_tells_not_yet_from_never() {
    let (sender, mut receiver) = oneshot::channel();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send(6).unwrap();
    assert!(receiver.is_closed());
    assert_eq!(receiver.try_recv(), Ok(6));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_value_nobody_took_is_dropped_with_the_receiver() {
    let (sender, receiver) = oneshot::channel();
    let value = Arc::new(());
    sender.send(value.clone()).unwrap();
    drop(receiver);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn threads_send_and_receive_each_value_once() {
    for n in 0..2_000 {
        let (sender, receiver) = oneshot::channel();
        let thread = thread::spawn(move || match n % 3 {
            0 => Some(receiver.blocking_recv()),
            1 => Some(block_on(receiver)),
            _ => {
                drop(receiver);
                None
            }
        });
        let sent = sender.send(n);
        match thread.join().unwrap() {
            Some(received) => assert_eq!((sent, received), (Ok(()), Ok(n))),
            None => assert!(sent == Ok(()) || sent == Err(n)),
        }
    }
}

#[test]
fn the_sender_hears_that_nobody_wants_the_value() {
    let (mut sender, mut receiver) = oneshot::channel::<i32>();
    let (count, waker) = Count::new();
    assert!(poll_with(&mut pin!(sender.closed()), &waker).is_pending());
    receiver.close();
    assert_eq!(count.get(), 1);
    assert!(poll(&mut pin!(sender.closed())).is_ready());

    let (mut sender, receiver) = oneshot::channel::<i32>();
    assert!(poll_with(&mut pin!(sender.closed()), &waker).is_pending());
    drop(receiver);
    assert_eq!(count.get(), 2);

    let (mut sender, receiver) = oneshot::channel();
    assert!(poll_with(&mut pin!(sender.closed()), &waker).is_pending());
    assert_eq!(sender.send(1), Ok(()));
    drop(receiver);
    assert_eq!(count.get(), 2, "who has sent does not wait any more");
    assert_eq!(Arc::strong_count(&count), 2, "the waker is gone with the channel");
}

#[test]
fn a_receiver_that_a_request_has_overtaken_leaves_the_value_in_the_channel() {
    let (count, waker) = Count::new();
    let (sender, mut receiver) = oneshot::channel();
    assert_eq!(poll_overtaken(&mut receiver, &waker), Poll::Pending);
    assert_eq!(poll_overtaken(&mut receiver, &waker), Poll::Pending);
    assert_eq!(count.get(), 0, "nothing is held back");
    sender.send(1).unwrap();
    assert_eq!(poll_overtaken(&mut receiver, &waker), Poll::Pending);
    assert_eq!(count.get(), 2, "for the value, and without the request it goes on");
    assert_eq!(poll(&mut receiver), Poll::Ready(Ok(1)));

    // What is ready at once is no wait.
    let (sender, mut receiver) = oneshot::channel();
    sender.send(2).unwrap();
    assert_eq!(poll_overtaken(&mut receiver, &waker), Poll::Ready(Ok(2)));

    // A sender that went away is held back too, and a receiver that did.
    let (sender, mut receiver) = oneshot::channel::<i32>();
    assert!(poll(&mut receiver).is_pending());
    drop(sender);
    assert_eq!(poll_overtaken(&mut receiver, &waker), Poll::Pending);
    assert!(poll(&mut receiver).is_ready());
    let (mut sender, receiver) = oneshot::channel::<i32>();
    let mut closed = Box::pin(sender.closed());
    assert!(poll(&mut closed).is_pending());
    drop(receiver);
    assert_eq!(poll_overtaken(&mut closed, &waker), Poll::Pending);
    assert!(poll(&mut closed).is_ready());
}

#[test]
fn the_last_waker_is_woken_and_none_is_kept() {
    let (sender, mut receiver) = oneshot::channel();
    let (first, first_waker) = Count::new();
    let (second, second_waker) = Count::new();
    assert!(poll_with(&mut receiver, &first_waker).is_pending());
    assert!(poll_with(&mut receiver, &second_waker).is_pending());
    assert!(poll_with(&mut receiver, &second_waker).is_pending());
    assert_eq!(Arc::strong_count(&first), 2, "the replaced one was dropped");
    assert_eq!(Arc::strong_count(&second), 3, "the same one was kept");
    sender.send(1).unwrap();
    assert_eq!((first.get(), second.get()), (0, 1));
    assert_eq!(Arc::strong_count(&second), 2);
    assert_eq!(poll(&mut receiver), Poll::Ready(Ok(1)));
}

#[test]
fn a_destructor_that_panics_frees_the_channel() {
    struct Panics(Arc<()>);
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("as the test wants: {} alive", Arc::strong_count(&self.0));
        }
    }
    let alive = Arc::new(());
    let (sender, receiver) = oneshot::channel();
    assert!(sender.send(Panics(alive.clone())).is_ok());
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(receiver))).unwrap_err();
    assert_eq!(Arc::strong_count(&alive), 1);
}

proptest! {
    /// Any sequence of calls gives the answers of a plain model, and each value is dropped once.
    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(calls in prop::collection::vec(0_u8..9, 0..20)) {
        let alive = Arc::new(());
        let (sender, receiver) = oneshot::channel();
        let mut ends = (Some(sender), Some(receiver));
        // Is there a value; may one come; does somebody want it?
        let (mut value, mut comes, mut wanted) = (false, true, true);
        let (count, waker) = Count::new();
        let (mut waits, mut woken) = (false, 0);
        for call in calls {
            match (call, &mut ends) {
                (0, (sender @ Some(_), _)) => {
                    let sent = sender.take().unwrap().send(alive.clone());
                    prop_assert_eq!(sent.is_ok(), wanted);
                    (value, comes) = (wanted, false);
                    woken += usize::from(waits && wanted);
                    waits = waits && !wanted;
                }
                (1, (sender @ Some(_), _)) => {
                    *sender = None;
                    woken += usize::from(waits && wanted);
                    (comes, waits) = (false, false);
                }
                (2, (Some(sender), _)) => {
                    prop_assert_eq!(poll(&mut pin!(sender.closed())).is_ready(), !wanted);
                }
                (3 | 4, (_, Some(receiver))) => {
                    let received = poll_with(receiver, &waker);
                    prop_assert_eq!(received.is_pending(), !value && comes && wanted);
                    waits = received.is_pending();
                    prop_assert_eq!(matches!(received, Poll::Ready(Ok(_))), value);
                    value = false;
                }
                (5, (_, Some(receiver))) => {
                    let expected = if value { Ok(()) } else if comes && wanted { Err(TryRecvError::Empty) }
                        else { Err(TryRecvError::Closed) };
                    prop_assert_eq!(receiver.try_recv().map(drop), expected);
                    value = false;
                }
                (6, (_, Some(receiver))) => {
                    receiver.close();
                    (wanted, waits) = (false, false);
                }
                (7, (_, receiver @ Some(_))) => {
                    *receiver = None;
                    (wanted, value, waits) = (false, false, false);
                }
                (_, (sender, receiver)) => {
                    prop_assert!(sender.as_ref().is_none_or(|it| it.is_closed() != wanted));
                    prop_assert!(receiver.as_ref().is_none_or(|it| it.is_closed() != (comes && wanted)));
                }
            }
            prop_assert_eq!(Arc::strong_count(&alive), 1 + usize::from(value));
            prop_assert_eq!(count.get(), woken);
            prop_assert_eq!(Arc::strong_count(&count), 2 + usize::from(waits), "a waker is there while it waits");
        }
        drop(ends);
        prop_assert_eq!(Arc::strong_count(&alive), 1);
        prop_assert_eq!(Arc::strong_count(&count), 2);
    }
}

#[test]
fn threads_meet_in_every_way() {
    let alive = Arc::new(());
    for n in 0..ROUNDS {
        let (mut sender, mut receiver) = oneshot::channel();
        let value = alive.clone();
        thread::scope(|threads| {
            threads.spawn(move || match n % 4 {
                0 => drop(block_on(receiver).expect("it was sent")),
                1 => drop(poll(&mut receiver)),
                2 => receiver.close(),
                _ => drop(receiver),
            });
            threads.spawn(move || match n / 4 % 3 {
                _ if n % 4 == 0 => sender.send(value).expect("the receiver waits"),
                0 => drop(sender.send(value)),
                1 => block_on(sender.closed()),
                _ => drop(sender),
            });
        });
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}

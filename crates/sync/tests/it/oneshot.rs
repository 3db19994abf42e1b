use std::sync::Arc;
use std::task::Poll;
use std::thread;

use futures::executor::block_on;
use loopwork_sync::oneshot::{self, TryRecvError};

use crate::{Count, poll, poll_with};

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

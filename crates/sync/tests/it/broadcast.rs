use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use futures::StreamExt;
use futures::executor::block_on;
use loopwork_sync::broadcast::{self, RecvError, TryRecvError};
use proptest::prelude::*;

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_overtaken, poll_with};

#[test]
fn each_receiver_gets_each_value() {
    let (sender, mut first) = broadcast::channel(4);
    let mut second = first.resubscribe();
    let (count, waker) = Count::new();
    {
        let mut receives = Box::pin(first.recv());
        assert!(poll_with(&mut receives, &waker).is_pending());
        assert_eq!(sender.send(1), Ok(2));
        assert_eq!(count.get(), 1);
        assert_eq!(poll(&mut receives), Poll::Ready(Ok(1)));
    }
    assert_eq!(second.try_recv(), Ok(1));
    assert_eq!(second.try_recv(), Err(TryRecvError::Empty));
    drop(sender);
    assert_eq!(block_on(first.recv()), Err(RecvError::Closed));
}

#[test]
fn a_receive_that_is_dropped_or_overtaken_takes_nothing() {
    let (sender, mut receiver) = broadcast::channel(4);
    let (count, waker) = Count::new();
    {
        let mut dropped = Box::pin(receiver.recv());
        assert!(poll_with(&mut dropped, &waker).is_pending());
        sender.send(1).unwrap();
        assert_eq!(count.get(), 1);
        assert_eq!(poll_overtaken(&mut dropped, &waker), Poll::Pending);
    }
    assert_eq!(receiver.try_recv(), Ok(1));
    let mut messages = Box::pin(receiver.into_stream());
    assert!(poll(&mut messages.next()).is_pending());
    sender.send(2).unwrap();
    assert_eq!(poll_overtaken(&mut messages.next(), &waker), Poll::Pending);
    assert_eq!(poll(&mut messages.next()), Poll::Ready(Some(Ok(2))));
}

#[test]
fn a_slow_receiver_loses_the_oldest() {
    let (sender, mut receiver) = broadcast::channel(2);
    assert!((0..5).all(|n| sender.send(n) == Ok(1)));
    assert_eq!((receiver.len(), sender.len()), (5, 2));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(3)));
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(3), Ok(4)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn the_last_to_get_a_value_gets_the_value_itself() {
    let alive = Arc::new(());
    let (sender, mut first) = broadcast::channel(2);
    let mut second = sender.subscribe();
    sender.send(alive.clone()).unwrap();
    let one = first.try_recv().unwrap();
    assert_eq!(Arc::strong_count(&alive), 3);
    let two = second.try_recv().unwrap();
    assert_eq!(Arc::strong_count(&alive), 3, "it is not kept any more");
    drop((one, two));
    sender.send(alive.clone()).unwrap();
    drop((first, second));
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_clone_or_a_destructor_may_use_the_channel() {
    #[derive(Debug)]
    struct Uses(Option<broadcast::Sender<Uses>>);
    impl Clone for Uses {
        fn clone(&self) -> Self {
            self.0.iter().for_each(|sender| assert!(sender.len() < 9));
            Self(None)
        }
    }
    impl Drop for Uses {
        fn drop(&mut self) {
            self.0.iter().for_each(|sender| assert!(sender.len() < 9));
        }
    }
    let (sender, mut first) = broadcast::channel(1);
    let second = first.resubscribe();
    sender.send(Uses(Some(sender.clone()))).unwrap();
    drop(first.try_recv().unwrap());
    sender.send(Uses(Some(sender.clone()))).unwrap();
    drop((first, second));
}

#[test]
fn a_value_stays_while_it_is_cloned() {
    /// Its clone sends so many others, each of which overwrites the one before.
    struct Sends(Option<broadcast::Sender<Sends>>, usize, Arc<()>);
    impl Clone for Sends {
        fn clone(&self) -> Self {
            for _ in 0..self.1 {
                let value = Self(None, 0, self.2.clone());
                assert!(self.0.iter().all(|sender| sender.send(value.clone()).is_ok()));
            }
            Self(None, self.1, self.2.clone())
        }
    }
    let alive = Arc::new(());
    let (sender, mut first) = broadcast::channel(1);
    let mut second = first.resubscribe();
    for _ in 0..3 {
        sender.send(Sends(Some(sender.clone()), 3, alive.clone())).ok().unwrap();
        assert_eq!(first.try_recv().map(|value| value.1).ok(), Some(3));
        assert_eq!(Arc::strong_count(&alive), 2, "the first is gone, and the last is kept");
        for receiver in [&mut first, &mut second] {
            assert!(matches!(receiver.try_recv(), Err(TryRecvError::Lagged(2 | 3))));
            assert_eq!(receiver.try_recv().map(|value| value.1).ok(), Some(0));
        }
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}

#[test]
fn a_clone_that_panics_loses_the_value_for_one() {
    struct Panics(Arc<()>);
    impl Clone for Panics {
        fn clone(&self) -> Self {
            panic!("it is not to be cloned")
        }
    }
    let alive = Arc::new(());
    let (sender, mut first) = broadcast::channel(1);
    let mut second = first.resubscribe();
    sender.send(Panics(alive.clone())).ok().unwrap();
    let received = catch_unwind(AssertUnwindSafe(|| first.try_recv()));
    assert!(received.is_err() && first.is_empty());
    assert!(second.try_recv().is_ok_and(|value| Arc::ptr_eq(&value.0, &alive)));
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_stream_gives_what_recv_gives() {
    let (sender, receiver) = broadcast::channel(1);
    let mut messages = pin!(receiver.into_stream());
    let (count, waker) = Count::new();
    assert!(poll_with(&mut messages.next(), &waker).is_pending());
    sender.send(1).unwrap();
    assert_eq!(count.get(), 1);
    sender.send(2).unwrap();
    assert_eq!(poll(&mut messages.next()), Poll::Ready(Some(Err(RecvError::Lagged(1)))));
    assert_eq!(poll(&mut messages.next()), Poll::Ready(Some(Ok(2))));
    drop(sender);
    assert_eq!(poll(&mut messages.next()), Poll::Ready(None));
}

#[test]
fn a_sender_hears_that_nobody_listens() {
    let (sender, receiver) = broadcast::channel::<i32>(1);
    let (count, waker) = Count::new();
    let mut closed = Box::pin(sender.closed());
    assert!(poll_with(&mut closed, &waker).is_pending());
    drop(receiver);
    assert_eq!(count.get(), 1);
    assert!(poll(&mut closed).is_ready());
    assert!(sender.send(1).is_err());
}

#[test]
#[should_panic = "a channel that keeps 0 values loses each of them: give it at least 1"]
fn a_channel_keeps_one() {
    let _channel = broadcast::channel::<i32>(0);
}

proptest! {
    /// Any sequence of calls gives the answers of a plain model; a value is alive while somebody is to get it.
    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(
        capacity in 1_usize..5,
        calls in prop::collection::vec((0_u8..8, 0_usize..4), 0..80),
    ) {
        let alive = Arc::new(());
        let (sender, receiver) = broadcast::channel(capacity);
        let mut sender = Some(sender);
        // Each with what it is to get, and how much it has lost.
        let mut receivers = vec![(receiver, VecDeque::new(), 0_u64)];
        let mut next = 0_u32;
        for (call, n) in calls {
            let n = if receivers.is_empty() { 0 } else { n % receivers.len() };
            match (call, &mut sender) {
                (0..=2, Some(sender)) => {
                    let sent = sender.send((next, alive.clone()));
                    prop_assert_eq!(sent.ok(), (!receivers.is_empty()).then_some(receivers.len()));
                    for (_, values, lost) in &mut receivers {
                        values.push_back(next);
                        if values.len() > capacity {
                            values.pop_front();
                            *lost += 1;
                        }
                    }
                    next += 1;
                }
                (3, Some(sender)) => receivers.push((sender.subscribe(), VecDeque::new(), 0)),
                (4, _) if !receivers.is_empty() => drop(receivers.remove(n)),
                (5, gone) if n == 3 => *gone = None,
                (6 | 7, _) if !receivers.is_empty() => {
                    let (receiver, values, lost) = &mut receivers[n];
                    let expected = match values.front() {
                        _ if *lost > 0 => Err(TryRecvError::Lagged(std::mem::take(lost))),
                        Some(_) => Ok(values.pop_front().unwrap()),
                        None if sender.is_none() => Err(TryRecvError::Closed),
                        None => Err(TryRecvError::Empty),
                    };
                    prop_assert_eq!(receiver.try_recv().map(|value| value.0), expected);
                }
                _ => {}
            }
            let mut unread: Vec<_> = receivers.iter().flat_map(|it| it.1.iter()).collect();
            unread.sort_unstable();
            unread.dedup();
            prop_assert_eq!(Arc::strong_count(&alive), 1 + unread.len());
            for (receiver, values, lost) in &receivers {
                prop_assert_eq!(receiver.len() as u64, values.len() as u64 + lost);
            }
        }
    }
}

/// With room for all of them, each receiver gets all values, each sender's in order.
#[test]
fn threads_broadcast_to_threads() {
    for_threads(|threads| {
        let (sender, receiver) = broadcast::channel(threads * ROUNDS);
        thread::scope(|scope| {
            for _ in 0..threads {
                let mut receiver = receiver.resubscribe();
                scope.spawn(move || {
                    let mut next = vec![0; threads];
                    while let Ok((thread, n)) = block_on(receiver.recv()) {
                        assert_eq!(n, next[thread]);
                        next[thread] += 1;
                    }
                    assert_eq!(next, vec![ROUNDS; threads]);
                });
            }
            drop(receiver);
            in_threads(threads, |thread| {
                for n in 0..ROUNDS {
                    sender.send((thread, n)).unwrap();
                }
            });
            drop(sender);
        });
    });
}

/// With room for few, while receivers come and go: each gets the values of a sender in order, and knows how many it
/// has lost; in the end none is left.
#[test]
fn threads_lag_behind_and_leave() {
    #[derive(Clone)]
    struct Sent(usize, usize, Arc<()>);

    let alive = Arc::new(());
    for capacity in [1, 2, 3] {
        for_threads(|threads| {
            let (sender, receiver) = broadcast::channel(capacity);
            thread::scope(|scope| {
                for stays in 0..threads {
                    let mut receiver = receiver.resubscribe();
                    scope.spawn(move || {
                        let (mut seen, mut next) = (0, vec![0; threads]);
                        loop {
                            match block_on(receiver.recv()) {
                                Ok(Sent(thread, n, _alive)) => {
                                    assert!(n >= next[thread]);
                                    next[thread] = n + 1;
                                    seen += 1;
                                }
                                Err(RecvError::Lagged(lost)) => seen += lost,
                                Err(RecvError::Closed) => break,
                            }
                            if stays % 2 == 1 && seen % 16 == 0 {
                                // What it has not seen goes with it.
                                seen += receiver.len() as u64;
                                receiver = receiver.resubscribe();
                            }
                        }
                        if stays % 2 == 0 {
                            assert_eq!(seen, (threads * ROUNDS) as u64);
                        }
                    });
                }
                drop(receiver);
                in_threads(threads, |thread| {
                    for n in 0..ROUNDS {
                        drop(sender.send(Sent(thread, n, alive.clone())));
                    }
                });
                drop(sender);
            });
            assert_eq!(Arc::strong_count(&alive), 1);
        });
    }
}

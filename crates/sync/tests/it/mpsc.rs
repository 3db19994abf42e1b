use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures::executor::block_on;
use futures::{SinkExt, StreamExt};
use loopwork_shim::sync::Mutex;
use loopwork_sync::mpsc::{self, SendError, TryRecvError, TrySendError};

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_overtaken, poll_with};

#[test]
fn values_arrive_in_order_and_the_end_after_them() {
    let (sender, mut receiver) = mpsc::channel(3);
    for n in 0..3 {
        assert!(poll(&mut pin!(sender.send(n))).is_ready());
    }
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    drop(sender);
    assert_eq!(block_on(receiver.by_ref().collect::<Vec<_>>()), [0, 1, 2]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));

    let (sender, mut receiver) = mpsc::unbounded_channel();
    (0..1000).try_for_each(|n| sender.send(n)).unwrap();
    assert_eq!(receiver.len(), 1000);
    drop(sender);
    for n in 0..1000 {
        assert_eq!((receiver.try_recv(), receiver.len()), (Ok(n), 999 - n));
    }
    assert_eq!(block_on(receiver.recv()), None);
}

#[test]
fn every_capacity_holds_so_many() {
    for capacity in (1..70).chain([127, 128, 129, 1000]) {
        let (sender, mut receiver) = mpsc::channel(capacity);
        for offset in 0..3 {
            for n in 0..capacity {
                assert_eq!(sender.capacity(), capacity - n);
                assert_eq!(receiver.len(), n);
                sender.try_send(n).unwrap();
            }
            assert_eq!(sender.capacity(), 0);
            assert!(sender.try_send(0).is_err() && sender.try_reserve().is_err());
            for n in 0..capacity {
                assert_eq!(receiver.try_recv(), Ok(n));
            }
            // The next round begins elsewhere.
            for _ in 0..offset % capacity {
                sender.try_send(0).unwrap();
                receiver.try_recv().unwrap();
            }
        }
    }
}

#[test]
fn a_sender_is_woken_by_room_and_a_receiver_by_a_value() {
    let (sender, mut receiver) = mpsc::channel(1);
    let (received, receiver_waker) = Count::new();
    assert!(poll_with(&mut pin!(receiver.recv()), &receiver_waker).is_pending());
    sender.try_send(1).unwrap();
    assert_eq!(received.get(), 1);
    let (sent, sender_waker) = Count::new();
    let mut send = pin!(sender.send(2));
    assert!(poll_with(&mut send, &sender_waker).is_pending());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(sent.get(), 1);
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)), "nobody passes who waits");
    assert!(poll(&mut send).is_ready());
    assert_eq!(received.get(), 1, "who is awake is not woken");
    assert_eq!(receiver.try_recv(), Ok(2));
}

#[test]
fn those_who_wait_are_served_in_order() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let mut sends: Vec<_> = (1..5).map(|n| Box::pin(sender.send(n))).collect();
    for send in &mut sends {
        assert!(poll(send).is_pending());
    }
    drop(sends.remove(1));
    assert_eq!(receiver.try_recv(), Ok(0));
    for n in [1, 3, 4] {
        assert!(sends[1..].iter_mut().all(|send| poll(send).is_pending()));
        assert!(poll(&mut sends.remove(0)).is_ready());
        assert_eq!(receiver.try_recv(), Ok(n));
    }
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn room_that_is_not_used_goes_to_the_next() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let (first, mut second) = (Box::pin(sender.send(1)), Box::pin(sender.send(2)));
    let mut first = first;
    let (count, waker) = Count::new();
    assert!(poll(&mut first).is_pending() && poll_with(&mut second, &waker).is_pending());
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!(count.get(), 0);
    drop(first);
    assert_eq!(count.get(), 1);
    assert!(poll(&mut second).is_ready());
    assert_eq!(receiver.try_recv(), Ok(2));

    let permit = sender.try_reserve().unwrap();
    let mut send = Box::pin(sender.send(3));
    assert!(poll_with(&mut send, &waker).is_pending());
    drop(permit);
    assert_eq!(count.get(), 2);
    assert!(poll(&mut send).is_ready());
}

#[test]
fn reserving_many_waits_for_all_and_holds_those_behind_back() {
    let (sender, mut receiver) = mpsc::channel(3);
    sender.try_send(0).unwrap();
    let mut many = Box::pin(sender.reserve_many(3));
    let mut one = Box::pin(sender.reserve());
    let (count, waker) = Count::new();
    assert!(poll(&mut many).is_pending());
    assert!(poll_with(&mut one, &waker).is_pending(), "there is room, but not for the first");
    drop(many);
    assert_eq!(count.get(), 1);
    let Poll::Ready(Ok(permit)) = poll(&mut one) else { panic!("there is room") };
    permit.send(1);

    let mut many = Box::pin(sender.reserve_many(3));
    assert!(poll(&mut many).is_pending());
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(0), Ok(1)));
    let Poll::Ready(Ok(mut permits)) = poll(&mut many) else { panic!("there is room") };
    assert_eq!((permits.len(), sender.capacity()), (3, 0));
    permits.next().unwrap().send(2);
    assert_eq!((receiver.len(), sender.capacity()), (1, 0));
    drop(permits);
    assert_eq!(sender.capacity(), 2);
    assert_eq!(block_on(sender.reserve_many(0)).unwrap().len(), 0);
}

#[test]
#[should_panic = "room for 2 values never comes in a channel of capacity 1: make it larger"]
fn more_than_the_capacity_cannot_be_reserved() {
    let (sender, _receiver) = mpsc::channel::<i32>(1);
    drop(sender.try_reserve_many(2));
}

#[test]
#[should_panic = "a channel of capacity 0 would never have room: give it at least 1"]
fn a_channel_has_room_for_one() {
    let _channel = mpsc::channel::<i32>(0);
}

#[test]
fn a_closed_channel_gives_back_what_is_sent_and_can_be_drained() {
    let (sender, mut receiver) = mpsc::channel(2);
    let permit = sender.try_reserve().unwrap();
    sender.try_send(1).unwrap();
    let (count, waker) = Count::new();
    let mut waits = Box::pin(sender.send(9));
    let mut closed = Box::pin(sender.closed());
    assert!(poll_with(&mut waits, &waker).is_pending());
    assert!(poll_with(&mut closed, &waker).is_pending());
    receiver.close();
    assert_eq!(count.get(), 2);
    assert_eq!(poll(&mut waits), Poll::Ready(Err(SendError(9))));
    assert!(poll(&mut closed).is_ready() && sender.is_closed());
    assert_eq!(sender.try_send(2), Err(TrySendError::Closed(2)));
    assert_eq!(poll(&mut pin!(sender.send(3))), Poll::Ready(Err(SendError(3))));
    assert!(matches!(poll(&mut pin!(sender.reserve())), Poll::Ready(Err(_))));
    assert_eq!(receiver.try_recv(), Ok(1));

    // Somebody may still send.
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let (received, waker) = Count::new();
    assert!(poll_with(&mut pin!(receiver.recv()), &waker).is_pending());
    permit.send(4);
    assert_eq!(received.get(), 1);
    assert_eq!(poll(&mut pin!(receiver.recv())), Poll::Ready(Some(4)));
    assert_eq!(poll(&mut pin!(receiver.recv())), Poll::Ready(None));
}

#[test]
fn a_permit_that_is_dropped_ends_a_closed_channel() {
    let (sender, mut receiver) = mpsc::channel::<i32>(2);
    let permits = sender.try_reserve_many(2).unwrap();
    receiver.close();
    let (count, waker) = Count::new();
    assert!(poll_with(&mut pin!(receiver.recv()), &waker).is_pending());
    drop(permits);
    assert_eq!(count.get(), 1);
    assert_eq!(poll(&mut pin!(receiver.recv())), Poll::Ready(None));
}

#[test]
fn what_was_not_received_is_dropped_with_the_receiver() {
    let alive = Arc::new(());
    let (sender, receiver) = mpsc::channel(4);
    let permit = sender.try_reserve().unwrap();
    sender.try_send(alive.clone()).unwrap();
    sender.try_send(alive.clone()).unwrap();
    drop(receiver);
    assert_eq!(Arc::strong_count(&alive), 1);
    permit.send(alive.clone());
    assert_eq!(Arc::strong_count(&alive), 1, "what comes by a permit is dropped, too");

    let (sender, receiver) = mpsc::unbounded_channel();
    (0..100).try_for_each(|_| sender.send(alive.clone())).unwrap();
    drop(receiver);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn the_last_sender_ends_the_channel() {
    let (sender, mut receiver) = mpsc::channel::<i32>(1);
    let (weak, other) = (sender.downgrade(), sender.clone());
    let (count, waker) = Count::new();
    assert!(poll_with(&mut pin!(receiver.recv()), &waker).is_pending());
    drop(sender);
    assert!(weak.upgrade().unwrap().same_channel(&other));
    assert_eq!(count.get(), 0);
    drop(other);
    assert_eq!(count.get(), 1);
    assert!(weak.upgrade().is_none());
    assert_eq!(poll(&mut pin!(receiver.recv())), Poll::Ready(None));
}

#[test]
fn the_last_waker_is_woken_and_none_is_kept() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let (first, first_waker) = Count::new();
    let (second, second_waker) = Count::new();
    assert!(poll_with(&mut pin!(receiver.recv()), &first_waker).is_pending());
    assert!(poll_with(&mut pin!(receiver.recv()), &second_waker).is_pending());
    assert!(poll_with(&mut pin!(receiver.recv()), &second_waker).is_pending());
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (2, 3));
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!((first.get(), second.get()), (0, 1));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Ok(2));
    assert!(poll_with(&mut pin!(receiver.recv()), &second_waker).is_pending());
    drop(receiver);
    assert_eq!(Arc::strong_count(&second), 2);
}

#[test]
fn many_are_sent_and_received_at_once() {
    let (sender, mut receiver) = mpsc::channel(4);
    let mut items: VecDeque<_> = (0..10).collect();
    let mut buffer = Vec::new();
    let mut send = Box::pin(sender.send_many(&mut items));
    while poll(&mut send).is_pending() {
        while poll(&mut pin!(receiver.recv_many(&mut buffer, 3))).is_ready() {}
    }
    drop(send);
    assert!(items.is_empty());
    drop(sender);
    while block_on(receiver.recv_many(&mut buffer, 3)) > 0 {}
    assert_eq!(buffer, (0..10).collect::<Vec<_>>());

    let (sender, receiver) = mpsc::channel(4);
    let mut items: VecDeque<_> = (0..10).collect();
    assert!(poll(&mut pin!(sender.send_many(&mut items))).is_pending());
    assert_eq!(items, [4, 5, 6, 7, 8, 9], "what was not sent is still there");
    drop(receiver);
    assert_eq!(block_on(sender.send_many(&mut items)), Err(SendError(())));
    assert_eq!(items.len(), 6);
}

#[test]
fn a_receive_that_is_dropped_or_overtaken_takes_nothing() {
    let (count, waker) = Count::new();
    let (sender, mut receiver) = mpsc::channel(4);
    let mut buffer = Vec::new();
    {
        let mut dropped = Box::pin(receiver.recv());
        assert!(poll_with(&mut dropped, &waker).is_pending());
        sender.try_send(1).unwrap();
        assert_eq!(count.get(), 1);
        assert_eq!(poll_overtaken(&mut dropped, &waker), Poll::Pending);
    }
    assert_eq!(receiver.try_recv(), Ok(1));
    {
        let mut dropped = Box::pin(receiver.recv_many(&mut buffer, 9));
        assert!(poll(&mut dropped).is_pending());
        sender.try_send(2).unwrap();
        assert_eq!(poll_overtaken(&mut dropped, &waker), Poll::Pending);
    }
    assert!(buffer.is_empty());
    assert_eq!(receiver.try_recv(), Ok(2));
}

#[test]
fn room_that_was_granted_to_a_dropped_send_goes_to_the_next() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let (count, waker) = Count::new();
    let mut sends = Box::pin(sender.send(1));
    let mut reserves = Box::pin(sender.reserve());
    let mut next = Box::pin(sender.send(2));
    assert!(poll(&mut sends).is_pending() && poll(&mut reserves).is_pending());
    assert!(poll_with(&mut next, &waker).is_pending());
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!(poll_overtaken(&mut sends, &waker), Poll::Pending);
    drop(sends);
    let before = count.get();
    drop(reserves);
    assert_eq!(count.get(), before + 1, "it is the turn of the next");
    assert_eq!(poll(&mut next), Poll::Ready(Ok(())));
    drop(next);
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty), "what was dropped is not sent");
}

#[test]
fn what_a_channel_says_of_itself() {
    let (sender, receiver) = mpsc::channel(2);
    sender.try_send(1).unwrap();
    assert_eq!(format!("{sender:?}"), "Sender { closed: false, len: 1, .. }");
    assert_eq!(format!("{receiver:?}"), "Receiver { closed: false, len: 1, .. }");
}

/// How often `operation` is ready in one poll of a task.
fn ready_in_one_poll(mut operation: impl FnMut() -> bool) -> usize {
    let _poll = loopwork_context::Poll::enter(false);
    std::iter::from_fn(|| operation().then_some(())).count()
}

#[test]
fn each_operation_that_is_ready_spends_one_unit() {
    let (sender, mut receiver) = mpsc::channel(1000);
    assert_eq!(ready_in_one_poll(|| poll(&mut pin!(sender.send(1))).is_ready()), 128);
    assert_eq!(receiver.len(), 128, "what is held back sends nothing");
    assert_eq!(ready_in_one_poll(|| poll(&mut pin!(receiver.recv())).is_ready()), 128);
    assert_eq!(ready_in_one_poll(|| poll(&mut pin!(receiver.recv())).is_ready()), 0);
    let mut items = (0..256).collect();
    assert_eq!(ready_in_one_poll(|| poll(&mut pin!(sender.reserve())).is_ready()), 128);
    assert!(poll(&mut pin!(sender.send_many(&mut items))).is_ready());
    let mut buffer = Vec::new();
    let mut receive = || poll(&mut pin!(receiver.recv_many(&mut buffer, 2))).is_ready();
    assert_eq!(ready_in_one_poll(&mut receive), 128);
    receiver.close();
    assert_eq!(ready_in_one_poll(|| poll(&mut pin!(sender.closed())).is_ready()), 128);
    assert_eq!(ready_in_one_poll(|| poll(&mut pin!(receiver.recv())).is_ready()), 128);
}

/// Each value arrives once, and in its sender's order.
#[test]
fn threads_send_and_one_receives() {
    for_threads(|threads| {
        for capacity in [1, 2, 3, 128] {
            let (sender, receiver) = mpsc::channel(capacity);
            let receiver = thread::spawn(move || in_order(receiver, threads));
            in_threads(threads, |thread| {
                for n in 0..ROUNDS {
                    match n % 4 {
                        0 => sender.blocking_send((thread, n)).unwrap(),
                        1 => block_on(sender.send((thread, n))).unwrap(),
                        2 => block_on(sender.reserve()).unwrap().send((thread, n)),
                        _ => {
                            let mut one = VecDeque::from([(thread, n)]);
                            block_on(sender.send_many(&mut one)).unwrap();
                        }
                    }
                }
            });
            drop(sender);
            assert_eq!(receiver.join().unwrap(), threads * ROUNDS);
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        let receiver = thread::spawn(move || in_order(receiver, threads));
        in_threads(threads, |thread| {
            (0..ROUNDS).try_for_each(|n| sender.send((thread, n))).unwrap();
        });
        drop(sender);
        assert_eq!(receiver.join().unwrap(), threads * ROUNDS);
    });
}

fn in_order<K: mpsc::Kind>(
    mut receiver: mpsc::Receiver<(usize, usize), K>,
    threads: usize,
) -> usize {
    let mut next = vec![0; threads];
    let (mut received, mut buffer) = (0, Vec::new());
    loop {
        buffer.clear();
        match received % 3 {
            0 => buffer.extend(receiver.blocking_recv()),
            1 => drop(block_on(receiver.recv_many(&mut buffer, 3))),
            _ => buffer.extend(block_on(receiver.recv())),
        }
        for (thread, n) in &buffer {
            assert_eq!(*n, next[*thread]);
            next[*thread] += 1;
        }
        received += buffer.len();
        if buffer.is_empty() {
            return received;
        }
    }
}

/// Both ends go from thread to thread, and each is at one for long enough to own what it writes.
#[test]
fn ends_wander_and_each_value_arrives_once() {
    const STAYS: usize = 700;
    for_threads(|threads| {
        for capacity in [1, 3, 100, 128] {
            let (sender, receiver) = mpsc::channel(capacity);
            let (senders, receivers) = (Mutex::new(sender), Mutex::new((receiver, 0)));
            in_threads(2 * threads, |thread| {
                for _ in 0..ROUNDS / 100 {
                    if thread < threads {
                        let sender = senders.lock();
                        (0..STAYS).for_each(|n| sender.blocking_send(n).unwrap());
                        continue;
                    }
                    let (receiver, received) = &mut *receivers.lock();
                    for _ in 0..STAYS {
                        assert_eq!(receiver.blocking_recv(), Some(*received % STAYS));
                        *received += 1;
                    }
                }
            });
            let (mut receiver, received) = receivers.into_inner();
            assert_eq!(received, threads * STAYS * (ROUNDS / 100));
            assert!(receiver.try_recv().is_err());
        }
    });
}

/// One sends much, and others a little now and then, on other threads.
#[test]
fn who_owns_the_tail_is_interrupted() {
    for_threads(|threads| {
        let (sender, receiver) = mpsc::channel(64);
        let receiver = thread::spawn(move || {
            let mut receiver = receiver;
            let mut next = vec![0; threads];
            while let Some((thread, n)) = receiver.blocking_recv() {
                assert_eq!(n, next[thread]);
                next[thread] += 1;
            }
            next.iter().sum::<usize>()
        });
        let each = |thread| if thread == 0 { 40 * ROUNDS } else { ROUNDS / 10 };
        in_threads(threads, |thread| {
            for n in 0..each(thread) {
                sender.blocking_send((thread, n)).unwrap();
                if thread > 0 {
                    thread::yield_now();
                }
            }
        });
        drop(sender);
        assert_eq!(receiver.join().unwrap(), (0..threads).map(each).sum::<usize>());
    });
}

/// Only what has come from another thread counts as friction, and not the first value of a channel.
#[test]
fn values_that_cross_are_friction() {
    let lost = |values: usize, elsewhere: bool| {
        let (sender, mut receiver) = mpsc::channel(values);
        let send = move || (0..values).try_for_each(|n| sender.try_send(n)).unwrap();
        if elsewhere {
            thread::spawn(send).join().unwrap()
        } else {
            send()
        }
        let before = loopwork_context::friction();
        while receiver.try_recv().is_ok() {}
        loopwork_context::friction() - before
    };
    assert_eq!((lost(1, true), lost(1, false), lost(300, false)), (0, 0, 0));
    assert_eq!(lost(300, true), 4 * lost(65, true));
    assert!(lost(65, true) > 0);
}

/// Futures are dropped at any time, and the channel is closed at any time: nothing is lost or dropped twice.
#[test]
fn threads_give_up_and_nothing_is_lost() {
    let (sent, received) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for_threads(|threads| {
        for round in 0..ROUNDS / 20 {
            let alive = Arc::new(());
            let (sender, mut receiver) = mpsc::channel(1 + round % 3);
            thread::scope(|scope| {
                for thread in 0..threads {
                    let (sender, alive, sent) = (sender.clone(), alive.clone(), &sent);
                    scope.spawn(move || {
                        for n in 0..50 {
                            let mut send = Box::pin(sender.send(alive.clone()));
                            let polled = match (n + thread) % 3 {
                                0 => poll(&mut send),
                                _ => Poll::Ready(block_on(send)),
                            };
                            match polled {
                                Poll::Ready(Ok(())) => _ = sent.fetch_add(1, Ordering::SeqCst),
                                Poll::Ready(Err(_)) => break,
                                Poll::Pending => {}
                            }
                        }
                    });
                }
                drop(sender);
                let received = &received;
                scope.spawn(move || {
                    let until = if round % 2 == 0 { usize::MAX } else { 20 };
                    for n in 0..until {
                        if n % 5 == 0 {
                            if let Poll::Ready(Some(_)) = poll(&mut pin!(receiver.recv())) {
                                received.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                        match receiver.blocking_recv() {
                            Some(_) => _ = received.fetch_add(1, Ordering::SeqCst),
                            None => break,
                        }
                    }
                });
            });
            assert_eq!(Arc::strong_count(&alive), 1);
            let counts = (sent.swap(0, Ordering::SeqCst), received.swap(0, Ordering::SeqCst));
            assert!(round % 2 != 0 || counts.0 == counts.1, "sent and received: {counts:?}");
        }
    });
}

#[test]
fn an_owned_permit_has_its_sender_with_it() {
    let (sender, mut receiver) = mpsc::channel(1);
    let permit = sender.try_reserve_owned().unwrap();
    let sender = permit.send(1);
    assert_eq!(receiver.try_recv(), Ok(1));
    let permit = poll(&mut Box::pin(sender.reserve_owned()));
    let Poll::Ready(Ok(permit)) = permit else { panic!("there is room") };
    let sender = permit.release();
    assert_eq!(sender.capacity(), 1);
    drop(sender.clone().try_reserve_owned().unwrap());
    assert_eq!(sender.capacity(), 1, "dropped, it gives the room back");
    sender.try_send(2).unwrap();
    let Err(TrySendError::Full(sender)) = sender.try_reserve_owned() else { panic!("it is full") };
    let mut waits = Box::pin(sender.reserve_owned());
    assert!(poll(&mut waits).is_pending());
    drop(waits);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(2), Err(TryRecvError::Closed)));
}

#[test]
fn an_owned_permit_keeps_a_closed_channel_open_for_its_value() {
    let (sender, mut receiver) = mpsc::channel(1);
    let permit = sender.try_reserve_owned().unwrap();
    receiver.close();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let sender = permit.send(1);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(1), Err(TryRecvError::Closed)));
    assert!(matches!(sender.try_reserve_owned(), Err(TrySendError::Closed(_))));
}

#[test]
fn a_sink_reserves_before_it_sends() {
    let (sender, mut receiver) = mpsc::channel(1);
    let other = sender.clone();
    let (count, waker) = Count::new();
    let cx = &mut Context::from_waker(&waker);
    let mut sink = sender.into_sink();
    assert!(sink.poll_ready_unpin(cx).is_ready() && sink.poll_ready_unpin(cx).is_ready());
    assert_eq!(other.try_send(2), Err(TrySendError::Full(2)), "the room is reserved");
    sink.start_send_unpin(1).unwrap();
    assert!(sink.poll_ready_unpin(cx).is_pending());
    // What waits may move.
    let mut moved = Box::new(sink);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(count.get(), 1);
    assert_eq!(other.try_send(2), Err(TrySendError::Full(2)), "the room is for who waited");
    assert!(moved.poll_ready_unpin(cx).is_ready());
    assert_eq!(moved.poll_close_unpin(cx), Poll::Ready(Ok(())));
    assert!(matches!(moved.poll_ready_unpin(cx), Poll::Ready(Err(_))));
    assert!(moved.start_send_unpin(3).is_err());
    assert_eq!(other.try_send(2), Ok(()), "closed, it gives the room back");
}

#[test]
fn a_sink_that_is_dropped_hands_on_what_it_was_given() {
    for granted in [false, true] {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let other = sender.clone();
        let mut sink = sender.into_sink();
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(sink.poll_ready_unpin(cx).is_pending());
        let (count, waker) = Count::new();
        let mut next = Box::pin(other.reserve());
        assert!(poll_with(&mut next, &waker).is_pending());
        if granted {
            assert_eq!(receiver.try_recv(), Ok(1));
            assert_eq!(count.get(), 0);
            assert!(sink.into_inner().is_some());
        } else {
            drop(sink);
            assert_eq!(receiver.try_recv(), Ok(1));
        }
        assert_eq!(count.get(), 1);
        assert!(poll(&mut next).is_ready());
    }
}

#[test]
#[should_panic(expected = "the sink is not ready: poll `poll_ready` first")]
fn a_sink_that_is_not_ready_says_what_to_do() {
    let (sender, _receiver) = mpsc::channel(1);
    let _ = sender.into_sink().start_send_unpin(1);
}

#[test]
fn a_sink_fails_when_the_receiver_has_gone() {
    let (sender, receiver) = mpsc::channel(1);
    let mut sink = sender.clone().into_sink();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(sink.poll_ready_unpin(cx).is_ready());
    drop(receiver);
    assert!(sink.start_send_unpin(1).is_err(), "though it was ready");
    assert!(matches!(sink.poll_ready_unpin(cx), Poll::Ready(Err(_))));
}

#[test]
fn sinks_of_many_threads_send_everything() {
    const ITEMS: usize = 20;
    for_threads(|threads| {
        for _ in 0..ROUNDS {
            let (sender, receiver) = mpsc::channel(3);
            let receiving = thread::spawn(move || {
                let mut next = vec![0; threads];
                block_on(receiver.for_each(|(thread, n): (usize, usize)| {
                    assert_eq!(next[thread], n, "a sender's values come in order");
                    next[thread] += 1;
                    std::future::ready(())
                }));
                next
            });
            in_threads(threads, |thread| {
                let items = futures::stream::iter((0..ITEMS).map(|n| Ok((thread, n))));
                block_on(items.forward(sender.clone().into_sink())).unwrap();
            });
            drop(sender);
            assert_eq!(receiving.join().unwrap(), vec![ITEMS; threads]);
        }
    });
}

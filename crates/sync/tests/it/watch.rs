use std::pin::pin;
use std::task::Poll;
use std::thread;

use futures::StreamExt;
use futures::executor::block_on;
use loopwork_sync::watch;
use proptest::prelude::*;

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_overtaken, poll_with};

#[test]
fn a_change_wakes_who_waits_and_is_seen_once() {
    let (sender, mut receiver) = watch::channel(0);
    let mut other = receiver.clone();
    let (count, waker) = Count::new();
    {
        let mut changed = pin!(receiver.changed());
        assert!(poll_with(&mut changed, &waker).is_pending());
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        assert_eq!(count.get(), 1);
        assert_eq!(poll(&mut changed), Poll::Ready(Ok(())));
    }
    assert!(poll(&mut pin!(receiver.changed())).is_pending());
    assert!(other.borrow_and_update().has_changed());
    assert!(poll(&mut pin!(other.changed())).is_pending());
}

#[test]
fn a_wait_that_is_dropped_or_overtaken_has_seen_nothing() {
    let (sender, mut receiver) = watch::channel(0);
    let (count, waker) = Count::new();
    {
        let mut dropped = Box::pin(receiver.changed());
        assert!(poll_with(&mut dropped, &waker).is_pending());
        sender.send(1).unwrap();
        assert_eq!(count.get(), 1);
        assert_eq!(poll_overtaken(&mut dropped, &waker), Poll::Pending);
    }
    assert!(receiver.has_changed().unwrap());
    assert_eq!(poll(&mut Box::pin(receiver.changed())), Poll::Ready(Ok(())));
    {
        let mut dropped = Box::pin(receiver.wait_for(|value| *value == 2));
        assert!(poll(&mut dropped).is_pending());
        sender.send(2).unwrap();
        assert!(poll_overtaken(&mut dropped, &waker).is_pending());
    }
    assert!(receiver.has_changed().unwrap());
}

#[test]
fn what_is_waited_for_may_come_later_or_never() {
    let (sender, mut receiver) = watch::channel(0);
    {
        let mut waits = Box::pin(receiver.wait_for(|value| *value >= 2));
        assert!(poll(&mut waits).is_pending());
        sender.send(1).unwrap();
        assert!(poll(&mut waits).is_pending());
        sender.send(2).unwrap();
        assert!(matches!(poll(&mut waits), Poll::Ready(Ok(value)) if *value == 2));
    }
    assert_eq!(receiver.has_changed(), Ok(false));
    drop(sender);
    assert!(matches!(
        poll(&mut Box::pin(receiver.wait_for(|value| *value == 2))),
        Poll::Ready(Ok(_))
    ));
    assert!(matches!(
        poll(&mut Box::pin(receiver.wait_for(|value| *value == 3))),
        Poll::Ready(Err(_))
    ));
}

#[test]
fn the_last_change_is_seen_after_the_sender_has_gone() {
    let (sender, mut receiver) = watch::channel(0);
    let (count, waker) = Count::new();
    assert!(poll_with(&mut pin!(receiver.changed()), &waker).is_pending());
    let other = sender.clone();
    drop(sender);
    other.send(1).unwrap();
    drop(other);
    assert_eq!(poll(&mut pin!(receiver.changed())), Poll::Ready(Ok(())));
    assert!(matches!(poll(&mut pin!(receiver.changed())), Poll::Ready(Err(_))));
    assert_eq!(count.get(), 0, "who has left is not woken");
}

#[test]
fn a_sender_hears_that_nobody_looks() {
    let (sender, receiver) = watch::channel(0);
    let (count, waker) = Count::new();
    let mut closed = Box::pin(sender.closed());
    assert!(poll_with(&mut closed, &waker).is_pending());
    let other = receiver.clone();
    drop(receiver);
    assert_eq!(count.get(), 0);
    drop(other);
    assert_eq!(count.get(), 1);
    let back = sender.subscribe();
    assert!(poll(&mut closed).is_pending(), "one has come meanwhile");
    drop(back);
    assert!(poll(&mut closed).is_ready());
    assert_eq!(sender.send(1).unwrap_err().0, 1);
}

#[test]
fn a_modification_that_panics_leaves_the_channel_usable() {
    let (sender, receiver) = watch::channel(0);
    let panics = || {
        sender.send_modify(|value| {
            *value = 1;
            panic!("as the test wants")
        })
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).unwrap_err();
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (1, Ok(false)));
    sender.send(2).unwrap();
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (2, Ok(true)));
}

#[test]
fn the_futures_of_a_task_that_moves_are_send() {
    fn is_send(_: impl Send) {}
    let (sender, mut receiver) = watch::channel(0);
    is_send(sender.closed());
    is_send(receiver.changed());
    is_send(receiver.wait_for(|_| true));
}

proptest! {
    /// Any sequence of calls gives the answers of a plain model, and who can go on was woken.
    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(calls in prop::collection::vec((0_u8..8, 0_usize..3), 0..60)) {
        let (sender, receiver) = watch::channel(0);
        let mut sender = Some(sender);
        let (mut value, mut version) = (0, 0);
        // Each with the version it has seen.
        let mut receivers = vec![(receiver, 0)];
        for (call, n) in calls {
            let n = if receivers.is_empty() { 0 } else { n % receivers.len() };
            match (call, &mut sender) {
                (0 | 1, Some(sender)) => {
                    let sent = sender.send(value + 1).is_ok();
                    prop_assert_eq!(sent, !receivers.is_empty());
                    if sent { (value, version) = (value + 1, version + 1); }
                }
                (2, Some(sender)) => {
                    let modified = n > 0;
                    prop_assert_eq!(sender.send_if_modified(|current| { *current += 10; modified }), modified);
                    (value, version) = (value + 10, version + usize::from(modified));
                }
                (3, Some(sender)) => receivers.push((sender.subscribe(), version)),
                (4, _) if !receivers.is_empty() => drop(receivers.remove(n)),
                (5, gone) if n == 2 => *gone = None,
                (6, _) if !receivers.is_empty() => {
                    let (receiver, seen) = &mut receivers[n];
                    let changed = poll(&mut pin!(receiver.changed()));
                    let expected = if *seen != version { Poll::Ready(true) }
                        else if sender.is_none() { Poll::Ready(false) } else { Poll::Pending };
                    prop_assert_eq!(changed.map(|changed| changed.is_ok()), expected);
                    *seen = version;
                }
                (7, _) if !receivers.is_empty() => {
                    let (receiver, seen) = &mut receivers[n];
                    let current = receiver.borrow_and_update();
                    prop_assert_eq!((*current, current.has_changed()), (value, *seen != version));
                    *seen = version;
                }
                _ => {}
            }
            for (receiver, seen) in &receivers {
                prop_assert_eq!(*receiver.borrow(), value);
                let expected = sender.is_some().then_some(*seen != version);
                prop_assert_eq!(receiver.has_changed().ok(), expected);
            }
            prop_assert!(sender.as_ref().is_none_or(|it| it.receiver_count() == receivers.len()));
        }
    }
}

/// Every receiver sees the last value, and values never go back.
#[test]
fn threads_see_the_last_value() {
    for_threads(|threads| {
        let (sender, receiver) = watch::channel(0);
        thread::scope(|scope| {
            for _ in 0..threads {
                let mut receiver = receiver.clone();
                scope.spawn(move || {
                    let mut last = 0;
                    while block_on(receiver.changed()).is_ok() {
                        let value = *receiver.borrow_and_update();
                        assert!(value >= last);
                        last = value;
                    }
                    assert_eq!(last, threads * ROUNDS);
                });
            }
            drop(receiver);
            in_threads(threads, |_| {
                for _ in 0..ROUNDS {
                    sender.send_modify(|value| *value += 1);
                }
            });
            drop(sender);
        });
    });
}

#[test]
fn a_stream_has_what_was_not_seen_and_ends() {
    let (sender, mut receiver) = watch::channel(0);
    receiver.mark_changed();
    let (count, waker) = Count::new();
    let mut changes = Box::pin(receiver.into_stream());
    let mut next = |waker: &_| poll_with(&mut changes.next(), waker);
    assert_eq!(next(&waker), Poll::Ready(Some(0)));
    assert!(next(&waker).is_pending() && next(&waker).is_pending());
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(count.get(), 1);
    assert_eq!(next(&waker), Poll::Ready(Some(2)));
    assert!(next(&waker).is_pending());
    sender.send(3).unwrap();
    drop(sender);
    assert_eq!((next(&waker), next(&waker)), (Poll::Ready(Some(3)), Poll::Ready(None)));
    assert_eq!(next(&waker), Poll::Ready(None), "and stays at its end");
}

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use loopwork_sync::notify::Notified;
use loopwork_sync::{Notify, Wait};
use proptest::prelude::*;

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_with};

type Waiting<'a> = Pin<Box<Wait<Notified<&'a Notify>>>>;

fn notified(notify: &Notify) -> Waiting<'_> {
    Box::pin(notify.notified())
}

#[test]
fn one_is_kept_for_the_next_to_come_and_one_only() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    assert_eq!(format!("{notify:?}"), "Notify { kept: true, waiters: 0 }");
    assert!(poll(&mut notified(&notify)).is_ready());
    assert!(poll(&mut notified(&notify)).is_pending());
}

#[test]
fn one_goes_to_the_first_who_waits() {
    let notify = Notify::new();
    let (mut a, mut b) = (notified(&notify), notified(&notify));
    let ((first, waker), (second, other)) = (Count::new(), Count::new());
    assert!(poll_with(&mut a, &waker).is_pending() && poll_with(&mut b, &other).is_pending());
    notify.notify_one();
    assert_eq!((first.get(), second.get()), (1, 0));
    assert!(poll(&mut b).is_pending() && poll(&mut a).is_ready());
    assert!(poll(&mut a).is_pending(), "polled again it waits anew");
}

#[test]
fn one_that_was_given_to_a_dropped_wait_goes_to_the_next_or_is_kept() {
    let notify = Notify::new();
    let (mut a, mut b) = (notified(&notify), notified(&notify));
    let (count, waker) = Count::new();
    assert!(poll(&mut a).is_pending() && poll_with(&mut b, &waker).is_pending());
    notify.notify_one();
    drop(a);
    assert_eq!(count.get(), 1);
    drop(b);
    assert!(poll(&mut notified(&notify)).is_ready(), "it was kept");
}

#[test]
fn all_who_have_called_notified_are_notified_and_nothing_is_kept() {
    let notify = Notify::new();
    let (mut polled, mut called) = (notified(&notify), notified(&notify));
    assert!(poll(&mut polled).is_pending());
    notify.notify_waiters();
    let mut later = notified(&notify);
    assert!(poll(&mut later).is_pending());
    assert!(poll(&mut polled).is_ready() && poll(&mut called).is_ready());
    assert!(poll(&mut later).is_pending() && poll(&mut called).is_pending());
}

#[test]
fn what_all_were_given_is_not_passed_on() {
    let notify = Notify::new();
    let mut wait = notified(&notify);
    assert!(poll(&mut wait).is_pending());
    notify.notify_waiters();
    drop(wait);
    assert!(poll(&mut notified(&notify)).is_pending());
}

#[test]
fn a_wait_that_was_enabled_is_in_line() {
    let notify = Notify::new();
    let (mut a, mut b) = (notified(&notify), notified(&notify));
    assert!(!a.as_mut().enable() && !b.as_mut().enable());
    notify.notify_one();
    assert!(a.as_mut().enable() && !b.as_mut().enable());
    assert!(poll(&mut b).is_pending() && poll(&mut a).is_ready());
    // One that was kept is taken by `enable`, and handed on if that future is dropped.
    drop(b);
    notify.notify_one();
    let mut enabled = notified(&notify);
    assert!(enabled.as_mut().enable() && enabled.as_mut().enable());
    assert!(poll(&mut notified(&notify)).is_pending(), "it is taken");
    drop(enabled);
    assert!(poll(&mut notified(&notify)).is_ready());
}

#[test]
fn an_owned_wait_keeps_it_alive() {
    let notify = Arc::new(Notify::new());
    let mut wait = Box::pin(notify.clone().notified_owned());
    assert!(poll(&mut wait).is_pending());
    assert_eq!(Arc::strong_count(&notify), 2);
    notify.notify_one();
    drop(wait);
    assert!(poll(&mut notified(&notify)).is_ready());
}

#[test]
fn a_crowd_is_notified_and_the_newcomers_are_not() {
    let notify = Notify::new();
    let mut waits: Vec<_> = (0..100).map(|_| notified(&notify)).collect();
    assert!(waits.iter_mut().all(|wait| poll(wait).is_pending()));
    notify.notify_waiters();
    let mut later = notified(&notify);
    assert!(poll(&mut later).is_pending());
    assert!(waits.iter_mut().all(|wait| poll(wait).is_ready()));
    assert!(poll(&mut later).is_pending());
}

/// A count that is changed, then notified of; whoever waits for it sees each change in the end.
#[test]
fn no_notification_is_lost_between_a_look_and_a_wait() {
    for_threads(|threads| {
        let (notify, left) = (Notify::new(), AtomicUsize::new(threads * ROUNDS));
        in_threads(threads + 1, |thread| {
            if thread == threads {
                while left.load(Ordering::SeqCst) > 0 {
                    match left.load(Ordering::SeqCst) % 2 {
                        0 => block_on(notify.notified()),
                        _ => notify.blocking_notified(),
                    }
                }
                return;
            }
            for _ in 0..ROUNDS {
                let _ = poll(&mut notified(&notify));
                left.fetch_sub(1, Ordering::SeqCst);
                notify.notify_one();
            }
        });
    });
}

#[test]
fn each_round_notifies_every_thread_that_waits() {
    for_threads(|threads| {
        let (notify, rounds) = (Notify::new(), AtomicUsize::new(0));
        let arrived = AtomicUsize::new(0);
        in_threads(threads + 1, |thread| {
            for round in 1..=ROUNDS {
                if thread == threads {
                    while arrived.load(Ordering::SeqCst) < threads * round {
                        std::thread::yield_now();
                    }
                    rounds.store(round, Ordering::SeqCst);
                    notify.notify_waiters();
                } else {
                    let wait = notify.notified();
                    arrived.fetch_add(1, Ordering::SeqCst);
                    block_on(wait);
                    assert!(rounds.load(Ordering::SeqCst) >= round);
                }
            }
        });
    });
}

#[test]
fn it_is_small() {
    const WORD: usize = size_of::<usize>();
    assert_eq!(size_of::<Notify>(), 3 * WORD);
    assert_eq!(size_of::<Wait<Notified<&Notify>>>(), 8 * WORD);
}

proptest! {
    /// Against a model of who waits, in order, and whether one is kept.
    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(
        calls in prop::collection::vec((0_u8..7, any::<usize>()), 0..100),
    ) {
        let notify = Notify::new();
        // Each with: does it wait in line, is it notified, and that by `notify_one`.
        let mut waits: Vec<(usize, Waiting<'_>)> = Vec::new();
        let (mut line, mut one, mut all) = (Vec::new(), Vec::new(), Vec::new());
        let mut kept = false;
        let notify_one = |line: &mut Vec<usize>, one: &mut Vec<usize>, kept: &mut bool| {
            if line.is_empty() { *kept = true } else { one.push(line.remove(0)) }
        };
        for (id, (kind, n)) in calls.into_iter().enumerate() {
            let at = n.checked_rem(waits.len());
            match (kind, at) {
                (0, _) => waits.push((id, notified(&notify))),
                (1, _) => {
                    notify.notify_one();
                    notify_one(&mut line, &mut one, &mut kept);
                }
                (2, _) if n % 3 == 0 => {
                    notify.notify_waiters();
                    line.clear();
                    let rest = waits.iter().map(|(id, _)| *id).filter(|id| !one.contains(id));
                    all = rest.collect();
                }
                (3 | 4, Some(at)) => {
                    let (id, wait) = &mut waits[at];
                    let id = *id;
                    let ready = if all.contains(&id) || one.contains(&id) {
                        true
                    } else if !line.contains(&id) && kept {
                        kept = false;
                        one.push(id);
                        true
                    } else {
                        if !line.contains(&id) {
                            line.push(id);
                        }
                        false
                    };
                    if kind == 3 {
                        prop_assert_eq!(poll(wait).is_ready(), ready);
                        if ready {
                            one.retain(|it| *it != id);
                            all.retain(|it| *it != id);
                            drop(waits.remove(at));
                        }
                    } else {
                        prop_assert_eq!(wait.as_mut().enable(), ready);
                    }
                }
                (5, Some(at)) => {
                    let (id, wait) = waits.remove(at);
                    drop(wait);
                    line.retain(|it| *it != id);
                    all.retain(|it| *it != id);
                    if one.contains(&id) {
                        one.retain(|it| *it != id);
                        notify_one(&mut line, &mut one, &mut kept);
                    }
                }
                _ => {}
            }
            let debug = format!("Notify {{ kept: {kept}, waiters: {} }}", line.len());
            prop_assert_eq!(format!("{notify:?}"), debug);
        }
    }
}

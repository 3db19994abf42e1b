//! The list by itself.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Wake, Waker};

use loopwork_shim::sync::Mutex;

use super::{Left, List, Waiter, WakeList};

struct Log(usize, Sender<usize>);

impl Wake for Log {
    fn wake(self: Arc<Self>) {
        let _ = self.1.send(self.0);
    }
}

fn waiters(count: usize) -> Vec<Pin<Box<Waiter>>> {
    (0..count).map(|_| Box::pin(Waiter::new())).collect()
}

/// A waiter that is never dropped. The leak sanitizer finds it where it looks.
fn leaked() -> Pin<&'static Waiter> {
    static LEAKED: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let waiter: &'static Waiter = Box::leak(Box::new(Waiter::new()));
    LEAKED.lock().push((&raw const *waiter).expose_provenance());
    Pin::static_ref(waiter)
}

fn noop() -> Waker {
    Waker::noop().clone()
}

fn granted(waiters: &[Pin<Box<Waiter>>]) -> Vec<Option<usize>> {
    waiters.iter().map(|waiter| waiter.take_grant()).collect()
}

/// Ends of the list and its middle, by each who leaves.
#[test]
fn whoever_leaves_the_others_stay_in_order() {
    for leaves in 0..3 {
        let (mut list, waiters) = (List::new(), waiters(3));
        for (n, waiter) in waiters.iter().enumerate() {
            list.push_back(waiter.as_ref(), n, noop());
        }
        assert!(matches!(list.leave(waiters[leaves].as_ref()), Left::Waiting(_)));
        assert!(matches!(list.leave(waiters[leaves].as_ref()), Left::Idle), "only once");
        assert_eq!(list.len(), 2);
        let rest: Vec<_> = (0..3).filter(|n| *n != leaves).collect();
        for n in rest {
            assert_eq!(list.first_request(), Some(n));
            assert!(list.grant_first(10 + n).is_some());
            assert_eq!(waiters[n].take_grant(), Some(10 + n));
        }
        assert!(list.is_empty() && list.grant_first(0).is_none());
    }
}

#[test]
fn there_are_three_places_to_wait_in() {
    let (mut list, waiters) = (List::new(), waiters(4));
    list.push_back(waiters[0].as_ref(), 5, noop());
    list.push_back(waiters[1].as_ref(), 7, noop());
    list.push_in_order(waiters[2].as_ref(), 6, noop());
    list.push_front(waiters[3].as_ref(), 1, noop());
    let order: Vec<_> = std::iter::from_fn(|| {
        let first = list.first_request()?;
        drop(list.grant_first(0));
        Some(first)
    })
    .collect();
    assert_eq!(order, [1, 5, 6, 7]);
    assert_eq!(granted(&waiters), [Some(0); 4]);
}

#[test]
fn a_grant_is_taken_once_and_the_waiter_waits_again() {
    let (mut list, waiters) = (List::new(), waiters(1));
    let waiter = waiters[0].as_ref();
    list.push_back(waiter, 0, noop());
    drop(list.grant_first(3));
    assert!(!waiter.is_idle());
    assert!(matches!(list.leave(waiter), Left::Granted(3)));
    assert!(waiter.is_idle() && waiter.take_grant().is_none());
    list.push_back(waiter, 0, noop());
    drop(list.grant_first(4));
    assert_eq!(waiter.take_grant(), Some(4));
}

#[test]
fn a_waiter_is_not_found_in_another_list() {
    let (mut list, mut other, waiters) = (List::new(), List::new(), waiters(2));
    list.push_back(waiters[0].as_ref(), 0, noop());
    other.push_back(waiters[1].as_ref(), 0, noop());
    assert!(matches!(other.leave(waiters[0].as_ref()), Left::Idle));
    assert_eq!(list.len(), 1);
    // Also not if the lists change places: their heads do not.
    std::mem::swap(&mut list, &mut other);
    assert!(matches!(list.leave(waiters[0].as_ref()), Left::Idle));
    assert!(matches!(other.leave(waiters[0].as_ref()), Left::Waiting(_)));
    assert!(matches!(list.leave(waiters[1].as_ref()), Left::Waiting(_)));
}

#[test]
fn a_list_is_dropped_before_a_leaked_waiter() {
    let mut list = List::new();
    let waiter = leaked();
    list.push_back(waiter, 0, noop());
    drop(list);
    assert!(!waiter.is_idle());
}

#[test]
#[should_panic(expected = "a waiter waits once at a time")]
fn a_waiter_is_not_pushed_twice() {
    // Leaked, or the unwinding would drop it while it waits.
    let waiter = leaked();
    let mut list = List::new();
    list.push_back(waiter, 0, noop());
    list.push_back(waiter, 0, noop());
}

#[test]
fn a_poll_changes_the_waker_and_sees_the_grant() {
    let (sender, woken) = channel();
    let waker = |n| Waker::from(Arc::new(Log(n, sender.clone())));
    let mutex = Mutex::new(List::new());
    let waiters = waiters(1);
    let waiter = waiters[0].as_ref();
    mutex.lock().push_back(waiter, 0, waker(1));
    let newer = waker(2);
    for _ in 0..2 {
        let cx = Context::from_waker(&newer);
        assert_eq!(waiter.poll(&cx, &mutex, |list| list), Poll::Pending);
    }
    let last = mutex.lock().grant_first(9);
    last.unwrap().wake();
    assert_eq!(woken.try_iter().collect::<Vec<_>>(), [2]);
    let cx = Context::from_waker(Waker::noop());
    assert_eq!(waiter.poll(&cx, &mutex, |list| list), Poll::Ready(9));
}

#[test]
fn wakers_are_woken_in_order_and_by_the_drop_too() {
    let (sender, woken) = channel();
    let waker = |n| Some(Waker::from(Arc::new(Log(n, sender.clone()))));
    let mut wakers = WakeList::new();
    for n in 0..WakeList::ROOM {
        assert!(!wakers.is_full());
        wakers.push(waker(n));
    }
    assert!(wakers.is_full());
    wakers.wake();
    assert_eq!(woken.try_iter().collect::<Vec<_>>(), (0..WakeList::ROOM).collect::<Vec<_>>());
    wakers.push(None);
    wakers.push(waker(7));
    drop(wakers);
    assert_eq!(woken.try_iter().collect::<Vec<_>>(), [7]);
}

#[test]
fn a_waiter_is_six_words() {
    assert_eq!(size_of::<Waiter>(), 6 * size_of::<usize>());
    assert_eq!(size_of::<List>(), size_of::<usize>());
    assert_eq!(size_of::<Mutex<List>>(), 2 * size_of::<usize>());
}

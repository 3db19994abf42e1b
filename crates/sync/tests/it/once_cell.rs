use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::executor::block_on;
use loopwork_sync::OnceCell;
use loopwork_sync::once_cell::SetError;

use crate::{Count, for_threads, in_threads, poll, poll_with};

#[test]
fn the_first_makes_the_value_and_the_others_wait_for_it() {
    let cell = OnceCell::new();
    let mut first = Box::pin(cell.get_or_init(async || {
        let mut waited = false;
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut waited, true) { Poll::Ready(1) } else { Poll::Pending }
        })
        .await
    }));
    let mut second = Box::pin(cell.get_or_init(async || unreachable!("it is being made")));
    assert!(poll(&mut first).is_pending());
    let (count, waker) = Count::new();
    assert!(poll_with(&mut second, &waker).is_pending());
    assert_eq!(cell.get(), None);
    assert_eq!(cell.set(9), Err(SetError::Initializing(9)));
    assert_eq!(format!("{cell:?}"), "OnceCell { value: None, initializing: true }");
    assert_eq!(poll(&mut first), Poll::Ready(&1));
    assert_eq!(count.get(), 1);
    assert_eq!(poll(&mut second), Poll::Ready(&1));
    assert_eq!(cell.set(9), Err(SetError::AlreadySet(9)));
    assert_eq!(cell.set(9).unwrap_err().into_inner(), 9);
}

#[test]
fn one_that_is_dropped_while_it_makes_the_value_lets_the_next_try() {
    let cell = OnceCell::new();
    let mut first = Box::pin(cell.get_or_init(std::future::pending::<i32>));
    let (count, waker) = Count::new();
    let mut second = Box::pin(cell.get_or_init(async || 2));
    assert!(poll(&mut first).is_pending() && poll_with(&mut second, &waker).is_pending());
    drop(first);
    assert_eq!(count.get(), 1);
    assert_eq!(poll(&mut second), Poll::Ready(&2));
}

#[test]
fn one_that_fails_or_panics_leaves_the_cell_empty() {
    let cell = OnceCell::new();
    assert_eq!(block_on(cell.get_or_try_init(async || Err::<i32, _>("no"))), Err("no"));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        block_on(cell.get_or_init(async || panic!("no")));
    }));
    assert!(panicked.is_err() && !cell.is_set());
    assert_eq!(block_on(cell.get_or_try_init(async || Ok::<_, ()>(3))), Ok(&3));
}

#[test]
fn a_cell_is_set_and_taken_apart() {
    let mut cell = OnceCell::new();
    assert_eq!(cell.get_mut(), None);
    cell.set(1).unwrap();
    *cell.get_mut().unwrap() += 1;
    assert_eq!(cell.into_inner(), Some(2));
    assert_eq!(OnceCell::from(5).get(), Some(&5));
    assert_eq!(OnceCell::<u8>::default().into_inner(), None);
}

#[test]
fn one_makes_it_whatever_the_number_of_threads() {
    for_threads(|threads| {
        for round in 0..50 {
            let (cell, made) = (OnceCell::new(), AtomicUsize::new(0));
            in_threads(threads, |thread| {
                if (thread + round) % 4 == 1 {
                    let _ = poll(&mut Box::pin(cell.get_or_init(std::future::pending::<String>)));
                }
                let value = block_on(cell.get_or_init(async || {
                    made.fetch_add(1, Ordering::SeqCst);
                    "made".to_owned()
                }));
                assert_eq!(value, "made");
            });
            assert_eq!(made.load(Ordering::SeqCst), 1);
        }
    });
}

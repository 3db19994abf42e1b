//! The tools over a source that is pending before each item, and at the edges.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures::executor::block_on;
use loopwork_iter::{
    Stream, accumulate, alist, anext, chain, count, cycle, dropwhile, enumerate, filterfalse,
    islice, iter, repeat, repeat_n, takewhile,
};

/// Gives `0..end`, is pending before each item, and counts the items taken from it.
struct Slow {
    next: u32,
    end: u32,
    ready: bool,
    taken: Rc<Cell<u32>>,
}

fn slow(end: u32) -> Slow {
    Slow { next: 0, end, ready: false, taken: Rc::default() }
}

impl Stream for Slow {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
        self.ready = !self.ready;
        if self.ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.next == self.end {
            return Poll::Ready(None);
        }
        self.next += 1;
        self.taken.set(self.taken.get() + 1);
        Poll::Ready(Some(self.next - 1))
    }
}

/// A source that is not `Unpin`.
fn pinned(end: u32) -> impl Stream<Item = u32> {
    futures::stream::unfold(0, move |n| async move { (n < end).then_some((n, n + 1)) })
}

fn list<S: Stream>(stream: S) -> Vec<S::Item> {
    block_on(alist(stream))
}

#[test]
fn a_pending_source_makes_each_tool_pending_and_loses_nothing() {
    assert_eq!(list(chain(slow(2), slow(3))), [0, 1, 0, 1, 2]);
    assert_eq!(list(islice(slow(9), 1..7).step_by(2)), [1, 3, 5]);
    assert_eq!(list(takewhile(|n| *n < 3, slow(9))), [0, 1, 2]);
    assert_eq!(list(dropwhile(|n| *n < 3, slow(5))), [3, 4]);
    assert_eq!(list(filterfalse(|n| n % 2 == 0, slow(6))), [1, 3, 5]);
    assert_eq!(list(enumerate(slow(2), 7)), [(7, 0), (8, 1)]);
    assert_eq!(list(accumulate(slow(5), |total, n| total + n)), [0, 1, 3, 6, 10]);
    assert_eq!(list(islice(cycle(slow(2)), ..5)), [0, 1, 0, 1, 0]);
}

#[test]
fn no_tool_needs_a_source_that_may_move() {
    assert_eq!(list(chain(pinned(1), pinned(2))), [0, 0, 1]);
    assert_eq!(list(islice(cycle(pinned(2)), 1..4)), [1, 0, 1]);
    assert_eq!(list(takewhile(|n| *n < 1, dropwhile(|n| *n < 1, pinned(3)))), []);
    assert_eq!(list(enumerate(filterfalse(|n| *n == 0, pinned(3)), 0)), [(0, 1), (1, 2)]);
    assert_eq!(list(accumulate(pinned(4), |total, n| total + n)), [0, 1, 3, 6]);
    assert_eq!(block_on(anext(&mut pin!(pinned(1)))), Some(0));
}

#[test]
fn anext_dropped_while_pending_takes_no_item() {
    let mut source = slow(2);
    {
        let mut next = pin!(anext(&mut source));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(std::future::Future::poll(next.as_mut(), &mut cx).is_pending());
    }
    assert_eq!(source.taken.get(), 0);
    assert_eq!(list(source), [0, 1]);
}

#[test]
fn a_slice_takes_as_many_items_as_its_end_says() {
    let (nothing, backwards) = (3..3, std::ops::Range { start: 4, end: 2 });
    for (range, step, expected) in
        [(0..5, 3, vec![0, 3]), (2..4, 1, vec![2, 3]), (nothing, 1, vec![]), (backwards, 1, vec![])]
    {
        let source = slow(9);
        let (taken, end) = (source.taken.clone(), range.end);
        assert_eq!(list(islice(source, range).step_by(step)), expected);
        assert_eq!(taken.get() as usize, end);
    }
}

#[test]
fn a_slice_of_a_short_source_ends_with_it() {
    assert_eq!(list(islice(slow(2), 1..100)), [1]);
    assert_eq!(list(islice(slow(2), 5..)), []);
    assert_eq!(list(islice(slow(3), ..)), [0, 1, 2]);
    assert_eq!(list(islice(slow(3), ..=usize::MAX).step_by(usize::MAX)), [0]);
}

#[test]
#[should_panic(expected = "a step must be at least 1")]
fn a_slice_without_progress_is_refused() {
    let _ = islice(slow(1), ..).step_by(0);
}

#[test]
fn who_ended_is_not_asked_again() {
    let source = slow(9);
    let taken = source.taken.clone();
    let mut few = takewhile(|n| *n < 1, source);
    block_on(async {
        assert_eq!(anext(&mut few).await, Some(0));
        assert_eq!(anext(&mut few).await, None);
        assert_eq!(anext(&mut few).await, None);
    });
    assert_eq!(taken.get(), 2);
}

#[test]
fn chain_drops_its_first_when_that_ends() {
    let first = slow(1);
    let handle = first.taken.clone();
    let mut both = chain(first, slow(2));
    assert_eq!(block_on(anext(&mut both)), Some(0));
    assert_eq!(Rc::strong_count(&handle), 2);
    assert_eq!(block_on(anext(&mut both)), Some(0));
    assert_eq!(Rc::strong_count(&handle), 1);
}

#[test]
fn a_cycle_of_nothing_ends() {
    assert_eq!(list(cycle(slow(0))), []);
}

#[test]
fn a_count_reaches_the_last_value_before_an_overflow() {
    assert_eq!(list(islice(count(250_u8, 5), ..2)), [250, 255]);
    assert_eq!(list(islice(count(0.5, 0.25), ..3)), [0.5, 0.75, 1.0]);
}

#[test]
fn hints_of_length_add_up() {
    assert_eq!(chain(iter(0..3), repeat_n(1, 4)).size_hint(), (7, Some(7)));
    assert_eq!(chain(iter(0..3), repeat(1)).size_hint(), (usize::MAX, None));
    assert_eq!(enumerate(iter([1, 2]), 0).size_hint(), (2, Some(2)));
}

#[test]
fn debug_shows_what_there_is() {
    assert_eq!(format!("{:?}", cycle(iter([1]))), "Cycle { saved: 0, replaying: false, .. }");
    let shown = format!("{:?}", takewhile(|_| true, repeat_n(1, 2)));
    assert_eq!(shown, "TakeWhile { stream: RepeatN { value: 1, left: 2 }, ended: false, .. }");
}

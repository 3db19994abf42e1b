//! Streams made of plain values. They are never pending.

use std::ops::Add;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// The items of an iterator, as a stream. Python's `aiter`.
///
/// ```
/// use loopwork_iter::{alist, iter};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(iter("abc".chars())).await, ['a', 'b', 'c']);
/// # });
/// ```
#[doc(alias = "aiter")]
#[doc(alias = "aitertools.aiter")]
pub fn iter<I: IntoIterator>(items: I) -> Iter<I::IntoIter> {
    Iter { items: items.into_iter() }
}

/// The stream of [`iter`].
#[derive(Debug, Clone)]
#[must_use = "streams do nothing unless polled"]
pub struct Iter<I> {
    items: I,
}

/// The iterator is moved, never pinned.
impl<I> Unpin for Iter<I> {}

impl<I: Iterator> Stream for Iter<I> {
    type Item = I::Item;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.get_mut().items.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

/// `start`, `start + step`, `start + 2 * step` and so on, without end.
///
/// ```
/// use loopwork_iter::{alist, count, islice};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(islice(count(10, 5), ..3)).await, [10, 15, 20]);
/// # });
/// ```
///
/// # Panics
///
/// The stream panics when the addition does: for integers, on overflow in builds that check it.
#[doc(alias = "aitertools.count")]
pub fn count<T: Clone + Add<Output = T>>(start: T, step: T) -> Count<T> {
    Count { current: start, step, started: false }
}

/// The stream of [`count`].
#[derive(Debug, Clone)]
#[must_use = "streams do nothing unless polled"]
pub struct Count<T> {
    current: T,
    step: T,
    /// Whether `current` was given out; only then is the step added, so that the last value
    /// before an overflow can be reached.
    started: bool,
}

impl<T> Unpin for Count<T> {}

impl<T: Clone + Add<Output = T>> Stream for Count<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        if this.started {
            this.current = this.current.clone() + this.step.clone();
        }
        this.started = true;
        Poll::Ready(Some(this.current.clone()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

/// The same value again and again, without end.
///
/// ```
/// use loopwork_iter::{anext, repeat};
///
/// # futures::executor::block_on(async {
/// let mut knocks = repeat("knock");
/// assert_eq!(anext(&mut knocks).await, Some("knock"));
/// assert_eq!(anext(&mut knocks).await, Some("knock"));
/// # });
/// ```
#[doc(alias = "aitertools.repeat")]
pub fn repeat<T: Clone>(value: T) -> Repeat<T> {
    Repeat { value }
}

/// The stream of [`repeat`].
#[derive(Debug, Clone)]
#[must_use = "streams do nothing unless polled"]
pub struct Repeat<T> {
    value: T,
}

impl<T> Unpin for Repeat<T> {}

impl<T: Clone> Stream for Repeat<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(Some(self.value.clone()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

/// The same value `times` times. Python's `repeat` with a second argument.
///
/// ```
/// use loopwork_iter::{alist, repeat_n};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(repeat_n("knock", 2)).await, ["knock", "knock"]);
/// # });
/// ```
#[doc(alias = "aitertools.repeat")]
pub fn repeat_n<T: Clone>(value: T, times: usize) -> RepeatN<T> {
    RepeatN { value, left: times }
}

/// The stream of [`repeat_n`].
#[derive(Debug, Clone)]
#[must_use = "streams do nothing unless polled"]
pub struct RepeatN<T> {
    value: T,
    left: usize,
}

impl<T> Unpin for RepeatN<T> {}

impl<T: Clone> Stream for RepeatN<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        let Some(left) = this.left.checked_sub(1) else { return Poll::Ready(None) };
        this.left = left;
        Poll::Ready(Some(this.value.clone()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

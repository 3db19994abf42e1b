//! Streams without the items that a predicate refuses.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

/// The items up to the first that `predicate` refuses.
///
/// That item is taken from the stream and lost, as in Python; the stream is not asked again.
///
/// ```
/// use loopwork_iter::{alist, iter, takewhile};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(takewhile(|n| *n < 3, iter([1, 2, 5, 1]))).await, [1, 2]);
/// # });
/// ```
#[doc(alias = "aitertools.takewhile")]
pub fn takewhile<S, P>(predicate: P, stream: S) -> TakeWhile<P, S>
where
    S: Stream,
    P: FnMut(&S::Item) -> bool,
{
    TakeWhile { stream, predicate, ended: false }
}

pin_project! {
    /// The stream of [`takewhile`].
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct TakeWhile<P, S> {
        #[pin]
        stream: S,
        predicate: P,
        ended: bool,
    }
}

impl<S: Stream, P: FnMut(&S::Item) -> bool> Stream for TakeWhile<P, S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        let item = ready!(this.stream.poll_next(cx)).filter(this.predicate);
        *this.ended = item.is_none();
        Poll::Ready(item)
    }
}

/// The items from the first that `predicate` refuses, that one included.
///
/// ```
/// use loopwork_iter::{alist, dropwhile, iter};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(dropwhile(|n| *n < 3, iter([1, 2, 5, 1]))).await, [5, 1]);
/// # });
/// ```
#[doc(alias = "aitertools.dropwhile")]
pub fn dropwhile<S, P>(predicate: P, stream: S) -> DropWhile<P, S>
where
    S: Stream,
    P: FnMut(&S::Item) -> bool,
{
    DropWhile { stream, predicate, dropping: true }
}

pin_project! {
    /// The stream of [`dropwhile`].
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct DropWhile<P, S> {
        #[pin]
        stream: S,
        predicate: P,
        dropping: bool,
    }
}

impl<S: Stream, P: FnMut(&S::Item) -> bool> Stream for DropWhile<P, S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        loop {
            let item = ready!(this.stream.as_mut().poll_next(cx));
            match &item {
                Some(candidate) if *this.dropping && (this.predicate)(candidate) => {}
                _ => {
                    *this.dropping = false;
                    return Poll::Ready(item);
                }
            }
        }
    }
}

/// The items that `predicate` refuses.
///
/// ```
/// use loopwork_iter::{alist, filterfalse, iter};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(filterfalse(|n| n % 2 == 0, iter(1..6))).await, [1, 3, 5]);
/// # });
/// ```
#[doc(alias = "aitertools.filterfalse")]
pub fn filterfalse<S, P>(predicate: P, stream: S) -> FilterFalse<P, S>
where
    S: Stream,
    P: FnMut(&S::Item) -> bool,
{
    FilterFalse { stream, predicate }
}

pin_project! {
    /// The stream of [`filterfalse`].
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct FilterFalse<P, S> {
        #[pin]
        stream: S,
        predicate: P,
    }
}

impl<S: Stream, P: FnMut(&S::Item) -> bool> Stream for FilterFalse<P, S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        loop {
            let item = ready!(this.stream.as_mut().poll_next(cx));
            match &item {
                Some(candidate) if (this.predicate)(candidate) => {}
                _ => return Poll::Ready(item),
            }
        }
    }
}

impl<P, S: fmt::Debug> fmt::Debug for TakeWhile<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakeWhile")
            .field("stream", &self.stream)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl<P, S: fmt::Debug> fmt::Debug for DropWhile<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DropWhile")
            .field("stream", &self.stream)
            .field("dropping", &self.dropping)
            .finish_non_exhaustive()
    }
}

impl<P, S: fmt::Debug> fmt::Debug for FilterFalse<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterFalse").field("stream", &self.stream).finish_non_exhaustive()
    }
}

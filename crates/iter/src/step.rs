//! Streams of something made of each item.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

/// Each item with its number, from `start` on.
///
/// ```
/// use loopwork_iter::{alist, enumerate, iter};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(enumerate(iter(["a", "b"]), 1)).await, [(1, "a"), (2, "b")]);
/// # });
/// ```
pub fn enumerate<S: Stream>(stream: S, start: usize) -> Enumerate<S> {
    Enumerate { stream, next: start }
}

pin_project! {
    /// The stream of [`enumerate`].
    #[derive(Debug, Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Enumerate<S> {
        #[pin]
        stream: S,
        next: usize,
    }
}

impl<S: Stream> Stream for Enumerate<S> {
    type Item = (usize, S::Item);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let Some(item) = ready!(this.stream.poll_next(cx)) else { return Poll::Ready(None) };
        let number = *this.next;
        *this.next = number.wrapping_add(1);
        Poll::Ready(Some((number, item)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

/// The first item, then each item combined with the total before it.
///
/// ```
/// use loopwork_iter::{accumulate, alist, iter};
///
/// # futures::executor::block_on(async {
/// let sums = accumulate(iter([1, 2, 3, 4]), |total, item| total + item);
/// assert_eq!(alist(sums).await, [1, 3, 6, 10]);
/// # });
/// ```
#[doc(alias = "aitertools.accumulate")]
pub fn accumulate<S, F>(stream: S, combine: F) -> Accumulate<S, F>
where
    S: Stream,
    S::Item: Clone,
    F: FnMut(&S::Item, S::Item) -> S::Item,
{
    Accumulate { stream, combine, total: None }
}

pin_project! {
    /// The stream of [`accumulate`].
    #[must_use = "streams do nothing unless polled"]
    pub struct Accumulate<S: Stream, F> {
        #[pin]
        stream: S,
        combine: F,
        total: Option<S::Item>,
    }
}

impl<S, F> Stream for Accumulate<S, F>
where
    S: Stream,
    S::Item: Clone,
    F: FnMut(&S::Item, S::Item) -> S::Item,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let Some(item) = ready!(this.stream.poll_next(cx)) else { return Poll::Ready(None) };
        let total = match &*this.total {
            None => item,
            Some(total) => (this.combine)(total, item),
        };
        *this.total = Some(total.clone());
        Poll::Ready(Some(total))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<S: Stream + fmt::Debug, F> fmt::Debug for Accumulate<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accumulate").field("stream", &self.stream).finish_non_exhaustive()
    }
}

//! One stream after another, or after itself.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

/// The items of `first`, then those of `second`.
///
/// `first` is dropped as soon as it ends.
///
/// ```
/// use loopwork_iter::{alist, chain, iter};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(chain(iter([1, 2]), iter([3]))).await, [1, 2, 3]);
/// # });
/// ```
#[doc(alias = "aitertools.chain")]
pub fn chain<A: Stream, B: Stream<Item = A::Item>>(first: A, second: B) -> Chain<A, B> {
    Chain { first: Some(first), second }
}

pin_project! {
    /// The stream of [`chain`].
    #[derive(Debug, Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Chain<A, B> {
        #[pin]
        first: Option<A>,
        #[pin]
        second: B,
    }
}

impl<A: Stream, B: Stream<Item = A::Item>> Stream for Chain<A, B> {
    type Item = A::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A::Item>> {
        let mut this = self.project();
        if let Some(first) = this.first.as_mut().as_pin_mut() {
            if let Some(item) = ready!(first.poll_next(cx)) {
                return Poll::Ready(Some(item));
            }
            this.first.set(None);
        }
        this.second.poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (low, high) = self.second.size_hint();
        match &self.first {
            None => (low, high),
            Some(first) => {
                let (first_low, first_high) = first.size_hint();
                let high = first_high.and_then(|a| high.and_then(|b| a.checked_add(b)));
                (low.saturating_add(first_low), high)
            }
        }
    }
}

/// The items of a stream, then the same again, without end. Ends at once if there are none.
///
/// It keeps a clone of each item, and drops the stream when that ends.
///
/// ```
/// use loopwork_iter::{alist, cycle, islice, iter};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(islice(cycle(iter([1, 2])), ..5)).await, [1, 2, 1, 2, 1]);
/// # });
/// ```
#[doc(alias = "aitertools.cycle")]
pub fn cycle<S: Stream>(stream: S) -> Cycle<S>
where
    S::Item: Clone,
{
    Cycle { stream: Some(stream), saved: Vec::new(), at: 0 }
}

pin_project! {
    /// The stream of [`cycle`].
    #[must_use = "streams do nothing unless polled"]
    pub struct Cycle<S: Stream> {
        #[pin]
        stream: Option<S>,
        saved: Vec<S::Item>,
        at: usize,
    }
}

impl<S: Stream> Stream for Cycle<S>
where
    S::Item: Clone,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        if let Some(stream) = this.stream.as_mut().as_pin_mut() {
            if let Some(item) = ready!(stream.poll_next(cx)) {
                this.saved.push(item.clone());
                return Poll::Ready(Some(item));
            }
            this.stream.set(None);
        }
        let item = this.saved.get(*this.at).cloned();
        *this.at = if *this.at + 1 < this.saved.len() { *this.at + 1 } else { 0 };
        Poll::Ready(item)
    }
}

impl<S: Stream> std::fmt::Debug for Cycle<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cycle")
            .field("saved", &self.saved.len())
            .field("replaying", &self.stream.is_none())
            .finish_non_exhaustive()
    }
}

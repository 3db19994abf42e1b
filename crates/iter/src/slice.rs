//! Some of a stream's items, by their place.

use std::ops::{Bound, RangeBounds};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

/// The items whose places are in `range`; with [`step_by`](Islice::step_by), every so many of them.
///
/// At the end of a bounded range, exactly as many items as its end says were taken from the
/// stream, as in Python; the stream is not asked again.
///
/// ```
/// use loopwork_iter::{alist, islice, iter};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(islice(iter("ABCDEFG".chars()), ..2)).await, ['A', 'B']);
/// assert_eq!(alist(islice(iter("ABCDEFG".chars()), 2..=3)).await, ['C', 'D']);
/// assert_eq!(alist(islice(iter("ABCDEFG".chars()), 1..).step_by(3)).await, ['B', 'E']);
/// # });
/// ```
#[doc(alias = "aitertools.islice")]
#[doc(alias = "take")]
#[doc(alias = "skip")]
pub fn islice<S: Stream>(stream: S, range: impl RangeBounds<usize>) -> Islice<S> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    // An end beyond the last place there can be is none.
    let stop = match range.end_bound() {
        Bound::Included(last) => last.checked_add(1),
        Bound::Excluded(stop) => Some(*stop),
        Bound::Unbounded => None,
    };
    Islice { stream, at: 0, next: start, stop, step: 1, ended: false }
}

pin_project! {
    /// The stream of [`islice`].
    #[derive(Debug, Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Islice<S> {
        #[pin]
        stream: S,
        // How many items were taken from the stream.
        at: usize,
        // The place of the next item to give out.
        next: usize,
        stop: Option<usize>,
        step: usize,
        ended: bool,
    }
}

impl<S> Islice<S> {
    /// Gives out every `step`-th item of the range, beginning with its first.
    ///
    /// # Panics
    ///
    /// If `step` is zero.
    #[track_caller]
    pub fn step_by(mut self, step: usize) -> Self {
        assert!(step > 0, "a step must be at least 1");
        self.step = step;
        self
    }
}

impl<S: Stream> Stream for Islice<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        while !*this.ended && this.stop.is_none_or(|stop| *this.at < stop) {
            let Some(item) = ready!(this.stream.as_mut().poll_next(cx)) else { break };
            let place = *this.at;
            *this.at += 1;
            if place == *this.next {
                // Beyond the last place there can be, nothing follows.
                *this.next = place.saturating_add(*this.step);
                return Poll::Ready(Some(item));
            }
        }
        *this.ended = true;
        Poll::Ready(None)
    }
}

//! A queue as a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{Get, Order, QueueOf};
use crate::wait::Wait;

pin_project! {
    /// The items of a queue, until it is shut down and empty: see [`QueueOf::stream`].
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Items<'a, O: Order> {
        #[pin]
        get: Wait<Get<'a, O>>,
    }
}

impl<'a, O: Order> Items<'a, O> {
    pub(super) fn new(queue: &'a QueueOf<O>) -> Self {
        Self { get: queue.get() }
    }
}

impl<O: Order> Stream for Items<'_, O> {
    type Item = O::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<O::Item>> {
        self.project().get.poll(cx).map(Result::ok)
    }
}

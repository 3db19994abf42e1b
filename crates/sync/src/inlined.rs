//! Short futures as part of what awaits them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// As `std::future::poll_fn`, for what is a part of the caller's own poll, and not a call: each of them
/// would cost more than what it calls.
#[inline(always)]
pub(crate) fn inlined<T, F>(poll: F) -> Inlined<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin,
{
    Inlined(poll)
}

/// The future of [`inlined`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Inlined<F>(F);

impl<T, F> Future for Inlined<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin,
{
    type Output = T;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        (self.0)(cx)
    }
}

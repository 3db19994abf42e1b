//! Taking what a stream gives.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use futures_core::Stream;

/// How many items [`alist`] makes room for at most on the strength of a hint, which may be wrong or
/// infinite.
const MOST_RESERVED: usize = 1024;

/// The next item, or `None` at the end. Python's `anext`.
///
/// Dropping the future before it is ready takes no item. A stream that must be pinned is passed
/// as a pinned reference: `anext(&mut pin!(stream))`.
///
/// ```
/// use loopwork_iter::{anext, iter};
///
/// # futures::executor::block_on(async {
/// let mut words = iter(["ping", "pong"]);
/// assert_eq!(anext(&mut words).await, Some("ping"));
/// assert_eq!(anext(&mut words).await, Some("pong"));
/// assert_eq!(anext(&mut words).await, None);
/// # });
/// ```
#[doc(alias = "aitertools.anext")]
#[doc(alias = "__anext__")]
pub async fn anext<S: Stream + Unpin + ?Sized>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

/// All items, in a vector. Never ends if the stream does not.
///
/// Dropping the future drops the items taken so far.
///
/// ```
/// use loopwork_iter::{alist, iter};
///
/// # futures::executor::block_on(async {
/// assert_eq!(alist(iter(1..4)).await, [1, 2, 3]);
/// # });
/// ```
#[doc(alias = "aitertools.alist")]
#[doc(alias = "collect")]
pub async fn alist<S: Stream>(stream: S) -> Vec<S::Item> {
    let mut stream = pin!(stream);
    let mut items = Vec::with_capacity(stream.size_hint().0.min(MOST_RESERVED));
    while let Some(item) = anext(&mut stream).await {
        items.push(item);
    }
    items
}

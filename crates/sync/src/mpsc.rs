//! A channel for many values: many senders, one receiver.
//!
//! [`channel`] is bounded: it holds so many values, and a sender waits while it is full, which is how a slow
//! receiver slows its senders down. [`unbounded_channel`] never lets a sender wait, and grows.
//!
//! asyncio's counterpart is `Queue`, and so is [`Queue`](crate::Queue) here: many may get from it, and it
//! counts what is unfinished. A channel has one receiver and ends by itself: when the last sender is
//! gone the receiver drains it and then gets none; when the receiver is gone senders get their values back. For
//! one value there is [`oneshot`](crate::oneshot), for the latest value
//! [`watch`](crate::watch), for a value that each of many receivers gets [`broadcast`](crate::broadcast).
//!
//! Those who wait for room are served in the order they came, and nobody passes them. Dropping a future
//! loses nothing: see the [table](crate#what-happens-to-a-future-that-is-dropped).
//!
//! ```
//! use loopwork_sync::mpsc;
//!
//! let (sender, mut receiver) = mpsc::channel(2);
//! std::thread::spawn(move || (1..=3).try_for_each(|n| sender.blocking_send(n)));
//! futures::executor::block_on(async {
//!     let mut sum = 0;
//!     while let Some(n) = receiver.recv().await {
//!         sum += n;
//!     }
//!     assert_eq!(sum, 6);
//! });
//! ```
//!
//! Sending takes one atomic read-modify-write while the receiver is awake, receiving one fence, or nothing at
//! all if the channel is unbounded. Once 256 values in a row were sent into a bounded channel on one thread, that thread
//! sends without a read-modify-write, and a receiver that was not waited for so long receives without a fence; who changes that interrupts all threads of the
//! process, for some microseconds. No lock is taken unless somebody waits for room. How, and why nothing is lost,
//! is in `storage/README.md`. The places are a ring as in Dmitry Vyukov's bounded queue, or blocks as in
//! crossbeam's list; that a reservation is a number beside the position of the ring's end is ours.
//!
//! | file | holds |
//! |---|---|
//! | `mpsc/kind.rs` | [`Bounded`] and [`Unbounded`], and what the ends share |
//! | `mpsc/sender.rs` | [`Sender`], [`WeakSender`] |
//! | `mpsc/bounded.rs` | sending into a channel with a capacity |
//! | `mpsc/permit.rs` | [`Permit`], [`Permits`] |
//! | `mpsc/owned.rs` | [`OwnedPermit`] |
//! | `mpsc/sink.rs` | [`SenderSink`]: the sender as a `Sink` |
//! | `mpsc/receiver.rs` | [`Receiver`] |
//! | `mpsc/room.rs` | who waits for room |
//! | `mpsc/error.rs` | what may go wrong |

mod bounded;
mod error;
mod kind;
mod owned;
mod permit;
mod receiver;
mod room;
mod sender;
mod sink;

pub use self::error::{SendError, TryRecvError, TrySendError};
pub use self::kind::{Bounded, Kind, Unbounded};
pub use self::owned::OwnedPermit;
pub use self::permit::{Permit, Permits};
pub use self::receiver::{Receiver, UnboundedReceiver};
pub use self::sender::{Sender, UnboundedSender, WeakSender};
pub use self::sink::SenderSink;
use crate::storage::{Blocks, CAPACITY_MAX, Ring};

/// A channel that holds up to `capacity` values.
///
/// Memory for all of them is allocated now: for as many as the next power of two.
///
/// # Panics
///
/// If `capacity` is 0, or greater than 1,048,575.
///
/// ```
/// use loopwork_sync::mpsc::{self, TrySendError};
///
/// let (sender, mut receiver) = mpsc::channel(1);
/// sender.try_send(1).unwrap();
/// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
/// assert_eq!(receiver.try_recv(), Ok(1));
/// ```
#[track_caller]
#[must_use = "a channel is of use with both ends"]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a channel of capacity 0 would never have room: give it at least 1");
    assert!(
        capacity <= CAPACITY_MAX,
        "a channel holds {CAPACITY_MAX} values at most: use `unbounded_channel` for more"
    );
    kind::channel::<T, Bounded>(Ring::new(capacity))
}

/// A channel that grows: sending never waits.
///
/// If senders are faster than the receiver for long, it takes all the memory there is; that is what
/// [`channel`] prevents. Memory is allocated for 31 values at a time, and one such block is kept for the
/// next.
///
/// ```
/// let (sender, mut receiver) = loopwork_sync::mpsc::unbounded_channel();
/// (0..100).try_for_each(|n| sender.send(n)).unwrap();
/// drop(sender);
/// assert_eq!(std::iter::from_fn(|| receiver.try_recv().ok()).count(), 100);
/// ```
#[must_use = "a channel is of use with both ends"]
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    kind::channel::<T, Unbounded>(Blocks::new())
}

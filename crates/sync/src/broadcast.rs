//! A channel whose every receiver gets every value.
//!
//! It keeps the last so many values. A receiver that falls further behind loses the oldest, and is told how many
//! ([`RecvError::Lagged`]); senders never wait. For events that many parts of a program look at. asyncio has no such
//! type; there one `Queue` for each receiver serves. For one receiver there is [`mpsc`](crate::mpsc), for the latest
//! value alone [`watch`](crate::watch). The interface is that of tokio's `broadcast`.
//!
//! ```
//! use loopwork_sync::broadcast::{self, RecvError};
//!
//! # futures::executor::block_on(async {
//! let (sender, mut first) = broadcast::channel(2);
//! let mut second = sender.subscribe();
//! sender.send("a").unwrap();
//! assert_eq!(first.recv().await, Ok("a"));
//! sender.send("b").unwrap();
//! sender.send("c").unwrap();
//! assert_eq!(first.recv().await, Ok("b"));
//! assert_eq!(second.recv().await, Err(RecvError::Lagged(1)));
//! assert_eq!(second.recv().await, Ok("b"));
//! # });
//! ```
//!
//! A receiver takes no lock. It clones the value where that is kept; the last who is to get it gets the value
//! itself. The senders take turns. Neither `clone` nor a destructor runs under their lock.
//!
//! | file | holds |
//! |---|---|
//! | `broadcast/sender.rs` | [`Sender`] |
//! | `broadcast/receiver.rs` | [`Receiver`] |
//! | `broadcast/messages.rs` | [`Messages`]: the receiver as a `Stream` |
//! | `broadcast/error.rs` | what may go wrong |
//!
//! The values, and who has not got them, are in `storage/fanout.rs`.

mod error;
mod messages;
mod receiver;
mod sender;

use std::sync::Arc;

pub use self::error::{RecvError, SendError, TryRecvError};
pub use self::messages::Messages;
pub use self::receiver::Receiver;
pub use self::sender::Sender;
use crate::notify::Notify;
use crate::storage::{FANOUT_MAX, Fanout};

/// A channel that keeps the last `capacity` values.
///
/// Memory for all of them is allocated now: for the next power of two.
///
/// # Panics
///
/// If `capacity` is 0, or greater than 1,073,741,824.
///
/// ```
/// let (sender, mut receiver) = loopwork_sync::broadcast::channel(16);
/// sender.send(1).unwrap();
/// assert_eq!(receiver.try_recv(), Ok(1));
/// ```
#[track_caller]
#[must_use = "a channel is of use with both ends"]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a channel that keeps 0 values loses each of them: give it at least 1");
    assert!(capacity <= FANOUT_MAX, "a channel keeps {FANOUT_MAX} values at most: give it less");
    let shared = Arc::new(Shared {
        ring: Fanout::new(capacity),
        sent: Arc::new(Notify::new()),
        closed: Notify::new(),
    });
    (Sender::new(shared.clone()), Receiver::new(shared, 0))
}

struct Shared<T> {
    ring: Fanout<T>,
    /// Notified after a value was sent, and after the last sender has gone.
    sent: Arc<Notify>,
    /// Notified when there is no receiver any more.
    closed: Notify,
}

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
//! A value is shared by those who are to get it, and cloned by each of them after the channel's lock is released;
//! the last gets the value itself. So neither `clone` nor a destructor runs under the lock.
//!
//! | file | holds |
//! |---|---|
//! | `broadcast/sender.rs` | [`Sender`] |
//! | `broadcast/receiver.rs` | [`Receiver`] |
//! | `broadcast/messages.rs` | [`Messages`]: the receiver as a `Stream` |
//! | `broadcast/ring.rs` | the values that are kept, and who has not seen them |
//! | `broadcast/error.rs` | what may go wrong |

mod error;
mod messages;
mod receiver;
mod ring;
mod sender;

use std::sync::Arc;

use loopwork_shim::sync::Mutex;

pub use self::error::{RecvError, SendError, TryRecvError};
pub use self::messages::Messages;
pub use self::receiver::Receiver;
use self::ring::Ring;
pub use self::sender::Sender;
use crate::notify::Notify;

/// A channel that keeps the last `capacity` values.
///
/// # Panics
///
/// If `capacity` is 0.
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
    let shared = Arc::new(Shared {
        ring: Mutex::new(Ring::new(capacity)),
        sent: Arc::new(Notify::new()),
        closed: Notify::new(),
    });
    (Sender::new(shared.clone()), Receiver::new(shared, 0))
}

struct Shared<T> {
    ring: Mutex<Ring<T>>,
    /// Notified after a value was sent, and after the last sender has gone.
    sent: Arc<Notify>,
    /// Notified when there is no receiver any more.
    closed: Notify,
}

//! A channel for the latest value.
//!
//! Whoever receives sees the value as it is now, and can wait for it to change; values in between may be
//! missed. For configuration, for progress, for the state of a connection. asyncio has no such type; there a
//! `Condition` serves. For all values, in order, there is [`mpsc`](crate::mpsc), and for many receivers
//! [`broadcast`](crate::broadcast). The interface is that of tokio's `watch`.
//!
//! ```
//! use loopwork_sync::watch;
//!
//! let (sender, mut receiver) = watch::channel("starting");
//! let thread = std::thread::spawn(move || sender.send("ready").unwrap());
//! futures::executor::block_on(async {
//!     receiver.wait_for(|state| *state == "ready").await.unwrap();
//! });
//! thread.join().unwrap();
//! ```
//!
//! The value is behind a reader-writer lock, which a [`Ref`] holds: senders wait for it by blocking their thread, so
//! let go of it soon. A change is a number that has grown; those who wait for one are woken by a
//! [`Notify`].
//!
//! | file | holds |
//! |---|---|
//! | `watch/sender.rs` | [`Sender`] |
//! | `watch/receiver.rs` | [`Receiver`], [`Ref`] |
//! | `watch/changes.rs` | [`Changes`]: the receiver as a `Stream` |

mod changes;
mod receiver;
mod sender;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use loopwork_shim::atomic::{AtomicUsize, Ordering};
use loopwork_shim::sync::RwLock;
use loopwork_shim::weaken;

pub use self::changes::Changes;
pub use self::receiver::{Receiver, Ref};
pub use self::sender::Sender;
use crate::notify::Notify;

/// A channel that begins with `value`, which the receiver has seen.
///
/// ```
/// let (sender, mut receiver) = loopwork_sync::watch::channel(1);
/// assert_eq!(*receiver.borrow(), 1);
/// sender.send(2).unwrap();
/// assert_eq!(receiver.has_changed(), Ok(true));
/// assert_eq!(*receiver.borrow_and_update(), 2);
/// ```
#[must_use = "a channel is of use with both ends"]
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        value: RwLock::new(value),
        version: AtomicUsize::new(0),
        senders: AtomicUsize::new(1),
        receivers: AtomicUsize::new(1),
        changed: Notify::new(),
        closed: Notify::new(),
    });
    (Sender::new(shared.clone()), Receiver::new(shared))
}

struct Shared<T> {
    value: RwLock<T>,
    /// Twice the number of changes; plus one once all senders have gone. Changed under the lock.
    version: AtomicUsize,
    senders: AtomicUsize,
    receivers: AtomicUsize,
    /// Notified after the version was changed.
    changed: Notify,
    /// Notified when there is no receiver any more.
    closed: Notify,
}

const ENDED: usize = 1;
const CHANGE: usize = 2;

impl<T> Shared<T> {
    /// Ordering: Acquire: what was done before the change. [edge: watch-version]
    fn version(&self) -> Version {
        let order = weaken!("watch-version", Ordering::Acquire => Ordering::Relaxed);
        Version(self.version.load(order))
    }

    /// Ordering: Release: for who sees it. [edge: watch-version]
    fn change(&self) {
        self.version.fetch_add(CHANGE, Ordering::Release);
    }
}

/// What the value was at some time.
#[derive(Clone, Copy)]
struct Version(usize);

impl Version {
    fn differs_from(self, seen: Self) -> bool {
        self.0 / CHANGE != seen.0 / CHANGE
    }

    fn has_ended(self) -> bool {
        self.0 & ENDED != 0
    }

    /// One that differs from this.
    fn another(self) -> Self {
        Self(self.0.wrapping_sub(CHANGE))
    }
}

/// There is no receiver: nobody would see the value, which is here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// The value will not change any more: all senders were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError(());

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no receiver")
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all senders were dropped")
    }
}

impl<T> Error for SendError<T> {}
impl Error for RecvError {}

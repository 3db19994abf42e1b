//! Bounded or not, and what the ends of a channel share.

use loopwork_shim::atomic::AtomicUsize;

use super::room::Room;
use super::{Receiver, Sender};
use crate::notify::Notify;
use crate::storage::{self, Blocks, Queue, Ring};

/// How much a channel holds: [`Bounded`] or [`Unbounded`]. Sealed.
pub trait Kind: Sized {
    #[doc(hidden)]
    type Queue<T>: Queue<Item = T>;

    /// The receiver has made room.
    #[doc(hidden)]
    fn made_room<T>(shared: &Shared<T, Self>);

    /// Nothing may be sent any more.
    #[doc(hidden)]
    fn closed<T>(shared: &Shared<T, Self>);
}

/// A channel with a capacity.
#[derive(Debug)]
pub enum Bounded {}

/// A channel without a capacity.
#[derive(Debug)]
pub enum Unbounded {}

impl Kind for Bounded {
    type Queue<T> = Ring<T>;

    #[inline]
    fn made_room<T>(shared: &Shared<T, Self>) {
        shared.freed();
    }

    fn closed<T>(shared: &Shared<T, Self>) {
        shared.hand_out();
    }
}

impl Kind for Unbounded {
    type Queue<T> = Blocks<T>;

    #[inline]
    fn made_room<T>(_: &Shared<T, Self>) {}

    fn closed<T>(_: &Shared<T, Self>) {}
}

/// What the two ends share.
pub(super) type Shared<T, K> = storage::Shared<<K as Kind>::Queue<T>, Ends>;

/// What there is beside the queue.
#[derive(Debug)]
pub struct Ends {
    /// How many senders there are.
    pub(super) senders: AtomicUsize,
    /// Notified when the receiver closes.
    pub(super) closed: Notify,
    pub(super) room: Room,
}

pub(super) fn channel<T, K: Kind>(queue: K::Queue<T>) -> (Sender<T, K>, Receiver<T, K>) {
    let ends = Ends { senders: AtomicUsize::new(1), closed: Notify::new(), room: Room::new() };
    let (shared, consumer) = storage::channel(queue, ends);
    (Sender::new(shared), Receiver::new(consumer))
}

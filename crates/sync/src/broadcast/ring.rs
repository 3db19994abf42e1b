//! The values that are kept, and who has not seen them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::TryRecvError;

/// The last values, under the channel's lock. None is dropped here: each comes out, to be dropped after the lock
/// is released.
pub(super) struct Ring<T> {
    values: VecDeque<Kept<T>>,
    capacity: usize,
    /// The position of the first of them: how many values were lost since the channel was made.
    first: u64,
    pub(super) senders: usize,
    pub(super) receivers: usize,
}

struct Kept<T> {
    /// None once all who were to get it have it.
    value: Option<Arc<T>>,
    /// How many receivers are to get it yet.
    unread: usize,
}

impl<T> Ring<T> {
    /// With one sender and one receiver.
    pub(super) fn new(capacity: usize) -> Self {
        Self { values: VecDeque::new(), capacity, first: 0, senders: 1, receivers: 1 }
    }

    /// The position of the next value.
    pub(super) fn end(&self) -> u64 {
        self.first + self.values.len() as u64
    }

    /// Keeps a value for all receivers there are. The one that is lost by that comes back.
    pub(super) fn push(&mut self, value: Arc<T>) -> Option<Arc<T>> {
        let mut lost = None;
        if self.values.len() == self.capacity {
            lost = self.values.pop_front().and_then(|kept| kept.value);
            self.first += 1;
        }
        self.values.push_back(Kept { value: Some(value), unread: self.receivers });
        lost
    }

    /// The value at `next`, which is that of one receiver, and moves on.
    pub(super) fn take(&mut self, next: &mut u64) -> Result<Arc<T>, TryRecvError> {
        if *next < self.first {
            let lost = self.first - *next;
            *next = self.first;
            return Err(TryRecvError::Lagged(lost));
        }
        let Some(kept) = self.values.get_mut((*next - self.first) as usize) else {
            return Err(if self.senders == 0 { TryRecvError::Closed } else { TryRecvError::Empty });
        };
        *next += 1;
        kept.unread -= 1;
        let value = if kept.unread == 0 { kept.value.take() } else { kept.value.clone() };
        Ok(value.expect("it is there until all who are to get it have it"))
    }

    /// A receiver goes, which has not seen what is from `next` on. What nobody else is to get comes back.
    pub(super) fn leave(&mut self, next: u64) -> Vec<Arc<T>> {
        self.receivers -= 1;
        let seen = next.saturating_sub(self.first) as usize;
        let unread = self.values.iter_mut().skip(seen);
        unread
            .filter_map(|kept| {
                kept.unread -= 1;
                if kept.unread == 0 { kept.value.take() } else { None }
            })
            .collect()
    }

    /// How many values are kept that somebody is to get yet.
    pub(super) fn len(&self) -> usize {
        self.values.iter().rev().take_while(|kept| kept.unread > 0).count()
    }
}

//! A waiter for a future that moves.

use std::fmt;
use std::pin::Pin;

use super::{Left, List, Waiter};

/// A waiter outside its future, which may move: it comes into being with the first wait.
#[derive(Default)]
pub(crate) struct BoxedWaiter(Option<Pin<Box<Waiter>>>);

// SAFETY: whoever has `&` of it can but print the state, which is atomic.
unsafe impl Sync for BoxedWaiter {}

impl BoxedWaiter {
    /// The waiter, which is there from now on.
    pub(crate) fn make(&mut self) -> Pin<&Waiter> {
        self.0.get_or_insert_with(|| Box::pin(Waiter::new())).as_ref()
    }

    /// Whether it neither waits nor was granted something it has not taken.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.as_ref().is_none_or(|waiter| waiter.is_idle())
    }

    /// As [`List::leave`].
    pub(crate) fn leave(&mut self, list: &mut List) -> Left {
        self.0.as_ref().map_or(Left::Idle, |waiter| list.leave(waiter.as_ref()))
    }
}

impl fmt::Debug for BoxedWaiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(waiter) => waiter.fmt(f),
            None => f.write_str("idle"),
        }
    }
}

//! The inside, for the models in `loom-tests`: the same code, driven step by step.

use std::io;
use std::task::{Context, Poll};

use crate::reactor::Waiter;
use crate::reactor::{Attempt as InnerAttempt, Direction, Source as InnerSource, Unpark as Inner};

/// The word between those who unpark and the one who turns.
#[derive(Debug)]
pub struct Unpark(Inner);

impl Default for Unpark {
    fn default() -> Self {
        Self(Inner::new())
    }
}

impl Unpark {
    /// True if the one who waits must be woken.
    pub fn notify(&self) -> bool {
        self.0.notify()
    }

    /// What a turn does around its wait, which is called only if it may block.
    pub fn turn(&self, wait: impl FnOnce()) {
        if self.0.block() {
            wait();
            self.0.take();
        }
    }
}

/// One descriptor, with edges, read by one task.
#[derive(Debug)]
pub struct Source(InnerSource);

#[derive(Debug, Clone, Copy)]
pub struct Attempt(InnerAttempt);

impl Default for Source {
    fn default() -> Self {
        Self(InnerSource::new(0))
    }
}

impl Source {
    pub fn begin(&self) -> Option<Attempt> {
        self.0.begin(Direction::Read).map(Attempt)
    }

    pub fn would_block(&self, attempt: Attempt) {
        self.0.would_block(Direction::Read, attempt.0);
    }

    pub fn fell_short(&self, attempt: Attempt) {
        self.0.fell_short(Direction::Read, attempt.0);
    }

    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready(Direction::Read, Waiter::Poll, cx, |_| Ok(()))
    }

    /// As a turn does with an event.
    pub fn event(&self, steady: bool) {
        let mut wakers = Vec::new();
        self.0.announce(true, [true, false], [steady, false], &mut wakers);
        wakers.into_iter().for_each(|waker| waker.wake());
    }
}

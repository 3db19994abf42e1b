//! `polling` by itself. On Linux a wait costs it five system calls; it is there for the systems
//! that have no epoll, and is tested everywhere.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use polling::{Event as Polled, Events, PollMode, Poller};

use super::{Calls, Event};

pub(in super::super) struct Shared {
    poller: Poller,
    mode: PollMode,
}

pub(in super::super) struct Turner {
    shared: Arc<Shared>,
    events: Events,
    waits: u64,
}

pub(super) fn new(poller: Poller, mode: PollMode) -> (Arc<Shared>, Turner) {
    let shared = Arc::new(Shared { poller, mode });
    (shared.clone(), Turner { shared, events: Events::new(), waits: 0 })
}

impl Shared {
    pub(super) fn has_edges(&self) -> bool {
        self.mode == PollMode::Edge
    }

    pub(super) fn add(&self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        let interest = if self.has_edges() { Polled::all(key) } else { Polled::none(key) };
        // SAFETY: the descriptor has to be deleted before it is closed. `Readiness`, for which
        // alone a `Registration` calls this, owns the descriptor, lends it by shared reference
        // alone, and deregisters before it drops it or gives it away.
        unsafe { self.poller.add_with_mode(&fd, interest, self.mode) }
    }

    pub(super) fn arm(&self, fd: BorrowedFd<'_>, key: usize, wanted: [bool; 2]) -> io::Result<()> {
        if self.has_edges() {
            return Ok(());
        }
        let [readable, writable] = wanted;
        self.poller.modify_with_mode(fd, Polled::new(key, readable, writable), self.mode)
    }

    pub(super) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.poller.delete(fd)
    }

    pub(super) fn unpark(&self) {
        // It fails only if the poller's own descriptors are broken, and then so does each turn,
        // which says so where somebody can act on it.
        let _ = self.poller.notify();
    }
}

impl Turner {
    pub(super) fn wait(
        &mut self,
        timeout: Option<Duration>,
        events: &mut Vec<Event>,
    ) -> io::Result<()> {
        self.events.clear();
        self.waits += 1;
        match self.shared.poller.wait(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        };
        // An event that disarms both directions counts for both: who waited for the other one finds
        // that out by an attempt, and arms it again.
        let disarmed = !self.shared.has_edges();
        events.extend(self.events.iter().map(|event| Event {
            key: event.key,
            ready: [event.readable || disarmed, event.writable || disarmed],
            steady: [false; 2],
        }));
        Ok(())
    }

    pub(super) fn calls(&self) -> Calls {
        Calls { waits: self.waits, ..Calls::default() }
    }
}

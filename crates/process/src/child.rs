//! A child process, and the one place where it is reaped.

use std::io;
use std::process::{self, ExitStatus};

use loopwork_shim::sync::Mutex;
use rustix::process::{Pid, Signal, kill_process};

/// A child of this process. Its number is the child's until it is reaped, which happens under the
/// lock alone; so what is signalled under the lock, and not reaped, is the child.
#[derive(Debug)]
pub(crate) struct Child {
    pid: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    child: process::Child,
    /// Set once the child is reaped.
    status: Option<ExitStatus>,
}

impl Child {
    pub(crate) fn new(child: process::Child) -> Self {
        Self { pid: child.id(), state: Mutex::new(State { child, status: None }) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// How the child ended, or `None` if it runs. Reaps it, the first time that it has ended.
    pub(crate) fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        let mut state = self.state.lock();
        if state.status.is_none() {
            state.status = state.child.try_wait()?;
        }
        Ok(state.status)
    }

    /// Sends a signal, unless the child is reaped.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let state = self.state.lock();
        if state.status.is_some() {
            return Ok(());
        }
        kill_process(Pid::from_child(&state.child), signal)?;
        Ok(())
    }
}

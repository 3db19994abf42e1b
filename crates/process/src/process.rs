//! A process that was started.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;

use loopwork_io::Readiness;
use loopwork_time::Clock;
use rustix::process::Signal;

use crate::child::Child;
use crate::orphans;
use crate::pipe::{PipeReader, PipeWriter};

/// A process started by [`Command::spawn`](crate::Command::spawn).
///
/// Dropping it leaves the process to run, or kills it if
/// [`kill_on_drop`](crate::Command::kill_on_drop) was set. It does not wait for the end either way;
/// the process is reaped by a later spawn or drop, so ended ones do not pile up.
///
/// No signal is ever sent to a number that the system may have given to another process.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use loopwork_process::create_subprocess_exec;
///
/// let process = create_subprocess_exec("sleep", ["3600"])?;
/// process.terminate()?;
/// process.wait().await?;
/// assert_eq!(process.returncode(), Some(-15));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "asyncio.subprocess.Process")]
pub struct Process {
    child: Arc<Child>,
    /// Readable once the process has ended.
    exit: Readiness<OwnedFd>,
    stdin: Option<PipeWriter>,
    stdout: Option<PipeReader>,
    stderr: Option<PipeReader>,
    kill_on_drop: bool,
}

impl Process {
    pub(crate) fn new(
        child: Arc<Child>,
        exit: Readiness<OwnedFd>,
        stdin: Option<PipeWriter>,
        stdout: Option<PipeReader>,
        stderr: Option<PipeReader>,
        kill_on_drop: bool,
    ) -> Self {
        Self { child, exit, stdin, stdout, stderr, kill_on_drop }
    }

    /// The process's number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// How the process ended, as asyncio tells it: its exit code, or the negative number of the
    /// signal that killed it. `None` while it runs.
    ///
    /// Unlike asyncio's it looks at the process, and needs no wait for it to change.
    #[must_use]
    pub fn returncode(&self) -> Option<i32> {
        let status = self.child.try_wait().ok().flatten()?;
        status.code().or_else(|| status.signal().map(|signal| -signal))
    }

    /// Waits for the process to end. It does not wait for its pipes to be closed: a grandchild may
    /// hold them.
    ///
    /// Any number of tasks may wait, also after the end. Dropping the future changes nothing for
    /// the process or for the others. A process that fills a pipe which nobody reads does not end:
    /// read while waiting.
    ///
    /// # Errors
    ///
    /// If the event loop is closed first, and if something else in this process has reaped the
    /// child, such as a handler of `SIGCHLD`.
    ///
    /// asyncio: `Process.wait`, which may wait for the pipes as well.
    pub async fn wait(&self) -> io::Result<ExitStatus> {
        let ended = |_: &OwnedFd| match self.child.try_wait()? {
            Some(status) => Ok(status),
            None => Err(io::ErrorKind::WouldBlock.into()),
        };
        // Virtual time does not go on while another process is to do something.
        let _held = Clock::hold_current();
        self.exit.read_with(ended).await
    }

    /// How the process ended, or `None` if it runs. It does not block.
    ///
    /// # Errors
    ///
    /// If something else in this process has reaped the child.
    #[doc(alias = "poll")]
    pub fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Sends the signal of this number. To a process that has ended it does nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if there is no signal of this number or it is
    /// a real-time signal, and
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) if the process has taken another
    /// user's rights.
    pub fn send_signal(&self, signal: i32) -> io::Result<()> {
        let signal = Signal::from_named_raw(signal).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{signal} is no signal with a name"),
            )
        })?;
        self.child.signal(signal)
    }

    /// Asks the process to end (`SIGTERM`). To a process that has ended it does nothing.
    ///
    /// # Errors
    ///
    /// As [`send_signal`](Process::send_signal).
    pub fn terminate(&self) -> io::Result<()> {
        self.child.signal(Signal::TERM)
    }

    /// Ends the process (`SIGKILL`). To a process that has ended it does nothing. It does not wait
    /// for the end.
    ///
    /// # Errors
    ///
    /// As [`send_signal`](Process::send_signal).
    pub fn kill(&self) -> io::Result<()> {
        self.child.signal(Signal::KILL)
    }

    /// The pipe to the process's standard input, if there is one and it was not taken before.
    /// Dropping the pipe closes it: the process then reads the end of its input.
    #[doc(alias = "Process.stdin")]
    pub fn take_stdin(&mut self) -> Option<PipeWriter> {
        self.stdin.take()
    }

    /// The pipe from the process's standard output, if there is one and it was not taken before.
    #[doc(alias = "Process.stdout")]
    pub fn take_stdout(&mut self) -> Option<PipeReader> {
        self.stdout.take()
    }

    /// The pipe from the process's standard error, if there is one and it was not taken before.
    #[doc(alias = "Process.stderr")]
    pub fn take_stderr(&mut self) -> Option<PipeReader> {
        self.stderr.take()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.kill_on_drop {
            // A process that may not be killed is left to run, as it would be without the wish.
            let _ = self.child.signal(Signal::KILL);
        }
        orphans::adopt(self.child.clone());
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("pid", &self.pid())
            .field("returncode", &self.returncode())
            .finish_non_exhaustive()
    }
}

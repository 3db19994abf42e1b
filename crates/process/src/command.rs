//! How a process is started.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{self, Stdio};
use std::sync::Arc;

use loopwork_context::WaitReason;
use loopwork_io::{ReactorHandle, Readiness};

use crate::child::Child;
use crate::pipe::{PipeReader, PipeWriter};
use crate::{Process, notice, orphans};

/// Starts `program` with `args`, its streams those of this process.
///
/// It blocks until the program runs or has been found not to, which takes about a millisecond; so it
/// needs no `.await`.
///
/// # Errors
///
/// As [`Command::spawn`].
///
/// ```
/// use loopwork_io::Reactor;
/// use loopwork_process::create_subprocess_exec;
///
/// # fn main() -> std::io::Result<()> {
/// let mut reactor = Reactor::new()?;
/// let _entered = reactor.handle().enter(); // an event loop does this
/// let process = create_subprocess_exec("sh", ["-c", "exit 3"])?;
/// while process.returncode().is_none() {
///     reactor.turn(None)?;
/// }
/// assert_eq!(process.returncode(), Some(3));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "asyncio.create_subprocess_exec")]
#[doc(alias = "subprocess_exec")]
pub fn create_subprocess_exec<I, S>(program: impl AsRef<OsStr>, args: I) -> io::Result<Process>
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    Command::new(program).args(args).spawn()
}

/// Starts `/bin/sh -c command`, its streams those of this process. What `command` contains is
/// interpreted by the shell: do not put into it what others have written.
///
/// # Errors
///
/// As [`Command::spawn`].
#[doc(alias = "asyncio.create_subprocess_shell")]
#[doc(alias = "subprocess_shell")]
pub fn create_subprocess_shell(command: impl AsRef<OsStr>) -> io::Result<Process> {
    Command::new("/bin/sh").arg("-c").arg(command).spawn()
}

/// How to start a process: program, arguments, environment, streams.
///
/// As in the standard library, the streams are those of this process unless set otherwise, and a
/// command can be spawned several times.
#[derive(Debug)]
pub struct Command {
    inner: process::Command,
    kill_on_drop: bool,
    pidfd: bool,
}

impl Command {
    /// A command for `program`, which is looked up in `PATH` unless it contains a slash.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self { inner: process::Command::new(program), kill_on_drop: false, pidfd: true }
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.inner.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<I, S>(&mut self, args: I) -> &mut Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.inner.args(args);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.inner.env(key, value);
        self
    }

    /// Takes a variable out of the environment.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Self {
        self.inner.env_remove(key);
        self
    }

    /// Starts from an empty environment instead of this process's.
    pub fn env_clear(&mut self) -> &mut Self {
        self.inner.env_clear();
        self
    }

    /// Sets the working directory.
    #[doc(alias = "cwd")]
    pub fn current_dir(&mut self, dir: impl AsRef<Path>) -> &mut Self {
        self.inner.current_dir(dir);
        self
    }

    /// Sets the standard input. With [`Stdio::piped`] it is written to by
    /// [`Process::take_stdin`].
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.inner.stdin(stdin);
        self
    }

    /// Sets the standard output. With [`Stdio::piped`] it is read from by
    /// [`Process::take_stdout`].
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        self.inner.stdout(stdout);
        self
    }

    /// Sets the standard error. With [`Stdio::piped`] it is read from by
    /// [`Process::take_stderr`].
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        self.inner.stderr(stderr);
        self
    }

    /// Sets whether dropping the [`Process`] kills it. Unless set, it goes on running.
    pub fn kill_on_drop(&mut self, kill_on_drop: bool) -> &mut Self {
        self.kill_on_drop = kill_on_drop;
        self
    }

    /// Waits by a thread also where the system has process descriptors. For tests.
    #[doc(hidden)]
    pub fn without_pidfd(&mut self) -> &mut Self {
        self.pidfd = false;
        self
    }

    /// Starts the process. It blocks this thread until the program runs or has been found not to; the
    /// loop's other workers run on.
    ///
    /// # Errors
    ///
    /// Outside an event loop, with a text that names the fix; and what the system says, such as
    /// [`NotFound`](io::ErrorKind::NotFound) for a program that does not exist. No process and no
    /// descriptor is left behind then.
    pub fn spawn(&mut self) -> io::Result<Process> {
        let reactor = ReactorHandle::current()?;
        orphans::reap();
        let mut child = self.inner.spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // From here on the process exists, and dropping `child` would leave it to run.
        let child = Arc::new(Child::new(child));
        let process = (|| {
            let exit = notice::at_exit(&child, self.pidfd)?;
            let stdin = pipes.0.map(|pipe| PipeWriter::new(pipe.into(), &reactor)).transpose()?;
            let stdout = pipes.1.map(|pipe| PipeReader::new(pipe.into(), &reactor)).transpose()?;
            let stderr = pipes.2.map(|pipe| PipeReader::new(pipe.into(), &reactor)).transpose()?;
            let exit = Readiness::with_reactor(exit, &reactor)?.with_reason(WaitReason::Process);
            Ok(Process::new(child.clone(), exit, stdin, stdout, stderr, self.kill_on_drop))
        })();
        if process.is_err() {
            // It is our child and not reaped, so the only error is that it has ended already.
            let _ = child.signal(rustix::process::Signal::KILL);
            orphans::adopt(child);
        }
        process
    }
}

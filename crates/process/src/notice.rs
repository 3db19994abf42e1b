//! A descriptor that becomes readable once a process has ended, reaped or not.
//!
//! On Linux that is the process's own descriptor (5.3 and later). Where there is none, a thread per
//! process, named `loopwork-wait`, waits for the end without reaping, and closes the other end of a
//! socket pair then.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use crate::child::Child;

/// A descriptor that becomes readable when `child` ends. `pidfd` is whether the system may be asked
/// for one.
pub(crate) fn at_exit(child: &Arc<Child>, pidfd: bool) -> io::Result<OwnedFd> {
    if pidfd {
        if let Some(pidfd) = process_descriptor(child)? {
            return Ok(pidfd);
        }
    }
    by_thread(child.clone())
}

/// The process's own descriptor, or `None` where there is no such thing.
#[cfg(target_os = "linux")]
fn process_descriptor(child: &Child) -> io::Result<Option<OwnedFd>> {
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let Some(pid) = i32::try_from(child.pid()).ok().and_then(Pid::from_raw) else {
        return Ok(None);
    };
    // It is closed on exec without being told.
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Ok(Some(pidfd)),
        // An old kernel, or a sandbox that forbids the call.
        Err(Errno::NOSYS | Errno::PERM) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The process's own descriptor, or `None` where there is no such thing.
#[cfg(not(target_os = "linux"))]
fn process_descriptor(_: &Child) -> io::Result<Option<OwnedFd>> {
    Ok(None)
}

fn by_thread(child: Arc<Child>) -> io::Result<OwnedFd> {
    let (ours, its) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    thread::Builder::new().name("loopwork-wait".to_owned()).spawn(move || {
        block_until_exit(&child);
        drop(its);
    })?;
    Ok(ours.into())
}

/// Waits until `child` has ended, without reaping it.
#[cfg(not(any(target_os = "openbsd", target_os = "redox")))]
fn block_until_exit(child: &Child) {
    use rustix::io::Errno;
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let Some(pid) = i32::try_from(child.pid()).ok().and_then(Pid::from_raw) else {
        return;
    };
    // Any other error says that the child is gone: reaped since.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
}

/// Waits until `child` has ended. Without `waitid` there is no way to do so that does not reap, and
/// to reap takes the lock; so it looks, now and then.
#[cfg(any(target_os = "openbsd", target_os = "redox"))]
fn block_until_exit(child: &Child) {
    /// How often to look. A guess: small beside the life of a process.
    const PERIOD: std::time::Duration = std::time::Duration::from_millis(10);

    while let Ok(None) = child.try_wait() {
        thread::sleep(PERIOD);
    }
}

//! The first Ctrl-C is an event; the second ends the process.
//!
//! A terminal's Ctrl-C is the signal SIGINT, whose default action ends the process. While somebody
//! catches it, the first only makes a descriptor readable; the kernel has then put the default action
//! back (`SA_RESETHAND`), so that a second one ends the process whatever it is doing.
//!
//! One pair of sockets is made for the process and kept: a handler may be about to write to it, on whichever
//! thread.

use std::ffi::c_int;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::OnceLock;

use loopwork_shim::atomic::{AtomicBool, Ordering};
use loopwork_shim::sync::Mutex;

/// While one of these lives, the first SIGINT of the process is an event.
#[derive(Debug)]
pub struct Interrupt(&'static Bell);

/// Tells whether SIGINT has come, also after it was let go.
#[derive(Debug, Clone, Copy)]
pub struct HasCome(&'static Bell);

/// What the handler rings.
#[derive(Debug)]
struct Bell {
    ours: UnixStream,
    its: UnixStream,
    /// SIGINT has come since it was last caught.
    rung: AtomicBool,
    /// How many [`Interrupt`]s there are.
    users: Mutex<usize>,
}

static BELL: OnceLock<Bell> = OnceLock::new();

impl Interrupt {
    /// Catches SIGINT from now on. None if that is not ours to do: somebody has set another action than
    /// the default, it was caught before and has come since, or the system refuses.
    #[must_use]
    pub fn catch() -> Option<Self> {
        let bell = bell().ok()?;
        let mut users = bell.users.lock();
        if *users == 0 {
            if action() != Some(libc::SIG_DFL) {
                return None;
            }
            bell.mute();
            catch_first().ok()?;
        } else if bell.has_rung() {
            return None;
        }
        *users += 1;
        Some(Self(bell))
    }

    /// Readable once SIGINT has come.
    #[must_use]
    pub fn descriptor(&self) -> &'static UnixStream {
        &self.0.ours
    }

    /// Whether SIGINT has come, as may be asked without catching it.
    #[must_use]
    pub fn has_come(&self) -> HasCome {
        HasCome(self.0)
    }
}

impl HasCome {
    /// Whether it has.
    #[must_use]
    pub fn get(self) -> bool {
        self.0.has_rung()
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        let mut users = self.0.users.lock();
        *users -= 1;
        // What others have set meanwhile stays.
        if *users == 0 && action() == Some(handler()) {
            _ = set_action(libc::SIG_DFL, 0);
        }
    }
}

/// Ends the process as SIGINT does by default: whoever waits for it sees that it was interrupted.
pub fn end_interrupted() -> ! {
    _ = set_action(libc::SIG_DFL, 0);
    let this = rustix::process::getpid();
    _ = rustix::process::kill_process(this, rustix::process::Signal::INT);
    // Blocked, then: as a shell reports it.
    std::process::exit(128 + libc::SIGINT)
}

impl Bell {
    fn has_rung(&self) -> bool {
        // Ordering: Relaxed: the descriptor tells when to look, and the kernel orders that.
        self.rung.load(Ordering::Relaxed)
    }

    /// For another round.
    fn mute(&self) {
        self.rung.store(false, Ordering::Relaxed);
        let mut left = [0; 16];
        while matches!((&self.ours).read(&mut left), Ok(read) if read > 0) {}
    }
}

/// Made on first use, and never dropped.
fn bell() -> io::Result<&'static Bell> {
    if let Some(bell) = BELL.get() {
        return Ok(bell);
    }
    let (ours, its) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    its.set_nonblocking(true)?;
    let (rung, users) = (AtomicBool::new(false), Mutex::new(0));
    Ok(BELL.get_or_init(|| Bell { ours, its, rung, users }))
}

/// The handler. It does what a handler may: a load, a store, and one write that does not block.
extern "C" fn ring(_: c_int) {
    if let Some(bell) = BELL.get() {
        bell.rung.store(true, Ordering::Relaxed);
        // It has room for a byte: there is one for each time it was caught.
        _ = (&bell.its).write(&[1]);
    }
}

fn handler() -> libc::sighandler_t {
    ring as extern "C" fn(c_int) as libc::sighandler_t
}

fn catch_first() -> io::Result<()> {
    set_action(handler(), libc::SA_RESETHAND | libc::SA_RESTART)
}

/// What is done about SIGINT now.
fn action() -> Option<libc::sighandler_t> {
    let mut now = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action it only writes the old one.
    let asked = unsafe { libc::sigaction(libc::SIGINT, ptr::null(), now.as_mut_ptr()) };
    if asked != 0 {
        return None;
    }
    // SAFETY: it was written, since the call succeeded.
    Some(unsafe { now.assume_init() }.sa_sigaction)
}

fn set_action(action: libc::sighandler_t, flags: c_int) -> io::Result<()> {
    // SAFETY: all fields are integers, and on some systems a pointer that may be null.
    let mut new: libc::sigaction = unsafe { std::mem::zeroed() };
    new.sa_sigaction = action;
    new.sa_flags = flags;
    // SAFETY: the set is ours.
    unsafe { libc::sigemptyset(&raw mut new.sa_mask) };
    // SAFETY: `action` is the default or `ring`, which does nothing that a handler may not do.
    match unsafe { libc::sigaction(libc::SIGINT, &raw const new, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

//! Processes whose [`Process`](crate::Process) was dropped before their end was seen.
//!
//! A process that ends stays in the system's table, as a zombie, until its parent reaps it. No
//! thread is kept for that: each spawn, and each drop of a `Process`, reaps the orphans that have
//! ended since. So at most those are zombies that ended since the last of either.

use std::sync::{Arc, OnceLock};

use loopwork_shim::sync::Mutex;

use crate::child::Child;

/// Those that were running when last looked at.
fn orphans() -> &'static Mutex<Vec<Arc<Child>>> {
    // Made on first use, since a modelled lock cannot be made in a constant.
    static ORPHANS: OnceLock<Mutex<Vec<Arc<Child>>>> = OnceLock::new();
    ORPHANS.get_or_init(|| Mutex::new(Vec::new()))
}

/// Takes over a process that nobody waits for any more.
pub(crate) fn adopt(child: Arc<Child>) {
    orphans().lock().push(child);
    reap();
}

/// Reaps the orphans that have ended.
pub(crate) fn reap() {
    // An error says that somebody else has reaped it.
    orphans().lock().retain(|child| matches!(child.try_wait(), Ok(None)));
}

//! Whether this thread may block.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

loopwork_shim::thread_local! {
    /// How many [`ForbidBlocking`] guards are alive on this thread.
    static FORBIDDEN: Cell<u32> = Cell::new(0)
}

/// Blocking this thread would stop the tasks it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockingForbidden(());

impl fmt::Display for BlockingForbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("blocking this thread would stop the tasks it runs")
    }
}

impl std::error::Error for BlockingForbidden {}

/// While this guard lives, its thread may not block.
///
/// An executor holds one on each thread that polls tasks. Guards nest.
#[derive(Debug)]
#[must_use = "blocking is forbidden only while the guard lives"]
pub struct ForbidBlocking {
    // The count belongs to the thread that made the guard.
    not_send: PhantomData<*const ()>,
}

impl Drop for ForbidBlocking {
    fn drop(&mut self) {
        FORBIDDEN.with(|depth| depth.set(depth.get() - 1));
    }
}

/// Forbids blocking on this thread until the guard is dropped.
///
/// ```
/// let guard = loopwork_context::forbid_blocking();
/// assert!(loopwork_context::may_block().is_err());
/// drop(guard);
/// assert!(loopwork_context::may_block().is_ok());
/// ```
pub fn forbid_blocking() -> ForbidBlocking {
    FORBIDDEN.with(|depth| depth.set(depth.get() + 1));
    ForbidBlocking { not_send: PhantomData }
}

/// While this guard lives, its thread may block, whatever was forbidden before.
#[derive(Debug)]
#[must_use = "blocking is allowed only while the guard lives"]
pub struct AllowBlocking {
    forbidden: u32,
    // The count belongs to the thread that made the guard.
    not_send: PhantomData<*const ()>,
}

impl Drop for AllowBlocking {
    fn drop(&mut self) {
        FORBIDDEN.with(|depth| depth.set(self.forbidden));
    }
}

/// Allows blocking on this thread until the guard is dropped: its executor has made provisions.
///
/// ```
/// let forbidden = loopwork_context::forbid_blocking();
/// let allowed = loopwork_context::allow_blocking();
/// assert!(loopwork_context::may_block().is_ok());
/// drop(allowed);
/// assert!(loopwork_context::may_block().is_err());
/// # drop(forbidden);
/// ```
pub fn allow_blocking() -> AllowBlocking {
    let forbidden = FORBIDDEN.with(|depth| depth.replace(0));
    AllowBlocking { forbidden, not_send: PhantomData }
}

/// Whether this thread may block.
///
/// # Errors
///
/// [`BlockingForbidden`] on a thread that is polling tasks.
pub fn may_block() -> Result<(), BlockingForbidden> {
    if FORBIDDEN.with(Cell::get) == 0 { Ok(()) } else { Err(BlockingForbidden(())) }
}

/// Panics with a text that names the fix if `what` would block a thread that is polling tasks.
///
/// ```
/// loopwork_context::assert_may_block("`ConcurrentFuture::result`"); // fine: a plain thread
/// ```
///
/// # Panics
///
/// When [`may_block`] is an error.
#[track_caller]
pub fn assert_may_block(what: &str) {
    if may_block().is_err() {
        panic!(
            "{what} would block a worker of the event loop and every task behind it: `.await` it \
             instead, or wrap it in `block_in_place`, or move it to `run_in_executor`"
        );
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

    #[test]
    fn guards_nest_and_belong_to_their_thread() {
        let outer = forbid_blocking();
        let inner = forbid_blocking();
        drop(inner);
        assert_eq!(may_block(), Err(BlockingForbidden(())));
        std::thread::spawn(|| assert_eq!(may_block(), Ok(()))).join().unwrap();
        drop(outer);
        assert_eq!(may_block(), Ok(()));
    }

    #[test]
    #[should_panic(expected = "`.await` it instead")]
    fn the_panic_names_the_fix() {
        let _guard = forbid_blocking();
        assert_may_block("`result`");
    }
}

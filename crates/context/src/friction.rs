//! What polls lose because other threads are at the same things.

use std::cell::Cell;

loopwork_shim::thread_local! {
    static FRICTION: Cell<u64> = Cell::new(0)
}

/// Says that this poll has lost about so many nanoseconds since another thread is at the same things: it has waited
/// for that thread, or for what lay in the other processor's cache. If both ran on one thread, nothing of that would be lost.
///
/// An executor takes it for what it is, and not for work that is worth spreading over its threads. Elsewhere it does
/// nothing. For who loses microseconds: to say so is not free.
///
/// ```
/// let before = loopwork_context::friction();
/// loopwork_context::add_friction(4_000);
/// assert_eq!(loopwork_context::friction() - before, 4_000);
/// ```
pub fn add_friction(nanoseconds: u64) {
    FRICTION.with(|lost| lost.set(lost.get() + nanoseconds));
}

/// The sum of all that was [added](add_friction) on this thread, in nanoseconds.
#[inline]
#[must_use]
pub fn friction() -> u64 {
    FRICTION.with(Cell::get)
}

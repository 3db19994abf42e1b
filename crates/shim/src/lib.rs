//! The one seam between `std` and [loom].
//!
//! Every atomic, cell, lock and thread-local of Loopwork comes from here, so that a build with
//! `--cfg loopwork_loom` hands all of them to the model checker. It knows nothing of the rest of
//! the workspace, and nothing else in the workspace names loom.
//!
//! This crate is an implementation detail: it promises nothing to other projects.
//!
//! | file | holds |
//! |---|---|
//! | `atomic.rs` | atomics, `fence` |
//! | `asymmetric.rs` | a fence that is cheap on one side and dear on the other |
//! | `cell.rs` | `UnsafeCell` with checked access |
//! | `sync.rs` | `Mutex`, `Condvar` |
//! | `thread.rs` | `yield_now`, `spin_loop` |
//! | `spin.rs` | whether to spin before sleeping |
//! | `padded.rs` | `CachePadded` |
//! | `count.rs` | a build that counts every access |
//! | `weaken.rs` | the switch that weakens one named ordering |
//!
//! [loom]: https://docs.rs/loom

#![forbid(unsafe_code)]

pub mod asymmetric;
pub mod atomic;
pub mod cell;
#[cfg(loopwork_count)]
pub mod count;
mod padded;
pub mod spin;
pub mod sync;
pub mod thread;
mod weaken;

pub use padded::CachePadded;

/// A thread-local that loom sees as one per modelled thread.
///
/// Takes what `std::thread_local!` takes, with a plain initialiser.
///
/// ```
/// use std::cell::Cell;
/// loopwork_shim::thread_local! { static DEPTH: Cell<u32> = Cell::new(0); }
/// DEPTH.with(|depth| depth.set(depth.get() + 1));
/// assert_eq!(DEPTH.with(Cell::get), 1);
/// ```
#[macro_export]
macro_rules! thread_local {
    ($(#[$attr:meta])* $vis:vis static $name:ident: $ty:ty = $init:expr $(;)?) => {
        #[cfg(not(loopwork_loom))]
        ::std::thread_local! { $(#[$attr])* $vis static $name: $ty = const { $init } }
        #[cfg(loopwork_loom)]
        $crate::model::thread_local! { $(#[$attr])* $vis static $name: $ty = $init }
    };
}

/// What the macros above and the models in `loom-tests` need of loom.
#[cfg(loopwork_loom)]
#[doc(hidden)]
pub mod model {
    pub use loom::model::Builder;
    pub use loom::thread::{JoinHandle, spawn};
    pub use loom::{model, thread_local};
}

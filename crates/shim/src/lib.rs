//! The one seam between `std` and the model checkers [loom] and [shuttle].
//!
//! Every atomic, cell, lock, thread and thread-local of Loopwork comes from here, so that a build
//! with `--cfg loopwork_loom` or `--cfg loopwork_shuttle` hands all of them to the checker. It knows
//! nothing of the rest of the workspace, and nothing else in the workspace names the checkers.
//!
//! This crate is an implementation detail: it promises nothing to other projects.
//!
//! | file | holds |
//! |---|---|
//! | `atomic.rs` | atomics, `fence` |
//! | `asymmetric.rs` | a fence that is cheap on one side and dear on the other |
//! | `claim.rs` | a lock that costs its owner next to nothing |
//! | `biased.rs` | a lock that a thread can reserve |
//! | `ownership.rs` | what a thread may do without atomic operations until another takes that away |
//! | `cell.rs` | `UnsafeCell` with checked access |
//! | `clock.rs` | nanoseconds by the monotonic clock |
//! | `sync.rs` | `Mutex`, `RwLock`, `Condvar` |
//! | `thread.rs` | threads, their ids and numbers, `yield_now`, `spin_loop` |
//! | `spin.rs` | whether to spin before sleeping |
//! | `padded.rs` | `CachePadded` |
//! | `prefetch.rs` | a hint that memory will be needed soon |
//! | `count.rs` | a build that counts every access |
//! | `word.rs` | a word of one thread |
//! | `weaken.rs` | the switch that weakens one named ordering |
//!
//! [loom]: https://docs.rs/loom
//! [shuttle]: https://docs.rs/shuttle

#![deny(unsafe_code)]

pub mod asymmetric;
pub mod atomic;
pub mod biased;
pub mod cell;
pub mod claim;
pub mod clock;
#[cfg(loopwork_count)]
pub mod count;
pub mod ownership;
mod padded;
mod prefetch;
pub mod spin;
pub mod sync;
pub mod thread;
mod weaken;
mod word;

pub use padded::CachePadded;
pub use prefetch::{prefetch, prefetch_to_write};
pub use word::Word;

/// Whether this is a build for a model checker, whose atomics are larger than words and must not
/// come into being by zeroing memory.
pub const MODELLED: bool = cfg!(any(loopwork_loom, loopwork_shuttle));

/// A thread-local that models see as one per modelled thread.
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
        #[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
        ::std::thread_local! { $(#[$attr])* $vis static $name: $ty = const { $init } }
        #[cfg(any(loopwork_loom, loopwork_shuttle))]
        $crate::model::thread_local! { $(#[$attr])* $vis static $name: $ty = $init }
    };
}

/// A function that is `const`, except where a model checker's types are in it.
///
/// ```
/// loopwork_shim::const_fn! { pub fn seven() -> u32 { 7 } }
/// const SEVEN: u32 = seven();
/// assert_eq!(SEVEN, 7);
/// ```
#[macro_export]
macro_rules! const_fn {
    ($(#[$attr:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $body:block) => {
        #[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
        $(#[$attr])*
        $vis const fn $name($($arg: $ty),*) -> $ret $body
        #[cfg(any(loopwork_loom, loopwork_shuttle))]
        $(#[$attr])*
        $vis fn $name($($arg: $ty),*) -> $ret $body
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

/// What the macros above and the tests in `loom-tests/shuttle` need of shuttle.
#[cfg(loopwork_shuttle)]
#[doc(hidden)]
pub mod model {
    pub use shuttle::rand::{Rng, thread_rng};
    pub use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler};
    pub use shuttle::{Config, FailurePersistence, MaxSteps, Runner, thread_local};

    pub use crate::clock::with_time;
}

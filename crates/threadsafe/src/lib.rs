//! Submitting to a loop from any thread: `call_soon_threadsafe` and `run_coroutine_threadsafe`.
//!
//! Both are atomic against `close()`: what is submitted is accepted, or handed back in the error.
//! What is accepted runs, or the loop closes first and its handle says that it was cancelled; never
//! neither. It knows nothing of file descriptors and the timer wheel.
//!
//! | file | holds |
//! |---|---|
//! | `callback.rs` | [`call_soon_threadsafe`] |
//! | `coroutine.rs` | [`run_coroutine_threadsafe`] |

#![forbid(unsafe_code)]

mod callback;
mod coroutine;

pub use callback::call_soon_threadsafe;
pub use coroutine::run_coroutine_threadsafe;
pub use loopwork_core::{CallHandle, SubmitError};
pub use loopwork_sync::{ConcurrentError, ConcurrentFuture};

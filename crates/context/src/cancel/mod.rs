//! Cancellation, as it is seen from inside a poll. `README.md` beside this file has the rules.
//!
//! | file | holds |
//! |---|---|
//! | `reason.rs` | [`CancelReason`]: one act of cancelling |
//! | `request.rs` | [`Request`]: what was asked, taken |
//! | `frames.rs` | what surrounds the future being polled |
//! | `catch.rs` | [`catch_cancel`] and [`Cancelled`] |
//! | `finally.rs` | [`finally`] |
//! | `checkpoint.rs` | [`checkpoint`] |
//! | `inside.rs` | catchers that only a waker of their own reaches |

pub(crate) mod frames;

mod catch;
mod checkpoint;
mod finally;
mod inside;
mod reason;
mod request;

pub use catch::{Cancelled, CatchCancel, Resume, catch_cancel};
pub use checkpoint::{Checkpoint, checkpoint};
pub use finally::finally;
pub use frames::{Frame, Kind, Left, catch_request, expire_scopes, request_visible};
pub use inside::{Hooks, Insides, Place, install, task_asked, wake_insides};
pub use reason::{CancelKind, CancelReason, KnownActs};
pub use request::{Ask, Request, ScopeId, collecting, take_request};

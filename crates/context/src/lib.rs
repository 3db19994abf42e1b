//! What a future may ask about the poll it is in.
//!
//! An executor that supports it (Loopwork's `core`) enters a [`Poll`] around each poll of a task.
//! Inside, a leaf future finds the *cancel request* that is visible to it, and blocking calls find
//! out that they may not block this thread. Under any other executor nothing is installed, and
//! nothing here has an effect: no request is ever visible, and blocking is allowed.
//!
//! This crate does not know who installs the context, nor what a task is.
//!
//! | file | holds |
//! |---|---|
//! | `request.rs` | the cancel request of the current poll: see it, take it, resume it |
//! | `blocking.rs` | whether this thread may block |

#![forbid(unsafe_code)]

mod blocking;
mod request;

pub use blocking::{
    AllowBlocking, BlockingForbidden, ForbidBlocking, allow_blocking, assert_may_block,
    forbid_blocking, may_block,
};
pub use request::{Poll, Request, request_visible, take_request};

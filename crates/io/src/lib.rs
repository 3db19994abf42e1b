//! Loopwork's reactor over [`polling`], readiness of descriptors, and TCP sockets.
//!
//! Whoever drives the [`Reactor`] calls [`Reactor::turn`]; sockets made on a thread that has
//! [entered](ReactorHandle::enter) its handle are woken by it. This crate does not know who that
//! is: it knows no executor, no run queue, no task and no timer.
//!
//! Every operation tries first and waits only if it would block. A future of this crate that is
//! dropped half-way has lost nothing: an operation either has not happened, or has given its result
//! in the poll in which it happened. (`write_all` is the exception, and says so.)
//!
//! | file | holds |
//! |---|---|
//! | `reactor/` | [`Reactor`], [`ReactorHandle`], [`Unparker`]; the table of sources; the protocol of readiness |
//! | `readiness.rs` | [`Readiness`]: any descriptor, with the means to wait for it |
//! | `tcp/` | [`TcpListener`], [`TcpStream`] |
//! | `model.rs` | what the loom models need of the inside |

#[cfg(loopwork_loom)]
#[doc(hidden)]
#[allow(missing_docs, reason = "for the models alone")]
pub mod model;
mod reactor;
mod readiness;
mod tcp;

#[doc(hidden)]
pub use reactor::Calls;
pub use reactor::{Direction, Entered, Reactor, ReactorHandle, Unparker};
pub use readiness::{Readiness, Ready};
pub use tcp::{TcpListener, TcpStream};

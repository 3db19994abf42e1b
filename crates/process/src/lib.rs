//! Loopwork's subprocesses.
//!
//! [`Command`] starts a process, [`Process`] waits for its end and signals it, [`PipeReader`] and
//! [`PipeWriter`] are the pipes to it. A loop's reactor tells when something happens; this crate
//! knows no run queue, no executor and no timer.
//!
//! Each operation that is ready spends a unit of its task's budget, as [`loopwork_context::proceed`]
//! explains.
//!
//! | file | holds |
//! |---|---|
//! | `command.rs` | [`Command`], [`create_subprocess_exec`], [`create_subprocess_shell`] |
//! | `process.rs` | [`Process`] |
//! | `child.rs` | the one place that reaps, so that nobody signals a number that is not ours any more |
//! | `notice.rs` | a descriptor that becomes readable at a process's end: where systems differ |
//! | `orphans.rs` | processes whose `Process` was dropped, until they are reaped |
//! | `interrupt.rs` | the first Ctrl-C is an event: for `run`; the only unsafe code |
//! | `pipe.rs` | [`PipeReader`], [`PipeWriter`] |

#![deny(unsafe_code)]

mod child;
mod command;
#[doc(hidden)]
#[allow(unsafe_code, reason = "the system is asked what is done about a signal, and told")]
pub mod interrupt;
mod notice;
mod orphans;
mod pipe;
mod process;

pub use command::{Command, create_subprocess_exec, create_subprocess_shell};
pub use pipe::{PipeReader, PipeWriter};
pub use process::Process;

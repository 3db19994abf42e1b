//! The work of each row, written once for all runtimes.
//!
//! Each function is the body of a task on a worker. It repeats its work as the recorder wants it,
//! checks each time that everything was done, and takes the time itself.

mod echo;
mod outside;
mod ping_pong;
mod remote_wake;
mod spawn_join;
mod spawn_remote;
mod yield_many;

pub(crate) use echo::{LoadProcess, echo};
pub(crate) use ping_pong::ping_pong;
pub(crate) use remote_wake::remote_wake;
pub(crate) use spawn_join::spawn_join;
pub(crate) use spawn_remote::spawn_remote;
pub(crate) use yield_many::yield_many;

//! TCP over a [`Readiness`](crate::Readiness) of the standard library's sockets.

mod listener;
mod stream;

use std::os::fd::AsFd;

pub use self::listener::TcpListener;
pub use self::stream::TcpStream;

/// Whether this is TCP and nothing that goes by its name, such as multipath TCP or another kind of
/// stream under a borrowed type. The README of the reactor proves for TCP what a short transfer
/// shows. Asked where a descriptor comes from outside.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_plain(socket: &impl AsFd) -> bool {
    use rustix::net::{ipproto, sockopt::socket_protocol};
    matches!(socket_protocol(socket), Ok(Some(ipproto::TCP)))
}

/// Elsewhere events do not tell of the end, and nothing follows from a short transfer.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_plain(_: &impl AsFd) -> bool {
    false
}

//! TCP over a [`Readiness`](crate::Readiness) of the standard library's sockets.

mod listener;
mod stream;

pub use listener::TcpListener;
pub use stream::TcpStream;

//! A socket that accepts connections.

use std::fmt;
use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use socket2::{Domain, Protocol, Socket, Type};

use super::TcpStream;
use crate::{Direction, ReactorHandle, Readiness};

/// How many connections the system keeps for us before they are accepted. The system's own limit
/// cuts it down (4096 on Linux); it is large so that a burst of connections is not refused while the
/// loop is busy.
const BACKLOG: i32 = 1024;

/// A TCP socket that accepts connections.
///
/// Dropping it stops listening; connections not yet accepted are reset.
///
/// ```
/// use loopwork_io::{Reactor, TcpListener};
///
/// # fn main() -> std::io::Result<()> {
/// let reactor = Reactor::new()?;
/// let _entered = reactor.handle().enter(); // an event loop does this
/// let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
/// assert_ne!(listener.local_addr()?.port(), 0);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "loop.create_server")]
#[doc(alias = "start_server")]
pub struct TcpListener {
    inner: Readiness<net::TcpListener>,
    /// Whether its connections are [plain](super::is_plain).
    plain: bool,
}

impl TcpListener {
    /// Listens on `addr`, with `SO_REUSEADDR`, so that a server can be started again at once. With
    /// port 0 the system chooses one: [`local_addr`](TcpListener::local_addr) tells which.
    ///
    /// It does not block and needs no `.await`.
    ///
    /// # Errors
    ///
    /// Outside an event loop, with a text that names the fix, and what the system says, such as
    /// [`AddrInUse`](io::ErrorKind::AddrInUse).
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let reactor = ReactorHandle::current()?;
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(Self { inner: Readiness::with_reactor(socket.into(), &reactor)?, plain: true })
    }

    /// Takes over a listener of the standard library and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// Outside an event loop, with a text that names the fix, and what the system says. The
    /// listener is dropped then.
    pub fn from_std(listener: net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let plain = super::is_plain(&listener);
        Ok(Self { inner: Readiness::new(listener)?, plain })
    }

    /// Gives the listener back. It is still non-blocking.
    pub fn into_std(self) -> net::TcpListener {
        self.inner.into_inner()
    }

    /// Waits for a connection and gives it with the address of its other end.
    ///
    /// Several tasks may accept from one listener. A connection that was aborted before it was
    /// accepted is passed over. Dropped while it waits, no connection is lost.
    ///
    /// # Errors
    ///
    /// What the system says, such as having no descriptor left: the connection then still waits to
    /// be accepted. And if the event loop is closed.
    #[doc(alias = "loop.sock_accept")]
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.inner.read_with(accept).await?;
        Ok((TcpStream::adopt(stream, self.plain)?, peer))
    }

    /// Polls for a connection. Of all that call this, only the last is woken.
    ///
    /// # Errors
    ///
    /// As [`accept`](TcpListener::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.inner.poll_io(Direction::Read, cx, accept).map(|accepted| {
            accepted.and_then(|(stream, peer)| Ok((TcpStream::adopt(stream, self.plain)?, peer)))
        })
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[doc(alias = "getsockname")]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.get_ref().local_addr()
    }
}

fn accept(listener: &net::TcpListener) -> io::Result<(net::TcpStream, SocketAddr)> {
    loop {
        match listener.accept() {
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            result => return result,
        }
    }
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.get_ref().fmt(f)
    }
}

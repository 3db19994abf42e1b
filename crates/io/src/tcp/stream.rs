//! A connection.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use crate::{Direction, ReactorHandle, Readiness};

/// A TCP connection.
///
/// It has methods of its own to read and write, by shared reference, so that one task can read while
/// another writes; and `futures-io`'s traits, for itself and for `&TcpStream`. Of all that use the
/// traits' `poll_*` methods for one direction only the last is woken; the `async` methods have no
/// such limit.
///
/// Dropping it closes the connection, without waiting; the system still sends what was written.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use loopwork_io::TcpStream;
///
/// let stream = TcpStream::connect("127.0.0.1:7".parse().unwrap()).await?;
/// stream.write_all(b"hello").await?;
/// let mut buffer = [0; 5];
/// let read = stream.read(&mut buffer).await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "loop.create_connection")]
#[doc(alias = "open_connection")]
#[doc(alias = "StreamReader")]
#[doc(alias = "StreamWriter")]
pub struct TcpStream {
    inner: Readiness<net::TcpStream>,
    /// A short read has emptied it, and a short write has filled it: see `is_plain`.
    plain: bool,
}

impl TcpStream {
    /// Connects to `addr`, without blocking. Dropped while it waits, the attempt is given up.
    ///
    /// # Errors
    ///
    /// Outside an event loop, with a text that names the fix; what the system says, such as
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused); and if the event loop is closed.
    #[doc(alias = "loop.sock_connect")]
    pub async fn connect(addr: SocketAddr) -> io::Result<Self> {
        let reactor = ReactorHandle::current()?;
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        match socket.connect(&addr.into()) {
            // Interrupted, it goes on by itself, as in progress.
            Err(error) if !goes_on(&error) => return Err(error),
            _ => {}
        }
        let inner = Readiness::with_reactor(net::TcpStream::from(socket), &reactor)?;
        inner.write_with(connected).await?;
        Ok(Self { inner, plain: true })
    }

    /// Takes over a connection of the standard library and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// Outside an event loop, with a text that names the fix, and what the system says. The
    /// connection is dropped then.
    pub fn from_std(stream: net::TcpStream) -> io::Result<Self> {
        let plain = super::is_plain(&stream);
        Self::adopt(stream, plain)
    }

    pub(super) fn adopt(stream: net::TcpStream, plain: bool) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { inner: Readiness::new(stream)?, plain })
    }

    /// What is known of one direction, without a look. For tests.
    #[doc(hidden)]
    pub fn is_known_ready(&self, direction: Direction) -> bool {
        self.inner.is_known_ready(direction)
    }

    /// Whether an attempt that transferred `done` of `wanted` bytes shows that the next one would
    /// block. (None of some is the end.)
    fn is_short(&self, done: usize, wanted: usize) -> bool {
        self.plain && 0 < done && done < wanted
    }

    /// Gives the connection back. It is still non-blocking.
    pub fn into_std(self) -> net::TcpStream {
        self.inner.into_inner()
    }

    /// Reads what there is, at least a byte unless `buffer` is empty, waiting if there is nothing
    /// yet. Zero means that the other end will send no more. Dropped while it waits, nothing has
    /// been read.
    ///
    /// # Errors
    ///
    /// What the system says, and if the event loop is closed.
    #[doc(alias = "loop.sock_recv")]
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len();
        let attempt = |mut stream: &net::TcpStream| stream.read(buffer);
        self.inner.io_with(Direction::Read, attempt, |&done| self.is_short(done, wanted)).await
    }

    /// Writes as much of `bytes` as the system takes, waiting if it takes nothing yet, and says how
    /// much that was. Dropped while it waits, nothing has been written.
    ///
    /// # Errors
    ///
    /// What the system says, and if the event loop is closed.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let attempt = |mut stream: &net::TcpStream| stream.write(bytes);
        let short = |&done: &usize| self.is_short(done, bytes.len());
        self.inner.io_with(Direction::Write, attempt, short).await
    }

    /// Writes all of `bytes`. Dropped while it waits, a part of them may have been written, and it
    /// is not known which: where that matters, use [`write`](TcpStream::write).
    ///
    /// # Errors
    ///
    /// What the system says, and if the event loop is closed. A part of `bytes` may have been
    /// written then.
    #[doc(alias = "loop.sock_sendall")]
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => bytes = &bytes[written..],
            }
        }
        Ok(())
    }

    /// Ends the connection's reading half, its writing half, or both, without blocking. What was
    /// written is still sent.
    ///
    /// # Errors
    ///
    /// What the system says, such as [`NotConnected`](io::ErrorKind::NotConnected).
    #[doc(alias = "write_eof")]
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.inner.get_ref().shutdown(how)
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[doc(alias = "getsockname")]
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.get_ref().local_addr()
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// What the system says, such as [`NotConnected`](io::ErrorKind::NotConnected).
    #[doc(alias = "getpeername")]
    #[doc(alias = "get_extra_info")]
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.get_ref().peer_addr()
    }

    /// Sets whether small writes are sent at once rather than gathered (`TCP_NODELAY`). asyncio's
    /// transports set it; here it is as the system has it, which is off.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.inner.get_ref().set_nodelay(nodelay)
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.inner.get_ref().nodelay()
    }
}

/// Whether a connection is being made although `connect` gave an error.
fn goes_on(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::INPROGRESS | Errno::INTR))
}

/// An attempt to find out how a connection that is being made has turned out.
fn connected(stream: &net::TcpStream) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            // It may have failed since the first look.
            Err(stream.take_error()?.unwrap_or_else(|| io::ErrorKind::WouldBlock.into()))
        }
        result => result.map(drop),
    }
}

impl AsyncRead for &TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let wanted = buffer.len();
        let attempt = |mut stream: &net::TcpStream| stream.read(buffer);
        self.inner.poll_io_short(Direction::Read, cx, attempt, |&done| self.is_short(done, wanted))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted = buffers.iter().map(|buffer| buffer.len()).sum();
        let attempt = |mut stream: &net::TcpStream| stream.read_vectored(buffers);
        self.inner.poll_io_short(Direction::Read, cx, attempt, |&done| self.is_short(done, wanted))
    }
}

impl AsyncWrite for &TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wanted = bytes.len();
        let attempt = |mut stream: &net::TcpStream| stream.write(bytes);
        self.inner.poll_io_short(Direction::Write, cx, attempt, |&done| self.is_short(done, wanted))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted = slices.iter().map(|slice| slice.len()).sum();
        let attempt = |mut stream: &net::TcpStream| stream.write_vectored(slices);
        self.inner.poll_io_short(Direction::Write, cx, attempt, |&done| self.is_short(done, wanted))
    }

    /// Ready at once: nothing is kept back.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ends the writing half; ready at once.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        })
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read_vectored(cx, buffers)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write_vectored(cx, slices)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_close(cx)
    }
}

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.get_ref().fmt(f)
    }
}

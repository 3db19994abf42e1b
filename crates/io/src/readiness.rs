//! Any descriptor, with the means to wait for it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use loopwork_context::{WaitReason, hold_back, spending, waits_for};

use crate::reactor::{Direction, ReactorHandle, Registration, Waiter};

/// A descriptor that is registered with a reactor, so that tasks can wait for it.
///
/// The descriptor must be in non-blocking mode, must be of a kind that the system can wait for
/// (sockets, pipes, process descriptors; not regular files), and must stay the same one for as long
/// as `T` lives. Attempts made on it are made through [`read_with`](Readiness::read_with) and its
/// like, which wait where the attempt says [`WouldBlock`](io::ErrorKind::WouldBlock).
///
/// Dropping it deregisters the descriptor, then drops `T`. It may be used from any thread, and
/// several tasks may wait at a time; all are woken by an event, and try.
///
/// asyncio's counterpart is `loop.add_reader`, of which this is the half that knows no callback.
///
/// ```
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
/// use loopwork_io::{Direction, Reactor, Readiness};
///
/// # fn main() -> std::io::Result<()> {
/// let reactor = Reactor::new()?;
/// let _entered = reactor.handle().enter(); // an event loop does this
/// let (ours, mut theirs) = UnixStream::pair()?;
/// ours.set_nonblocking(true)?;
/// let ours = Readiness::new(ours)?;
/// theirs.write_all(b"hello")?;
/// let mut buffer = [0; 8];
/// let read = ours.try_io(Direction::Read, |mut ours| ours.read(&mut buffer))?;
/// assert_eq!(&buffer[..read], b"hello");
/// # Ok(())
/// # }
/// ```
#[doc(alias = "loop.add_reader")]
#[doc(alias = "loop.add_writer")]
#[doc(alias = "AsyncFd")]
pub struct Readiness<T: AsFd> {
    registration: Registration,
    /// `None` only after `into_inner`.
    io: Option<T>,
    /// What a task that waits for this says it waits for.
    reason: WaitReason,
}

impl<T: AsFd> Readiness<T> {
    /// Registers `io`'s descriptor with the current reactor.
    ///
    /// # Errors
    ///
    /// Outside an event loop, with a text that names the fix; in one that is closed; and what the
    /// system says, such as that it cannot wait for this kind of descriptor. `io` is dropped then.
    pub fn new(io: T) -> io::Result<Self> {
        Self::with_reactor(io, &ReactorHandle::current()?)
    }

    /// Registers `io`'s descriptor with this reactor.
    ///
    /// # Errors
    ///
    /// As [`new`](Readiness::new).
    pub fn with_reactor(io: T, reactor: &ReactorHandle) -> io::Result<Self> {
        let registration = Registration::new(reactor.registry(), io.as_fd())?;
        Ok(Self { registration, io: Some(io), reason: WaitReason::Io })
    }

    /// What a task that waits for this is to say it waits for, where that is no plain I/O.
    #[doc(hidden)]
    #[must_use]
    pub fn with_reason(mut self, reason: WaitReason) -> Self {
        self.reason = reason;
        self
    }

    /// What was registered.
    pub fn get_ref(&self) -> &T {
        self.io.as_ref().expect("only `into_inner` takes it")
    }

    /// Deregisters the descriptor and gives it back, still in non-blocking mode.
    #[doc(alias = "loop.remove_reader")]
    pub fn into_inner(mut self) -> T {
        self.registration.deregister(self.get_ref().as_fd());
        self.io.take().expect("only `into_inner` takes it")
    }

    /// Waits until an attempt to read may succeed.
    ///
    /// Ready does not mean that it will: try, through [`try_io`](Readiness::try_io) or
    /// [`read_with`](Readiness::read_with). An attempt made past them that would block leaves the
    /// descriptor known as ready, and this ready at once.
    ///
    /// # Errors
    ///
    /// If the reactor is gone.
    pub fn readable(&self) -> Ready<'_, T> {
        self.ready(Direction::Read)
    }

    /// Waits until an attempt to write may succeed. As [`readable`](Readiness::readable) otherwise.
    ///
    /// # Errors
    ///
    /// If the reactor is gone.
    pub fn writable(&self) -> Ready<'_, T> {
        self.ready(Direction::Write)
    }

    /// Waits for either direction, like [`readable`](Readiness::readable) and
    /// [`writable`](Readiness::writable).
    ///
    /// # Errors
    ///
    /// If the reactor is gone.
    pub fn ready(&self, direction: Direction) -> Ready<'_, T> {
        Ready { readiness: self, direction, waiter: None }
    }

    /// Polls for what [`readable`](Readiness::readable) waits for. Of all that call `poll_*`
    /// methods for one direction, only the last is woken.
    ///
    /// # Errors
    ///
    /// If the reactor is gone.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        spending(cx, |cx| self.poll_ready(Direction::Read, Waiter::Poll, cx))
    }

    /// Polls for what [`writable`](Readiness::writable) waits for. Of all that call `poll_*`
    /// methods for one direction, only the last is woken.
    ///
    /// # Errors
    ///
    /// If the reactor is gone.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        spending(cx, |cx| self.poll_ready(Direction::Write, Waiter::Poll, cx))
    }

    pub(crate) fn is_known_ready(&self, direction: Direction) -> bool {
        self.registration.source().is_known_ready(direction)
    }

    /// Makes one attempt, and takes note if it would block.
    ///
    /// # Errors
    ///
    /// What `attempt` gives, [`WouldBlock`](io::ErrorKind::WouldBlock) included.
    pub fn try_io<R>(
        &self,
        direction: Direction,
        attempt: impl FnOnce(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        let source = self.registration.source();
        let begun = source.begin_anyway(direction);
        let result = attempt(self.get_ref());
        if matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            source.would_block(direction, begun);
        }
        result
    }

    /// Attempts to read until `attempt` says something else than
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) or [`Interrupted`](io::ErrorKind::Interrupted),
    /// waiting in between. Dropped while it waits, nothing has happened.
    ///
    /// # Errors
    ///
    /// What `attempt` gives, and if the reactor is gone.
    pub async fn read_with<R>(&self, attempt: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.io_with(Direction::Read, attempt, |_| false).await
    }

    /// Attempts to write, as [`read_with`](Readiness::read_with) does to read.
    ///
    /// # Errors
    ///
    /// What `attempt` gives, and if the reactor is gone.
    pub async fn write_with<R>(&self, attempt: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.io_with(Direction::Write, attempt, |_| false).await
    }

    /// Polls an attempt: makes it until it says something else than `WouldBlock` or `Interrupted`,
    /// or is to wait. Of all that call `poll_*` methods for one direction, only the last is woken.
    ///
    /// # Errors
    ///
    /// What `attempt` gives, and if the reactor is gone.
    pub fn poll_io<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        attempt: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_attempts(direction, || Waiter::Poll, cx, attempt, |_| false)
    }

    /// As [`poll_io`](Readiness::poll_io). A result that is `short` shows that the next attempt
    /// would block: so it is on a TCP connection, and on nothing else.
    pub(crate) fn poll_io_short<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        attempt: impl FnMut(&T) -> io::Result<R>,
        short: impl Fn(&R) -> bool,
    ) -> Poll<io::Result<R>> {
        self.poll_attempts(direction, || Waiter::Poll, cx, attempt, short)
    }

    /// As [`poll_io_short`](Readiness::poll_io_short), for any number of tasks.
    pub(crate) async fn io_with<R>(
        &self,
        direction: Direction,
        mut attempt: impl FnMut(&T) -> io::Result<R>,
        short: impl Fn(&R) -> bool,
    ) -> io::Result<R> {
        let mut ready = self.ready(direction);
        poll_fn(|cx| {
            ready!(hold_back(cx, ready.waiter.is_some()));
            self.poll_attempts(direction, || ready.waiter(), cx, &mut attempt, &short)
        })
        .await
    }

    /// `waiter` is asked for only if there is something to wait for.
    fn poll_attempts<R>(
        &self,
        direction: Direction,
        mut waiter: impl FnMut() -> Waiter,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&T) -> io::Result<R>,
        short: impl Fn(&R) -> bool,
    ) -> Poll<io::Result<R>> {
        let source = self.registration.source();
        spending(cx, |cx| {
            loop {
                if let Some(begun) = source.begin(direction) {
                    match attempt(self.get_ref()) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            source.would_block(direction, begun);
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        result => {
                            if result.as_ref().is_ok_and(&short) {
                                self.registration.fell_short(direction, begun);
                            }
                            return Poll::Ready(result);
                        }
                    }
                }
                ready!(self.poll_ready(direction, waiter(), cx))?;
            }
        })
    }

    /// Spends nothing: its callers do.
    fn poll_ready(
        &self,
        direction: Direction,
        waiter: Waiter,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let ready = self.registration.poll_ready(self.get_ref().as_fd(), direction, waiter, cx);
        if ready.is_pending() {
            waits_for(self.reason);
        }
        ready
    }
}

impl<T: AsFd> AsFd for Readiness<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsFd> Drop for Readiness<T> {
    fn drop(&mut self) {
        if let Some(io) = &self.io {
            self.registration.deregister(io.as_fd());
        }
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for Readiness<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness")
            .field("io", &self.io)
            .field("source", self.registration.source())
            .finish()
    }
}

/// Waits for the readiness of a descriptor. Made by [`Readiness::readable`] and
/// [`Readiness::writable`]. Dropping it takes its waker out.
#[must_use = "readiness is waited for only while this is polled"]
pub struct Ready<'a, T: AsFd> {
    readiness: &'a Readiness<T>,
    direction: Direction,
    waiter: Option<Waiter>,
}

impl<T: AsFd> Ready<'_, T> {
    fn waiter(&mut self) -> Waiter {
        *self.waiter.get_or_insert_with(|| self.readiness.registration.source().next_waiter())
    }
}

impl<T: AsFd> Future for Ready<'_, T> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(hold_back(cx, self.waiter.is_some()));
        let waiter = self.waiter();
        spending(cx, |cx| self.readiness.poll_ready(self.direction, waiter, cx))
    }
}

impl<T: AsFd> Drop for Ready<'_, T> {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter {
            self.readiness.registration.source().forget(self.direction, waiter);
        }
    }
}

impl<T: AsFd> fmt::Debug for Ready<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("direction", &self.direction).finish_non_exhaustive()
    }
}

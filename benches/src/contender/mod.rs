//! The runtimes, behind the one trait that the work is written against.

mod combinators;
mod loopwork;
mod primitives;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

use std::future::Future;
use std::io;
use std::net;
use std::ops::{Add, Sub};
use std::pin::Pin;
use std::time::Duration;

pub(crate) use self::combinators::Combinators;
pub(crate) use self::loopwork::Loopwork;
#[cfg(feature = "channels")]
pub(crate) use self::primitives::{AsyncChannel, Flume, Kanal};
pub(crate) use self::primitives::{
    Bounded, Each, Exclusive, Latest, Permits, Primitives, Published, Single, WakeUp,
};
#[cfg(feature = "smol")]
pub(crate) use self::smol::Smol;
#[cfg(feature = "tokio")]
pub(crate) use self::tokio::{Bare, CurrentThread, Tokio};

use crate::python;
use crate::row::Row;

/// A runtime that runs. Everything is monomorphised: the trait costs nothing.
pub(crate) trait Contender: Send + Sync + 'static {
    /// A task's handle.
    type Task<T: Send + 'static>: Send + 'static;
    type Listener: Send + Sync + 'static;
    type Stream: Send + 'static;
    /// A future that waits for a point in time.
    type Sleep: Future + Send + 'static;
    /// A point in time, on the clock that sleeps go by.
    type Instant: Copy
        + PartialOrd
        + Send
        + Add<Duration, Output = Self::Instant>
        + Sub<Output = Duration>;

    /// Starts the runtime, runs `body` as a task on one of its workers, and gives its output. The
    /// runtime lives as long as the process.
    fn run<F>(workers: usize, body: impl FnOnce(&'static Self) -> F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Spawns a task, from a worker or from any other thread.
    fn spawn<F>(&self, future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Waits for a task, which must not have failed.
    fn join<T: Send + 'static>(task: Self::Task<T>) -> impl Future<Output = T> + Send;

    /// Submits a future from a thread that is no worker, and blocks that thread until its output is
    /// there, by the runtime's own means.
    fn submit_and_wait<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Lets a task run on without its handle.
    fn detach<T: Send + 'static>(task: Self::Task<T>);

    /// The runtime's own way to let others run.
    fn yield_now() -> impl Future<Output = ()> + Send;

    fn now() -> Self::Instant;

    /// On a worker only, as `sleep_until`.
    fn sleep(duration: Duration) -> Self::Sleep;

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep;

    /// Moves a sleep's deadline. It is polled again before it is waited for.
    fn reset(sleep: Pin<&mut Self::Sleep>, deadline: Self::Instant);

    /// Takes over a listener. On a worker only.
    fn listen(listener: net::TcpListener) -> io::Result<Self::Listener>;

    /// The next connection, with `TCP_NODELAY` set.
    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Reads what there is; zero at the end.
    fn read(
        stream: &mut Self::Stream,
        buffer: &mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send;

    fn write_all(
        stream: &mut Self::Stream,
        bytes: &[u8],
    ) -> impl Future<Output = io::Result<()>> + Send;
}

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    Loopwork,
    Tokio,
    Smol,
    /// tokio without sockets and timers.
    TokioBare,
    /// tokio on one thread.
    TokioCt,
    /// tokio with channels that belong to no runtime. Only where there are channels.
    AsyncChannel,
    Flume,
    Kanal,
    /// Python's asyncio, and the same on the event loop that is written in C. Only at the row that is
    /// written in Python too.
    Asyncio,
    Uvloop,
    /// No runtime at all: what the system asks for the same job. Only where there is such a thing.
    Floor,
}

impl Runtime {
    pub(crate) const ALL: [Self; 11] = [
        Self::Loopwork,
        Self::Tokio,
        Self::Smol,
        Self::TokioBare,
        Self::TokioCt,
        Self::AsyncChannel,
        Self::Flume,
        Self::Kanal,
        Self::Asyncio,
        Self::Uvloop,
        Self::Floor,
    ];
    /// Those that a ratio is to.
    pub(crate) const PEERS: [Self; 7] = [
        Self::Tokio,
        Self::Smol,
        Self::TokioBare,
        Self::TokioCt,
        Self::AsyncChannel,
        Self::Flume,
        Self::Kanal,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Loopwork => "loopwork",
            Self::Tokio => "tokio",
            Self::Smol => "smol",
            Self::TokioBare => "tokio-bare",
            Self::TokioCt => "tokio-ct",
            Self::AsyncChannel => "async-channel",
            Self::Flume => "flume",
            Self::Kanal => "kanal",
            Self::Asyncio => "asyncio",
            Self::Uvloop => "uvloop",
            Self::Floor => "floor",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|runtime| runtime.name() == name)
    }

    /// Whether it was built in, or is installed.
    pub(crate) fn is_present(self) -> bool {
        match self {
            Self::Loopwork | Self::Floor => true,
            Self::Tokio | Self::TokioBare | Self::TokioCt => cfg!(feature = "tokio"),
            Self::AsyncChannel | Self::Flume | Self::Kanal => cfg!(feature = "channels"),
            Self::Smol => cfg!(feature = "smol"),
            Self::Asyncio | Self::Uvloop => python::has(self.name()),
        }
    }

    /// Whether it takes part only when asked for.
    pub(crate) fn is_opt_in(self) -> bool {
        matches!(self, Self::TokioBare | Self::TokioCt)
    }

    /// Whether it is measured at a row.
    pub(crate) fn takes_part(self, row: Row) -> bool {
        match self {
            Self::Floor => row == Row::Echo,
            Self::Asyncio | Self::Uvloop => row == Row::Queue,
            Self::AsyncChannel | Self::Flume | Self::Kanal => row.is_channel(),
            Self::Smol => !row.is_published(),
            Self::TokioBare => !row.needs_drivers(),
            Self::TokioCt => row.fits_one_thread(),
            _ => true,
        }
    }
}

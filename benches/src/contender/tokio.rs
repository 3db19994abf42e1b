//! tokio: `multi_thread`, where the calling thread sleeps beside the workers, and its opt-ins.

use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::net;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

use super::Contender;

pub(crate) struct Tokio<M = MultiThread>(Handle, PhantomData<M>);

/// How the runtime is built.
pub(crate) trait Flavour: Send + Sync + 'static {
    fn builder(workers: usize) -> Builder;
}

/// As it comes.
pub(crate) enum MultiThread {}

/// Without sockets and timers, which most rows do not need.
pub(crate) enum Bare {}

/// All tasks on the calling thread.
pub(crate) enum CurrentThread {}

impl Flavour for MultiThread {
    fn builder(workers: usize) -> Builder {
        let mut builder = Bare::builder(workers);
        builder.enable_all();
        builder
    }
}

impl Flavour for Bare {
    fn builder(workers: usize) -> Builder {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(workers);
        builder
    }
}

impl Flavour for CurrentThread {
    fn builder(_workers: usize) -> Builder {
        let mut builder = Builder::new_current_thread();
        builder.enable_all();
        builder
    }
}

impl<M: Flavour> Contender for Tokio<M> {
    type Task<T: Send + 'static> = JoinHandle<T>;
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Sleep = Sleep;
    type Instant = Instant;

    fn run<F>(workers: usize, body: impl FnOnce(&'static Self) -> F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let runtime = M::builder(workers).build();
        let runtime = runtime.expect("the system has threads and a poller");
        let contender = Box::leak(Box::new(Self(runtime.handle().clone(), PhantomData)));
        // `block_on` polls on this thread, which may be no worker: the body has to be spawned.
        runtime.block_on(runtime.spawn(body(contender))).expect("the body does not panic")
    }

    fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    async fn join<T: Send + 'static>(task: JoinHandle<T>) -> T {
        task.await.expect("a task of the work does not panic")
    }

    fn submit_and_wait<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let task = self.0.spawn(future);
        self.0.block_on(task).expect("a task of the work does not panic")
    }

    fn detach<T: Send + 'static>(task: JoinHandle<T>) {
        drop(task);
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        tokio::task::yield_now()
    }

    fn now() -> Instant {
        Instant::now()
    }

    fn sleep(duration: Duration) -> Sleep {
        tokio::time::sleep(duration)
    }

    fn sleep_until(deadline: Instant) -> Sleep {
        tokio::time::sleep_until(deadline)
    }

    fn reset(sleep: Pin<&mut Sleep>, deadline: Instant) {
        sleep.reset(deadline);
    }

    fn listen(listener: net::TcpListener) -> io::Result<TcpListener> {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    }

    async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer).await
    }

    async fn write_all(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await
    }
}

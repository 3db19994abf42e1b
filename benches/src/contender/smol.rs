//! smol: an executor that is run by as many threads as there are workers; the calling thread
//! sleeps beside them.

use std::future::Future;
use std::io;
use std::net;
use std::pin::Pin;
use std::thread;
use std::time::{Duration, Instant};

use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use smol::{Async, Executor, Task, Timer, future};

use super::Contender;

pub(crate) struct Smol(Executor<'static>);

impl Contender for Smol {
    type Task<T: Send + 'static> = Task<T>;
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Sleep = Timer;
    type Instant = Instant;

    fn run<F>(workers: usize, body: impl FnOnce(&'static Self) -> F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let contender: &'static Self = Box::leak(Box::new(Self(Executor::new())));
        for worker in 0..workers {
            let thread = thread::Builder::new().name(format!("smol-{worker}"));
            let forever = contender.0.run(future::pending::<()>());
            // `smol::block_on` also drives the sockets, as the threads of `smol::spawn` do.
            thread.spawn(|| smol::block_on(forever)).expect("the system has a thread");
        }
        // Not `smol::block_on`, which would make this thread one more that drives the sockets.
        future::block_on(contender.spawn(body(contender)))
    }

    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    async fn join<T: Send + 'static>(task: Task<T>) -> T {
        task.await
    }

    fn submit_and_wait<F>(&self, work: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        future::block_on(self.0.spawn(work))
    }

    fn detach<T: Send + 'static>(task: Task<T>) {
        task.detach();
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        future::yield_now()
    }

    fn now() -> Instant {
        Instant::now()
    }

    fn sleep(duration: Duration) -> Timer {
        Timer::after(duration)
    }

    fn sleep_until(deadline: Instant) -> Timer {
        Timer::at(deadline)
    }

    fn reset(sleep: Pin<&mut Timer>, deadline: Instant) {
        sleep.get_mut().set_at(deadline);
    }

    fn listen(listener: net::TcpListener) -> io::Result<TcpListener> {
        Ok(Async::new(listener)?.into())
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

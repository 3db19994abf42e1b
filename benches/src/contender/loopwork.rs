//! Loopwork: the calling thread is one of the workers.

use std::future::Future;
use std::io;
use std::net;
use std::pin::Pin;
use std::time::Duration;

use loopwork::net::{TcpListener, TcpStream};
use loopwork::{EventLoop, Handle, Instant, Sleep, Task, run_coroutine_threadsafe};

use super::Contender;

pub(crate) struct Loopwork(Handle);

impl Contender for Loopwork {
    type Task<T: Send + 'static> = Task<T>;
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Sleep = Sleep;
    type Instant = Instant;

    fn run<F>(workers: usize, body: impl FnOnce(&'static Self) -> F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let builder = EventLoop::builder().workers(workers);
        let mut event_loop = builder.build().expect("the system has a thread and a poller");
        let contender = Box::leak(Box::new(Self(event_loop.handle())));
        // As a task, not as the root, which only worker 0 may run.
        let task = event_loop.create_task(body(contender));
        let output = event_loop.run_until_complete(task).expect("nobody stops the loop");
        output.expect("the body does not panic")
    }

    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    async fn join<T: Send + 'static>(task: Task<T>) -> T {
        task.await.expect("a task of the work does not panic")
    }

    fn submit_and_wait<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let submitted = run_coroutine_threadsafe(future, &self.0).expect("the loop is open");
        submitted.result(None).expect("a task of the work does not panic")
    }

    fn detach<T: Send + 'static>(task: Task<T>) {
        drop(task);
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        loopwork::yield_now()
    }

    fn now() -> Instant {
        Instant::now()
    }

    fn sleep(duration: Duration) -> Sleep {
        loopwork::sleep(duration)
    }

    fn sleep_until(deadline: Instant) -> Sleep {
        loopwork::sleep_until(deadline)
    }

    fn reset(sleep: Pin<&mut Sleep>, deadline: Instant) {
        sleep.get_mut().reset(deadline);
    }

    fn listen(listener: net::TcpListener) -> io::Result<TcpListener> {
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

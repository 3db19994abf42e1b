//! The protocol of readiness between threads: one turns the reactor, others wait and are woken.

#![cfg(not(loopwork_loom))]

use std::future::Future;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use loopwork_io::{Reactor, ReactorHandle, Readiness, TcpListener, TcpStream};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Parks without a time-out, so a lost wake-up hangs the test.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn registered(stream: UnixStream, reactor: &ReactorHandle) -> Readiness<UnixStream> {
    stream.set_nonblocking(true).unwrap();
    Readiness::with_reactor(stream, reactor).unwrap()
}

async fn send(stream: &Readiness<UnixStream>, byte: u8) -> io::Result<()> {
    stream.write_with(|mut stream| stream.write_all(&[byte])).await
}

async fn receive(stream: &Readiness<UnixStream>) -> io::Result<u8> {
    let mut byte = [0];
    stream.read_with(|mut stream| stream.read_exact(&mut byte)).await?;
    Ok(byte[0])
}

fn ping_pong(mut reactor: Reactor) {
    const PAIRS: usize = 3;
    const ROUNDS: usize = 500;

    let (handle, unparker) = (reactor.handle(), reactor.unparker());
    let stop = Arc::new(AtomicBool::new(false));
    let turner = thread::spawn({
        let stop = stop.clone();
        move || {
            while !stop.load(Ordering::SeqCst) {
                reactor.turn(None).unwrap();
            }
        }
    });
    let players: Vec<_> = (0..PAIRS)
        .flat_map(|_| {
            let (ping, pong) = UnixStream::pair().unwrap();
            let (ping, pong) = (registered(ping, &handle), registered(pong, &handle));
            let first = thread::spawn(move || {
                for round in 0..ROUNDS {
                    block_on(send(&ping, round as u8)).unwrap();
                    assert_eq!(block_on(receive(&ping)).unwrap(), round as u8);
                }
            });
            let second = thread::spawn(move || {
                for _ in 0..ROUNDS {
                    let byte = block_on(receive(&pong)).unwrap();
                    block_on(send(&pong, byte)).unwrap();
                }
            });
            [first, second]
        })
        .collect();
    players.into_iter().for_each(|player| player.join().unwrap());
    stop.store(true, Ordering::SeqCst);
    unparker.unpark();
    turner.join().unwrap();
}

#[test]
fn no_wake_up_is_lost_between_threads_with_edges() {
    ping_pong(Reactor::new().unwrap());
}

#[test]
fn no_wake_up_is_lost_between_threads_with_portable_edges() {
    ping_pong(Reactor::portable().unwrap());
}

#[test]
fn no_wake_up_is_lost_between_threads_without_edges() {
    ping_pong(Reactor::oneshot().unwrap());
}

#[test]
fn everything_may_move_to_and_be_used_from_other_threads() {
    fn send<T: Send>(_: &T) {}
    fn send_sync<T: Send + Sync>() {}
    send_sync::<Readiness<UnixStream>>();
    send_sync::<ReactorHandle>();
    send_sync::<TcpListener>();
    send_sync::<TcpStream>();
    send(&Reactor::new().unwrap());
    // Never run: what they are is what is asked.
    send(&TcpStream::connect(([127, 0, 0, 1], 7).into()));
    fn futures(stream: &TcpStream, listener: &TcpListener) {
        send(&listener.accept());
        send(&stream.read(&mut []));
        send(&stream.write_all(b""));
    }
    let _ = futures;
}

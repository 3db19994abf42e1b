//! Connections over loopback, by each of the ways to wait.

#![cfg(not(loopwork_loom))]

mod support;

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use futures_io::{AsyncRead, AsyncWrite};
use loopwork_io::{TcpListener, TcpStream};
use support::on_each;

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Sends back what it gets until there is no more.
async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return stream.shutdown(Shutdown::Write),
            read => stream.write_all(&buffer[..read]).await?,
        }
    }
}

async fn read_to_end(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(all),
            read => all.extend_from_slice(&buffer[..read]),
        }
    }
}

#[test]
fn an_echo_comes_back() {
    on_each(|runner| {
        let spawner = runner.spawner();
        runner.run(async move {
            let listener = TcpListener::bind(any_port()).unwrap();
            let addr = listener.local_addr().unwrap();
            spawner.spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                echo(stream).await.unwrap();
            });
            let stream = TcpStream::connect(addr).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), addr);
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(read_to_end(&stream).await.unwrap(), b"hello");
        });
    });
}

#[test]
fn more_than_the_system_buffers_goes_through_both_ways_at_once() {
    const LENGTH: usize = 8 << 20;
    on_each(|runner| {
        let spawner = runner.spawner();
        runner.run(async move {
            let listener = TcpListener::bind(any_port()).unwrap();
            let addr = listener.local_addr().unwrap();
            spawner.spawn(async move { echo(listener.accept().await.unwrap().0).await.unwrap() });
            let stream = Rc::new(TcpStream::connect(addr).await.unwrap());
            let writer = stream.clone();
            let sent: Vec<u8> = (0..LENGTH).map(|i| (i % 251) as u8).collect();
            let expected = sent.clone();
            spawner.spawn(async move {
                writer.write_all(&sent).await.unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            assert!(read_to_end(&stream).await.unwrap() == expected);
        });
    });
}

#[test]
fn a_hundred_connections_at_once() {
    const CONNECTIONS: usize = 100;
    on_each(|runner| {
        let spawner = runner.spawner();
        let done = Rc::new(Cell::new(0));
        let count = done.clone();
        runner.run(async move {
            let listener = TcpListener::bind(any_port()).unwrap();
            let addr = listener.local_addr().unwrap();
            let server = spawner.clone();
            spawner.spawn(async move {
                for _ in 0..CONNECTIONS {
                    let (stream, _) = listener.accept().await.unwrap();
                    server.spawn(async move { echo(stream).await.unwrap() });
                }
            });
            for i in 0..CONNECTIONS {
                let done = done.clone();
                spawner.spawn(async move {
                    let stream = TcpStream::connect(addr).await.unwrap();
                    let message = format!("message {i}");
                    stream.write_all(message.as_bytes()).await.unwrap();
                    stream.shutdown(Shutdown::Write).unwrap();
                    assert_eq!(read_to_end(&stream).await.unwrap(), message.as_bytes());
                    done.set(done.get() + 1);
                });
            }
        });
        assert_eq!(count.get(), CONNECTIONS);
    });
}

#[test]
fn several_tasks_accept_from_one_listener() {
    const TASKS: usize = 5;
    on_each(|runner| {
        let spawner = runner.spawner();
        let accepted = Rc::new(Cell::new(0));
        let count = accepted.clone();
        runner.run(async move {
            let listener = Rc::new(TcpListener::bind(any_port()).unwrap());
            let addr = listener.local_addr().unwrap();
            for _ in 0..TASKS {
                let (listener, accepted) = (listener.clone(), accepted.clone());
                spawner.spawn(async move {
                    listener.accept().await.unwrap();
                    accepted.set(accepted.get() + 1);
                });
            }
            for _ in 0..TASKS {
                TcpStream::connect(addr).await.unwrap();
            }
        });
        assert_eq!(count.get(), TASKS);
    });
}

#[test]
fn an_accept_and_a_read_that_are_given_up_lose_nothing() {
    on_each(|runner| {
        runner.run(async move {
            let listener = TcpListener::bind(any_port()).unwrap();
            let addr = listener.local_addr().unwrap();
            let mut cx = Context::from_waker(Waker::noop());
            let mut given_up = Box::pin(listener.accept());
            assert!(given_up.as_mut().poll(&mut cx).is_pending());
            let theirs = TcpStream::connect(addr).await.unwrap();
            drop(given_up);
            let (ours, _) = listener.accept().await.unwrap();

            let mut buffer = [0; 8];
            let mut given_up = Box::pin(ours.read(&mut buffer));
            assert!(given_up.as_mut().poll(&mut cx).is_pending());
            theirs.write_all(b"all").await.unwrap();
            drop(given_up);
            assert_eq!(ours.read(&mut buffer).await.unwrap(), 3);
        });
    });
}

#[test]
fn a_refused_connection_is_an_error() {
    on_each(|runner| {
        let error = runner.run(async {
            // The port was free a moment ago, and nobody listens on it now.
            let addr = TcpListener::bind(any_port()).unwrap().local_addr().unwrap();
            TcpStream::connect(addr).await.unwrap_err()
        });
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn the_traits_read_and_write_also_in_vectors() {
    on_each(|runner| {
        let spawner = runner.spawner();
        runner.run(async move {
            let listener = TcpListener::bind(any_port()).unwrap();
            let addr = listener.local_addr().unwrap();
            spawner.spawn(async move { echo(listener.accept().await.unwrap().0).await.unwrap() });
            let mut stream = TcpStream::connect(addr).await.unwrap();
            let slices = [IoSlice::new(b"he"), IoSlice::new(b"llo")];
            let written =
                poll_fn(|cx| Pin::new(&mut stream).poll_write_vectored(cx, &slices)).await.unwrap();
            assert_eq!(written, 5);
            poll_fn(|cx| Pin::new(&mut stream).poll_flush(cx)).await.unwrap();
            let mut first = [0; 1];
            assert_eq!(
                poll_fn(|cx| Pin::new(&mut &stream).poll_read(cx, &mut first)).await.unwrap(),
                1
            );
            let (mut a, mut b) = ([0; 2], [0; 2]);
            let mut buffers = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
            let read = poll_fn(|cx| Pin::new(&mut stream).poll_read_vectored(cx, &mut buffers));
            assert_eq!(read.await.unwrap(), 4);
            assert_eq!((&first, &a, &b), (b"h", b"el", b"lo"));
            poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await.unwrap();
            assert_eq!(read_to_end(&stream).await.unwrap(), b"");
        });
    });
}

#[test]
fn options_and_conversions() {
    on_each(|runner| {
        runner.run(async {
            let listener = TcpListener::from_std(std::net::TcpListener::bind(any_port()).unwrap());
            let listener = listener.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            stream.set_nodelay(true).unwrap();
            assert!(stream.nodelay().unwrap());
            let local = stream.local_addr().unwrap();
            let stream = TcpStream::from_std(stream.into_std()).unwrap();
            assert_eq!(listener.accept().await.unwrap().1, local);
            assert!(format!("{stream:?} {listener:?}").contains("TcpStream"));
            drop(listener.into_std());
        });
    });
}

#[test]
fn outside_a_loop_the_error_names_the_fix() {
    let error = TcpListener::bind(any_port()).unwrap_err();
    assert!(error.to_string().contains("`#[loopwork::main]`"), "{error}");
}

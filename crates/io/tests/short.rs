//! What a short transfer shows: where it clears readiness, and that nothing is missed by that.

#![cfg(not(loopwork_loom))]

mod support;

use std::io::{Read, Write};
use std::net::{self, Ipv4Addr, Shutdown};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::mpsc::sync_channel;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use loopwork_io::{Direction, Reactor, TcpStream};
use rustix::net::{SendFlags, send};
use support::{Counter, Runner, on_each, poll};

/// A connection of which the first end is registered, and is known to have nothing to read.
fn pair(runner: &mut Runner) -> (TcpStream, net::TcpStream) {
    let listener = net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let theirs = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    theirs.set_nodelay(true).unwrap();
    let _entered = runner.reactor.handle().enter();
    let ours = TcpStream::from_std(listener.accept().unwrap().0).unwrap();
    settle(runner);
    assert!(poll(pin!(ours.read(&mut [0; 8])), Waker::noop()).is_pending());
    (ours, theirs)
}

/// Turns until nothing more is reported. What was sent over loopback has arrived then: it hardly
/// ever takes longer than the call that sends it.
fn settle(runner: &mut Runner) {
    while runner.reactor.turn(Some(Duration::from_millis(5))).unwrap() > 0 {}
}

/// What one poll of a read into this many bytes gives: `None` if it waits.
fn read(ours: &TcpStream, length: usize) -> Option<Vec<u8>> {
    let mut buffer = vec![0; length];
    let polled = poll(Box::pin(ours.read(&mut buffer)).as_mut(), Waker::noop());
    match polled {
        Poll::Ready(read) => Some(buffer[..read.unwrap()].to_vec()),
        Poll::Pending => None,
    }
}

/// Whether a read would be tried: what is known, not what is so.
fn is_known_ready(ours: &TcpStream) -> bool {
    ours.is_known_ready(Direction::Read)
}

fn tells_ends(runner: &Runner) -> bool {
    format!("{:?}", runner.reactor).contains("tells_ends: true")
}

#[test]
fn a_short_read_waits_for_the_next_event_and_gets_what_comes() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        for round in 0..5 {
            let (counter, waker) = Counter::new();
            let mut buffer = [0; 8];
            let mut next = Box::pin(ours.read(&mut buffer));
            assert!(poll(next.as_mut(), &waker).is_pending());
            theirs.write_all(&[round; 3]).unwrap();
            settle(runner);
            assert_eq!(counter.count(), 1);
            assert!(matches!(poll(next.as_mut(), &waker), Poll::Ready(Ok(3))));
            drop(next);
            assert_eq!(buffer[..3], [round; 3]);
            assert_eq!(is_known_ready(&ours), !tells_ends(runner));
        }
    });
}

#[test]
fn a_full_buffer_shows_nothing() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        theirs.write_all(b"abcdef").unwrap();
        settle(runner);
        assert_eq!(read(&ours, 4).unwrap(), b"abcd");
        assert!(is_known_ready(&ours));
        assert_eq!(read(&ours, 2).unwrap(), b"ef");
        assert!(is_known_ready(&ours));
        assert!(read(&ours, 2).is_none());
        assert!(!is_known_ready(&ours));
    });
}

#[test]
fn the_end_after_a_short_read_is_read() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        theirs.write_all(b"abc").unwrap();
        settle(runner);
        assert_eq!(read(&ours, 8).unwrap(), b"abc");
        let (counter, waker) = Counter::new();
        let mut buffer = [0; 8];
        let mut next = pin!(ours.read(&mut buffer));
        assert!(poll(next.as_mut(), &waker).is_pending());
        drop(theirs);
        settle(runner);
        assert_eq!(counter.count(), 1);
        assert!(matches!(poll(next, &waker), Poll::Ready(Ok(0))));
        assert_eq!(read(&ours, 8).unwrap(), b"", "and again");
    });
}

#[test]
fn data_and_the_end_in_one_event() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        theirs.write_all(b"abc").unwrap();
        theirs.shutdown(Shutdown::Write).unwrap();
        settle(runner);
        assert_eq!(read(&ours, 8).unwrap(), b"abc");
        assert!(is_known_ready(&ours));
        assert_eq!(read(&ours, 8).unwrap(), b"");
        assert_eq!(read(&ours, 8).unwrap(), b"");
        // Half closed: the other way is open.
        assert!(matches!(poll(pin!(ours.write(b"x")), Waker::noop()), Poll::Ready(Ok(1))));
        let mut byte = [0];
        theirs.read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"x");
    });
}

#[test]
fn the_end_between_a_short_read_and_its_note() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        theirs.write_all(b"abc").unwrap();
        settle(runner);
        // The event is there to be reported, and is not yet.
        theirs.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read(&ours, 8).unwrap(), b"abc");
        settle(runner);
        assert_eq!(read(&ours, 8).unwrap(), b"");
    });
}

#[test]
fn a_reset_after_a_short_read_is_an_error_or_the_end() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        theirs.write_all(b"abc").unwrap();
        settle(runner);
        assert_eq!(read(&ours, 8).unwrap(), b"abc");
        // What it has not read makes its end a reset.
        assert!(matches!(poll(pin!(ours.write(b"unread")), Waker::noop()), Poll::Ready(Ok(6))));
        drop(theirs);
        settle(runner);
        let mut buffer = [0; 8];
        assert!(poll(pin!(ours.read(&mut buffer)), Waker::noop()).is_ready());
    });
}

/// A read stops before urgent data, short although there is more.
#[test]
fn what_is_behind_urgent_data_is_read() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        theirs.write_all(b"ab").unwrap();
        send(&theirs, b"!", SendFlags::OOB).unwrap();
        theirs.write_all(b"cd").unwrap();
        settle(runner);
        assert_eq!(read(&ours, 8).unwrap(), b"ab");
        assert_eq!(read(&ours, 8).unwrap(), b"cd");
        assert!(read(&ours, 8).is_none());
        theirs.write_all(b"ef").unwrap();
        settle(runner);
        assert_eq!(read(&ours, 8).unwrap(), b"ef");
    });
}

#[test]
fn a_short_write_waits_for_room() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        let bytes = vec![7; 1 << 20];
        let mut written = 0;
        while let Poll::Ready(part) = poll(pin!(ours.write(&bytes)), Waker::noop()) {
            written += part.unwrap();
        }
        let (counter, waker) = Counter::new();
        let mut write = pin!(ours.write(b"x"));
        assert!(poll(write.as_mut(), &waker).is_pending());
        let mut all = vec![0; written];
        theirs.read_exact(&mut all).unwrap();
        settle(runner);
        assert!(counter.count() > 0);
        assert!(matches!(poll(write, &waker), Poll::Ready(Ok(1))));
    });
}

/// Something else that is called a `TcpStream`: nothing follows from a short read there, where one
/// also ends at a descriptor that was sent along.
#[test]
fn what_is_not_tcp_stays_ready_after_a_short_read() {
    on_each(|runner| {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let _entered = runner.reactor.handle().enter();
        let ours = net::TcpStream::from(OwnedFd::from(ours));
        let ours = TcpStream::from_std(ours).unwrap();
        theirs.write_all(b"abc").unwrap();
        settle(runner);
        assert_eq!(read(&ours, 8).unwrap(), b"abc");
        assert!(is_known_ready(&ours));
        assert!(read(&ours, 8).is_none());
    });
}

/// In a loop: all interleavings of a peer that sends and closes with reads into a larger buffer.
#[test]
fn no_end_is_missed_between_threads() {
    const ROUNDS: usize = if cfg!(debug_assertions) { 300 } else { 3_000 };
    let listener = net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    // Not further ahead than the system keeps connections for us.
    let (ahead, behind) = sync_channel(32);
    let peer = thread::spawn(move || {
        for round in 0..ROUNDS {
            ahead.send(()).unwrap();
            let mut stream = net::TcpStream::connect(addr).unwrap();
            stream.set_nodelay(true).unwrap();
            for _ in 0..round % 4 {
                stream.write_all(b"abc").unwrap();
            }
        }
    });
    let mut runner = Runner::new(Reactor::new().unwrap());
    for round in 0..ROUNDS {
        behind.recv().unwrap();
        let accepted = listener.accept().unwrap().0;
        let all = runner.run(async move {
            let stream = TcpStream::from_std(accepted).unwrap();
            let mut all = 0;
            let mut buffer = [0; 64];
            loop {
                match stream.read(&mut buffer).await.unwrap() {
                    0 => return all,
                    read => all += read,
                }
            }
        });
        assert_eq!(all, 3 * (round % 4));
    }
    peer.join().unwrap();
}

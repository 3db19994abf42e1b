//! The reactor: the word between unparks and a turn, and the readiness of one descriptor.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, ready};

use loopwork_io::model::{Source, Unpark};
use loopwork_loom_tests::{Bell, Data, block_on, explore, spawn};
use loopwork_shim::sync::Mutex;
use loopwork_shim::thread::yield_now;

#[derive(Default)]
struct Turning {
    unpark: Unpark,
    bell: Bell,
}

impl Turning {
    fn unpark(&self) {
        if self.unpark.notify() {
            self.bell.ring();
        }
    }

    fn turn(&self) {
        self.unpark.turn(|| self.bell.wait());
    }
}

/// An unpark ends the turn that blocks, or the next one, and publishes what came before it.
#[test]
fn unpark_against_turn() {
    explore(3, || {
        let shared = Arc::new((Turning::default(), Data::new()));
        let other = shared.clone();
        let thread = spawn(move || {
            other.1.write(1);
            other.0.unpark();
        });
        shared.0.turn();
        assert_eq!(shared.1.read(), 1);
        thread.join().unwrap();
    });
}

/// Of two unparks the second may find word left by the first, and wakes nobody: each is seen all
/// the same. A turn that ends for nothing is turned again.
#[test]
fn two_unparks_against_turns() {
    explore(2, || {
        let shared = Arc::new((Turning::default(), [Mutex::new(false), Mutex::new(false)]));
        let threads = [0, 1].map(|me| {
            let shared = shared.clone();
            spawn(move || {
                *shared.1[me].lock() = true;
                shared.0.unpark();
            })
        });
        while !shared.1.iter().all(|done| *done.lock()) {
            shared.0.turn();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// The receiving end of a connection, as the system has it.
#[derive(Default)]
struct Socket(Mutex<Received>);

#[derive(Default)]
struct Received {
    bytes: usize,
    ended: bool,
}

enum Answer {
    Bytes(usize),
    End,
    WouldBlock,
}

impl Socket {
    fn receive(&self, wanted: usize) -> Answer {
        let mut received = self.0.lock();
        match received.bytes.min(wanted) {
            0 if received.ended => Answer::End,
            0 => Answer::WouldBlock,
            taken => {
                received.bytes -= taken;
                Answer::Bytes(taken)
            }
        }
    }
}

/// One connection and what the reactor knows of it.
#[derive(Default)]
struct Connection {
    socket: Socket,
    source: Source,
}

impl Connection {
    /// What arrives, and the event of it, which tells what is so when it is taken.
    fn arrive(&self, bytes: usize, end: bool) {
        {
            let mut received = self.socket.0.lock();
            received.bytes += bytes;
            received.ended |= end;
        }
        let ended = self.socket.0.lock().ended;
        self.source.event(ended);
    }

    /// A read as `TcpStream` makes it. 0 at the end.
    fn read(&self, wanted: usize) -> usize {
        block_on(poll_fn(|cx| {
            loop {
                if let Some(begun) = self.source.begin() {
                    match self.socket.receive(wanted) {
                        Answer::WouldBlock => self.source.would_block(begun),
                        Answer::End => return Poll::Ready(0),
                        Answer::Bytes(bytes) => {
                            if bytes < wanted {
                                self.source.fell_short(begun);
                            }
                            return Poll::Ready(bytes);
                        }
                    }
                }
                ready!(self.source.poll_ready(cx)).unwrap();
            }
        }))
    }
}

/// Bytes that arrive while a read finds none are read.
#[test]
fn event_against_an_attempt_that_would_block() {
    explore(3, || {
        let connection = Arc::new(Connection::default());
        let peer = connection.clone();
        let thread = spawn(move || peer.arrive(1, false));
        assert_eq!(connection.read(1), 1);
        thread.join().unwrap();
    });
}

/// Bytes that arrive while a short read is made are read by it or by the next one.
#[test]
fn event_against_a_short_read() {
    explore(3, || {
        let connection = Arc::new(Connection::default());
        connection.arrive(1, false);
        let peer = connection.clone();
        let thread = spawn(move || peer.arrive(1, false));
        let mut read = connection.read(4);
        while read < 2 {
            read += connection.read(4);
        }
        thread.join().unwrap();
    });
}

/// The end is read, whether it comes with the bytes or after them, in an event of its own or not.
#[test]
fn end_against_a_short_read() {
    explore(3, || {
        let connection = Arc::new(Connection::default());
        let peer = connection.clone();
        let thread = spawn(move || peer.arrive(1, true));
        assert_eq!(connection.read(4), 1);
        assert_eq!(connection.read(4), 0);
        assert_eq!(connection.read(4), 0);
        thread.join().unwrap();
    });
}

/// Bytes, and the end after them, and the reactor on a thread of its own: it gets an event of each,
/// or one of both, which tells what is so when it takes it.
#[test]
fn bytes_and_then_the_end() {
    explore(2, || {
        let connection = Arc::new(Connection::default());
        let edges = Arc::new(Bell::default());
        let (peer, ringing) = (connection.clone(), edges.clone());
        let sender = spawn(move || {
            peer.socket.0.lock().bytes += 1;
            ringing.ring();
            peer.socket.0.lock().ended = true;
            ringing.ring();
        });
        let reactor = connection.clone();
        let turning = spawn(move || {
            loop {
                edges.wait();
                let ended = reactor.socket.0.lock().ended;
                reactor.source.event(ended);
                if ended {
                    break;
                }
            }
        });
        assert_eq!(connection.read(4), 1);
        assert_eq!(connection.read(4), 0);
        sender.join().unwrap();
        turning.join().unwrap();
    });
}

/// Whoever sees an event sees what came before it.
#[test]
fn an_event_publishes() {
    explore(3, || {
        let shared = Arc::new((Source::default(), Data::new()));
        // What was known to begin with is cleared.
        shared.0.would_block(shared.0.begin().unwrap());
        let other = shared.clone();
        let thread = spawn(move || {
            other.1.write(1);
            other.0.event(false);
        });
        while shared.0.begin().is_none() {
            yield_now();
        }
        assert_eq!(shared.1.read(), 1);
        thread.join().unwrap();
    });
}

//! `oneshot`, `mpsc`, `watch`, `broadcast`: who sends, who receives, and who leaves meanwhile.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_loom_tests::{Data, block_on, explore, spawn};
use loopwork_shim::thread::yield_now;
use loopwork_sync::oneshot;

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A payload whose drops loom counts: one that is leaked or dropped twice fails the model.
struct Payload(Arc<Data>);

impl Drop for Payload {
    fn drop(&mut self) {
        self.0.write(self.0.read() + 1);
    }
}

/// The value is seen by who takes it, without a waker that would order anything.
#[test]
fn oneshot_send_against_recv() {
    explore(3, || {
        let data = Arc::new(Data::new());
        let (sender, receiver) = oneshot::channel();
        let sent = data.clone();
        let thread = spawn(move || {
            sent.write(1);
            assert!(sender.send(1).is_ok());
        });
        let mut receiver = pin!(receiver);
        let mut polled = poll_once(receiver.as_mut());
        if polled.is_pending() {
            yield_now();
            polled = poll_once(receiver.as_mut());
        }
        if polled.is_ready() {
            assert_eq!((polled, data.read()), (Poll::Ready(Ok(1)), 1));
        }
        thread.join().unwrap();
    });
}

/// A receiver that changes its waker against the value.
#[test]
fn oneshot_send_against_a_changed_waker() {
    explore(3, || {
        let (sender, receiver) = oneshot::channel();
        let thread = spawn(move || sender.send(1).unwrap());
        let mut receiver = pin!(receiver);
        if poll_once(receiver.as_mut()).is_pending() {
            assert_eq!(block_on(receiver), Ok(1));
        }
        thread.join().unwrap();
    });
}

/// The value is dropped once, and the memory is let go of once, whoever is last.
#[test]
fn oneshot_send_against_drop() {
    for waits in [false, true] {
        explore(3, move || {
            let drops = Arc::new(Data::new());
            let (sender, mut receiver) = oneshot::channel();
            let payload = Payload(drops.clone());
            let thread = spawn(move || drop(sender.send(payload)));
            if waits {
                drop(poll_once(Pin::new(&mut receiver)));
            }
            drop(receiver);
            thread.join().unwrap();
            assert_eq!(drops.read(), 1);
        });
    }
}

/// A sender that waits for the end hears of it, closed or dropped.
#[test]
fn oneshot_closed_against_close_and_drop() {
    for close in [false, true] {
        explore(3, move || {
            let (mut sender, mut receiver) = oneshot::channel::<u32>();
            let thread = spawn(move || {
                block_on(sender.closed());
                assert_eq!(sender.send(1), Err(1));
            });
            if close {
                receiver.close();
            }
            drop(receiver);
            thread.join().unwrap();
        });
    }
}

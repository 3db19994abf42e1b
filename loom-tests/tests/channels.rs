//! `oneshot`, `mpsc`, `watch`, `broadcast`: who sends, who receives, and who leaves meanwhile.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_loom_tests::{Data, block_on, explore, spawn};
use loopwork_shim::thread::yield_now;
use loopwork_sync::{broadcast, mpsc, oneshot, watch};

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

/// The value is seen by who takes it, without a waker that would order anything.
fn send_against_recv<K: mpsc::Kind>(
    mut receiver: mpsc::Receiver<u32, K>,
    send: impl FnOnce() + Send + 'static,
    data: &Data,
) {
    let thread = spawn(send);
    let mut received = receiver.try_recv();
    if received.is_err() {
        yield_now();
        received = receiver.try_recv();
    }
    if received == Ok(1) {
        assert_eq!(data.read(), 1);
    }
    thread.join().unwrap();
}

#[test]
fn mpsc_bounded_send_against_recv() {
    explore(3, || {
        let (sender, receiver) = mpsc::channel(1);
        let data = Arc::new(Data::new());
        let sent = data.clone();
        let send = move || {
            sent.write(1);
            sender.try_send(1).unwrap();
        };
        send_against_recv(receiver, send, &data);
    });
}

#[test]
fn mpsc_unbounded_send_against_recv() {
    explore(3, || {
        let (sender, receiver) = mpsc::unbounded_channel();
        let data = Arc::new(Data::new());
        let sent = data.clone();
        let send = move || {
            sent.write(1);
            sender.send(1).unwrap();
        };
        send_against_recv(receiver, send, &data);
    });
}

/// A place is used again once the value before has gone, by who does not wait.
#[test]
fn mpsc_recv_against_a_second_send() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let thread = spawn(move || sender.try_send(2).is_ok());
        assert_eq!(receiver.try_recv(), Ok(1));
        if thread.join().unwrap() {
            assert_eq!(receiver.try_recv(), Ok(2));
        }
    });
}

/// Who waits for room hears of it; who waits for a value hears of that.
#[test]
fn mpsc_sends_wait_for_room() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let thread = spawn(move || block_on(sender.send(2)).unwrap());
        assert_eq!(receiver.try_recv(), Ok(1));
        thread.join().unwrap();
        assert_eq!(receiver.try_recv(), Ok(2));
    });
}

/// There is room for two: nobody finds it full because the other was quicker.
#[test]
fn mpsc_two_sends_have_room() {
    explore(3, || {
        let (sender, receiver) = mpsc::channel(2);
        let other = sender.clone();
        let thread = spawn(move || other.try_send(1));
        assert_eq!(sender.try_send(2), Ok(()));
        assert_eq!(thread.join().unwrap(), Ok(()));
        drop(receiver);
    });
}

/// A ring has more places than its capacity: that a position may be put is said by the stamp that came with the value
/// so many before, and the value in its place was taken earlier.
#[test]
fn mpsc_places_beyond_the_capacity() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(3);
        (0..2).for_each(|n| sender.try_send(n).unwrap());
        let thread = spawn(move || (2..5).take_while(|n| sender.try_send(*n).is_ok()).count());
        assert_eq!([receiver.try_recv(), receiver.try_recv()], [Ok(0), Ok(1)]);
        let sent = thread.join().unwrap();
        let left: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
        assert_eq!(left, (2..2 + sent).collect::<Vec<_>>());
    });
}

/// A thread that owns the tail sends, and so does another: each value gets a place of its own.
#[test]
fn mpsc_sends_of_an_owner_against_another() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(5);
        (1..=3).for_each(|n| sender.try_send(n).unwrap());
        let other = sender.clone();
        let thread = spawn(move || other.try_send(10).unwrap());
        sender.try_send(4).unwrap();
        thread.join().unwrap();
        drop(sender);
        let mut received: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
        received.retain(|n| *n != 10);
        assert_eq!(
            (received, receiver.try_recv()),
            (vec![1, 2, 3, 4], Err(mpsc::TryRecvError::Closed))
        );
    });
}

/// A thread that owns the tail sends to a receiver that falls asleep elsewhere.
#[test]
fn mpsc_sends_of_an_owner_against_a_receiver_that_sleeps() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(4);
        (1..=3).for_each(|n| sender.try_send(n).unwrap());
        let thread = spawn(move || {
            for n in 1..=4 {
                assert_eq!(block_on(receiver.recv()), Some(n));
            }
        });
        sender.try_send(4).unwrap();
        thread.join().unwrap();
    });
}

/// A receiver that looks without a fence whether room is wanted, against who begins to want it.
#[test]
fn mpsc_an_owned_look_against_a_send_that_waits() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(1);
        for n in 1..=2 {
            sender.try_send(n).unwrap();
            assert_eq!(receiver.try_recv(), Ok(n));
        }
        sender.try_send(3).unwrap();
        let thread = spawn(move || block_on(sender.send(4)).unwrap());
        assert_eq!(receiver.try_recv(), Ok(3));
        thread.join().unwrap();
        assert_eq!(receiver.try_recv(), Ok(4));
    });
}

/// A receiver falls asleep again, polled by somebody else, while who wakes it takes its waker.
#[test]
fn mpsc_wake_against_a_second_sleep() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(2);
        assert!(poll_once(pin!(receiver.recv())).is_pending());
        let other = sender.clone();
        let thread = spawn(move || other.try_send(1).unwrap());
        if poll_once(pin!(receiver.recv())).is_ready() {
            assert!(poll_once(pin!(receiver.recv())).is_pending());
        }
        thread.join().unwrap();
        drop(sender);
    });
}

/// A receiver sleeps for each of two values.
#[test]
fn mpsc_sends_against_a_receiver_that_sleeps() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(2);
        let thread = spawn(move || (1..=2).for_each(|n| sender.try_send(n).unwrap()));
        assert_eq!(block_on(receiver.recv()), Some(1));
        assert_eq!(block_on(receiver.recv()), Some(2));
        thread.join().unwrap();
    });
}

/// The last of two senders ends the channel, whichever it is.
#[test]
fn mpsc_last_drop_against_recv() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(1);
        let other = sender.clone();
        let thread = spawn(move || {
            sender.try_send(1).unwrap();
            drop(sender);
        });
        drop(other);
        assert_eq!(block_on(receiver.recv()), Some(1));
        assert_eq!(block_on(receiver.recv()), None);
        thread.join().unwrap();
    });
}

/// A receiver that goes away gives the value back to who waits, and drops what it has not received.
#[test]
fn mpsc_close_against_a_send_that_waits() {
    explore(3, || {
        let (first, second) = (Arc::new(Data::new()), Arc::new(Data::new()));
        let (sender, receiver) = mpsc::channel(1);
        assert!(sender.try_send(Payload(first.clone())).is_ok());
        let value = Payload(second.clone());
        // It gets its value back, or the receiver has dropped it.
        let thread = spawn(move || drop(block_on(sender.send(value))));
        drop(receiver);
        thread.join().unwrap();
        assert_eq!((first.read(), second.read()), (1, 1));
    });
}

/// What is sent while the receiver goes away is dropped once.
#[test]
fn mpsc_send_against_drop() {
    explore(3, || {
        let drops = Arc::new(Data::new());
        let (sender, receiver) = mpsc::unbounded_channel();
        let value = Payload(drops.clone());
        let thread = spawn(move || drop(sender.send(value)));
        drop(receiver);
        thread.join().unwrap();
        assert_eq!(drops.read(), 1);
    });
}

/// Likewise by a permit, which still may send.
#[test]
fn mpsc_permit_against_drop() {
    explore(3, || {
        let drops = Arc::new(Data::new());
        let (sender, receiver) = mpsc::channel(1);
        let value = Payload(drops.clone());
        let thread = spawn(move || {
            if let Ok(permit) = sender.try_reserve() {
                permit.send(value);
            }
        });
        drop(receiver);
        thread.join().unwrap();
        assert_eq!(drops.read(), 1);
    });
}

/// A permit that is sent or dropped ends a channel that was closed.
#[test]
fn mpsc_permit_against_the_end() {
    for send in [false, true] {
        explore(3, move || {
            let (sender, mut receiver) = mpsc::channel(1);
            let sender = Arc::new(sender);
            let (reserved, kept) = (sender.clone(), sender);
            let thread = spawn(move || match reserved.try_reserve() {
                Ok(permit) if send => permit.send(1),
                _ => {}
            });
            receiver.close();
            let received = block_on(receiver.recv());
            assert!(received.is_none() || (send && block_on(receiver.recv()).is_none()));
            thread.join().unwrap();
            drop(kept);
        });
    }
}

/// The room of a permit goes to who waits for it.
#[test]
fn mpsc_permit_against_a_send_that_waits() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(1);
        let other = sender.clone();
        let permit = sender.try_reserve().unwrap();
        let thread = spawn(move || block_on(other.send(1)).unwrap());
        drop(permit);
        thread.join().unwrap();
        assert_eq!(receiver.try_recv(), Ok(1));
    });
}

/// Room that was given to a send which is dropped goes to the next.
#[test]
fn mpsc_room_for_a_dropped_send() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::channel(1);
        let other = sender.clone();
        sender.try_send(1).unwrap();
        let mut send = Box::pin(sender.send(2));
        assert!(poll_once(send.as_mut()).is_pending());
        let waiter = spawn(move || block_on(other.send(3)).unwrap());
        assert_eq!(receiver.try_recv(), Ok(1));
        drop(send);
        waiter.join().unwrap();
        assert_eq!(receiver.try_recv(), Ok(3));
    });
}

/// In a model a block has one place, so that each send hangs in the next block.
#[test]
fn mpsc_two_sends_against_recv() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let other = sender.clone();
        let thread = spawn(move || other.send(1).unwrap());
        sender.send(2).unwrap();
        assert_eq!(block_on(receiver.recv()).unwrap() + block_on(receiver.recv()).unwrap(), 3);
        thread.join().unwrap();
    });
}

/// A block is used again.
#[test]
fn mpsc_recv_against_a_send_into_its_block() {
    explore(3, || {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        sender.send(1).unwrap();
        let thread = spawn(move || (2..=3).for_each(|n| sender.send(n).unwrap()));
        assert_eq!(receiver.try_recv(), Ok(1));
        thread.join().unwrap();
        assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(2), Ok(3)));
    });
}

/// A change is waited for, with what was done before.
#[test]
fn watch_send_against_changed() {
    explore(3, || {
        let (sender, mut receiver) = watch::channel(0);
        let thread = spawn(move || {
            sender.send(1).unwrap();
            sender
        });
        block_on(receiver.changed()).unwrap();
        assert_eq!(*receiver.borrow(), 1);
        drop(thread.join().unwrap());
    });
}

/// Without a lock or a waker that would order anything: the change alone makes the sender's writes visible.
#[test]
fn watch_change_publishes() {
    explore(3, || {
        let data = Arc::new(Data::new());
        let (sender, receiver) = watch::channel(0);
        let written = data.clone();
        let thread = spawn(move || {
            written.write(1);
            sender.send(1).unwrap();
            sender
        });
        if receiver.has_changed() == Ok(true) {
            assert_eq!(data.read(), 1);
        }
        drop(thread.join().unwrap());
    });
}

/// The last value, and then the end.
#[test]
fn watch_last_drop_against_changed() {
    explore(3, || {
        let (sender, mut receiver) = watch::channel(0);
        let thread = spawn(move || drop(sender));
        assert!(block_on(receiver.changed()).is_err());
        thread.join().unwrap();
    });
}

/// A value is waited for.
#[test]
fn broadcast_send_against_recv() {
    explore(3, || {
        let (sender, mut receiver) = broadcast::channel(1);
        let thread = spawn(move || {
            sender.send(1).unwrap();
            sender
        });
        assert_eq!(block_on(receiver.recv()), Ok(1));
        drop(thread.join().unwrap());
    });
}

/// A receiver gets a value or is told that it has lost it, and gets the next.
#[test]
fn broadcast_two_sends_against_recv() {
    explore(3, || {
        let (sender, mut receiver) = broadcast::channel(1);
        let thread = spawn(move || (1..=2).for_each(|n| assert_eq!(sender.send(n), Ok(1))));
        match block_on(receiver.recv()) {
            Ok(first) => assert_eq!(first, 1),
            Err(lost) => assert_eq!(lost, broadcast::RecvError::Lagged(1)),
        }
        assert_eq!(block_on(receiver.recv()), Ok(2));
        thread.join().unwrap();
    });
}

/// The end is waited for.
#[test]
fn broadcast_last_drop_against_recv() {
    explore(3, || {
        let (sender, mut receiver) = broadcast::channel::<u32>(1);
        let thread = spawn(move || drop(sender));
        assert_eq!(block_on(receiver.recv()), Err(broadcast::RecvError::Closed));
        thread.join().unwrap();
    });
}

/// The place of a value that was taken is used again.
#[test]
fn broadcast_recv_against_a_second_send() {
    explore(2, || {
        let (sender, mut receiver) = broadcast::channel(1);
        sender.send(1).unwrap();
        // By another thread, so that runs in which the place is empty by then come first.
        let thread = spawn(move || {
            sender.send(2).unwrap();
            sender
        });
        let first = receiver.try_recv();
        assert!(matches!(first, Ok(1) | Err(broadcast::TryRecvError::Lagged(1))));
        let _sender = thread.join().unwrap();
        assert_eq!(receiver.try_recv(), Ok(2));
    });
}

/// One clones the value, and the other takes it, or drops what both have cloned.
#[test]
fn broadcast_two_receivers() {
    explore(2, || {
        let alive = Arc::new(());
        let (sender, mut first) = broadcast::channel(1);
        let mut second = sender.subscribe();
        sender.send(alive.clone()).unwrap();
        let thread = spawn(move || drop(first.try_recv().unwrap()));
        drop(second.try_recv().unwrap());
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

/// A value that is being cloned is overwritten: it stays where it is until the clone is done, and then goes.
#[test]
fn broadcast_clone_against_sends() {
    explore(2, || {
        let alive = Arc::new(());
        let value = |n| (n, alive.clone());
        let (sender, mut first) = broadcast::channel(1);
        let mut second = sender.subscribe();
        sender.send(value(1)).unwrap();
        let (three, two) = (value(3), value(2));
        let thread = spawn(move || {
            let mut last = 0;
            for _ in 0..2 {
                if let Ok((n, _)) = first.try_recv() {
                    assert!(n > last);
                    last = n;
                }
            }
        });
        sender.send(two).unwrap();
        sender.send(three).unwrap();
        assert_eq!(second.try_recv().unwrap_err(), broadcast::TryRecvError::Lagged(2));
        thread.join().unwrap();
        assert_eq!(second.try_recv().unwrap().0, 3);
        drop((sender, second));
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

/// Who leaves does without its part, and the other gets the value.
#[test]
fn broadcast_leave_against_recv() {
    explore(2, || {
        let alive = Arc::new(());
        let (sender, mut first) = broadcast::channel(2);
        let second = sender.subscribe();
        sender.send(alive.clone()).unwrap();
        let thread = spawn(move || drop(second));
        drop(first.try_recv().unwrap());
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

//! The channel against a plain model: any sequence of calls gives the same answers, whoever can go on was woken,
//! and each value is dropped once.

use std::cell::Cell;
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use loopwork_sync::mpsc::{self, Permit, Receiver, SendError, TryRecvError, TrySendError};
use proptest::prelude::*;

use crate::{Count, poll, poll_with};

/// A value that counts those alive.
struct Value(u32, Rc<Cell<usize>>);

impl Value {
    fn new(number: u32, alive: &Rc<Cell<usize>>) -> Self {
        alive.set(alive.get() + 1);
        Self(number, alive.clone())
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.1.set(self.1.get() - 1);
    }
}

#[derive(Debug, Clone)]
enum Call {
    TrySend,
    StartSend,
    PollSend(usize),
    DropSend(usize),
    TryReserve,
    SendPermit(usize),
    DropPermit(usize),
    TryRecv,
    Recv,
    RecvMany(usize),
    Close,
    DropReceiver,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => Just(Call::TrySend),
        4 => Just(Call::StartSend),
        4 => any::<usize>().prop_map(Call::PollSend),
        2 => any::<usize>().prop_map(Call::DropSend),
        2 => Just(Call::TryReserve),
        2 => any::<usize>().prop_map(Call::SendPermit),
        1 => any::<usize>().prop_map(Call::DropPermit),
        4 => Just(Call::TryRecv),
        6 => Just(Call::Recv),
        2 => (0_usize..4).prop_map(Call::RecvMany),
        1 => Just(Call::Close),
        1 => Just(Call::DropReceiver),
    ]
}

/// Where a send stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Waits,
    /// It has a place, or an error, and was woken.
    Granted {
        place: bool,
    },
}

struct Model {
    values: VecDeque<u32>,
    capacity: usize,
    /// Places that permits hold, or sends that were granted.
    reserved: usize,
    closed: bool,
    gone: bool,
}

type Sent<'a> = Pin<Box<dyn Future<Output = Result<(), SendError<Value>>> + 'a>>;
type Send<'a> = (u32, State, Arc<Count>, Sent<'a>);

impl Model {
    fn has_room(&self) -> bool {
        self.values.len() + self.reserved < self.capacity
    }

    /// Grants to those who wait, in order.
    fn hand_out(&mut self, sends: &mut [Send<'_>]) {
        let mut waiting: Vec<_> = sends.iter_mut().filter(|it| it.1 == State::Waits).collect();
        for send in &mut waiting {
            if self.closed {
                send.1 = State::Granted { place: false };
            } else if self.has_room() {
                self.reserved += 1;
                send.1 = State::Granted { place: true };
            } else {
                break;
            }
        }
    }
}

proptest! {
    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(
        capacity in 1_usize..4,
        calls in prop::collection::vec(call(), 0..100),
    ) {
        let alive = Rc::new(Cell::new(0));
        let (sender, receiver) = mpsc::channel::<Value>(capacity);
        let mut receiver: Option<Receiver<Value>> = Some(receiver);
        let mut model = Model { values: VecDeque::new(), capacity, reserved: 0, closed: false, gone: false };
        // In the order of their first poll.
        let mut sends: Vec<Send<'_>> = Vec::new();
        let mut permits: Vec<Permit<'_, Value>> = Vec::new();
        let (woken, receiver_waker) = Count::new();
        let (mut sleeps, mut wakes) = (false, 0);
        let mut next = 0;
        for call in calls {
            let waits = sends.iter().any(|it| it.1 == State::Waits);
            let before = model.values.len();
            match call {
                Call::TrySend => {
                    next += 1;
                    let sent = sender.try_send(Value::new(next, &alive));
                    let sent = sent.map_err(|error| match error {
                        TrySendError::Full(_) => "full",
                        TrySendError::Closed(_) => "closed",
                    });
                    let expected = if model.closed { Err("closed") }
                        else if waits || !model.has_room() { Err("full") } else { Ok(()) };
                    prop_assert_eq!(sent, expected);
                    if sent.is_ok() { model.values.push_back(next); }
                }
                Call::StartSend => {
                    next += 1;
                    let (count, _) = Count::new();
                    sends.push((next, State::New, count, Box::pin(sender.send(Value::new(next, &alive)))));
                }
                Call::PollSend(n) if !sends.is_empty() => {
                    let n = n % sends.len();
                    let (number, state, count, mut send) = sends.remove(n);
                    let polled = poll_with(&mut send, &count.clone().into()).map(|sent| sent.is_ok());
                    let expected = match state {
                        State::Granted { place } => {
                            model.reserved -= usize::from(place);
                            Poll::Ready(place && !model.gone)
                        }
                        State::New if model.closed => Poll::Ready(false),
                        State::New if !waits && model.has_room() => Poll::Ready(true),
                        _ => Poll::Pending,
                    };
                    prop_assert_eq!(polled, expected);
                    match polled {
                        Poll::Ready(true) => model.values.push_back(number),
                        Poll::Ready(false) => {}
                        Poll::Pending if state == State::New => sends.push((number, State::Waits, count, send)),
                        Poll::Pending => sends.insert(n, (number, state, count, send)),
                    }
                }
                Call::DropSend(n) if !sends.is_empty() => {
                    let n = n % sends.len();
                    let (_, state, _, send) = sends.remove(n);
                    drop(send);
                    model.reserved -= usize::from(state == State::Granted { place: true });
                }
                Call::TryReserve => {
                    let permit = sender.try_reserve();
                    let room = !model.closed && !waits && model.has_room();
                    prop_assert_eq!(permit.is_ok(), room);
                    model.reserved += usize::from(room);
                    permits.extend(permit);
                }
                Call::SendPermit(n) if !permits.is_empty() => {
                    next += 1;
                    permits.remove(n % permits.len()).send(Value::new(next, &alive));
                    model.reserved -= 1;
                    if !model.gone { model.values.push_back(next); }
                }
                Call::DropPermit(n) if !permits.is_empty() => {
                    drop(permits.remove(n % permits.len()));
                    model.reserved -= 1;
                }
                Call::TryRecv => if let Some(receiver) = &mut receiver {
                    let expected = model.values.pop_front().ok_or(
                        if model.closed && model.reserved == 0 { TryRecvError::Closed } else { TryRecvError::Empty });
                    prop_assert_eq!(receiver.try_recv().map(|value| value.0), expected);
                },
                Call::Recv => if let Some(receiver) = &mut receiver {
                    let received = poll_with(&mut pin!(receiver.recv()), &receiver_waker);
                    let expected = match model.values.pop_front() {
                        Some(value) => Poll::Ready(Some(value)),
                        None if model.closed && model.reserved == 0 => Poll::Ready(None),
                        None => Poll::Pending,
                    };
                    let received = received.map(|value| value.map(|value| value.0));
                    prop_assert_eq!(received, expected);
                    if received.is_pending() { sleeps = true; }
                },
                Call::RecvMany(limit) => if let Some(receiver) = &mut receiver {
                    let mut buffer = Vec::new();
                    if !model.values.is_empty() || limit == 0 {
                        let expected: Vec<_> = model.values.drain(..limit.min(before)).collect();
                        let count = poll(&mut pin!(receiver.recv_many(&mut buffer, limit)));
                        prop_assert_eq!(count, Poll::Ready(expected.len()));
                        prop_assert!(buffer.iter().map(|value| value.0).eq(expected));
                    }
                },
                Call::Close => if let Some(receiver) = &mut receiver {
                    receiver.close();
                    model.closed = true;
                },
                Call::DropReceiver => {
                    receiver = None;
                    model.values.clear();
                    (model.closed, model.gone, sleeps) = (true, true, false);
                }
                _ => {}
            }
            model.hand_out(&mut sends);
            let over = model.closed && model.reserved == 0;
            if sleeps && (model.values.len() > before || over) {
                (sleeps, wakes) = (false, wakes + 1);
            }
            if let Some(receiver) = &receiver {
                prop_assert_eq!(receiver.len(), model.values.len());
                prop_assert_eq!(receiver.is_closed(), model.closed);
                prop_assert!(woken.get() >= wakes, "who sleeps is woken");
                prop_assert_eq!(
                    sender.capacity(), capacity - model.values.len() - model.reserved);
            }
            for (_, state, count, _) in &sends {
                prop_assert_eq!(count.get(), usize::from(matches!(state, State::Granted { .. })));
            }
            prop_assert_eq!(alive.get(), model.values.len() + sends.len());
        }
        drop((sends, permits));
        drop(receiver);
        drop(sender);
        prop_assert_eq!(alive.get(), 0);
        prop_assert_eq!(Arc::strong_count(&woken), 2);
    }

    /// A channel without a capacity, across its blocks.
    #[test]
    fn a_channel_that_grows_is_a_queue(calls in prop::collection::vec((any::<bool>(), 1_usize..70), 0..12)) {
        let alive = Rc::new(Cell::new(0));
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let (mut values, mut next) = (VecDeque::new(), 0);
        for (send, count) in calls {
            for _ in 0..count {
                if send {
                    next += 1;
                    assert!(sender.send(Value::new(next, &alive)).is_ok());
                    values.push_back(next);
                } else {
                    prop_assert_eq!(receiver.try_recv().ok().map(|value| value.0), values.pop_front());
                }
                prop_assert_eq!((receiver.len(), alive.get()), (values.len(), values.len()));
            }
        }
        drop(receiver);
        prop_assert_eq!(alive.get(), 0);
        prop_assert_eq!(sender.send(Value::new(0, &alive)).map_err(|error| error.0.0), Err(0));
        prop_assert_eq!(alive.get(), 0);
    }
}

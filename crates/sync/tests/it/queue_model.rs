//! The queue against a plain model: any sequence of calls gives the same answers.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;

use loopwork_sync::queue::{Fifo, Get, Put};
use loopwork_sync::{GetNowaitError, PutNowaitError, Queue, QueueShutDown, Wait};
use proptest::prelude::*;

use crate::poll;

type Putting<'a> = Pin<Box<Wait<Put<'a, Fifo<u32>>>>>;
type Getting<'a> = Pin<Box<Wait<Get<'a, Fifo<u32>>>>>;

#[derive(Debug, Clone)]
enum Call {
    PutNowait,
    GetNowait,
    StartPut,
    StartGet,
    PollPut(usize),
    PollGet(usize),
    DropPut(usize),
    DropGet(usize),
    TaskDone,
    Shutdown(bool),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => Just(Call::PutNowait),
        4 => Just(Call::GetNowait),
        4 => Just(Call::StartPut),
        4 => Just(Call::StartGet),
        4 => any::<usize>().prop_map(Call::PollPut),
        4 => any::<usize>().prop_map(Call::PollGet),
        2 => any::<usize>().prop_map(Call::DropPut),
        2 => any::<usize>().prop_map(Call::DropGet),
        2 => Just(Call::TaskDone),
        1 => any::<bool>().prop_map(Call::Shutdown),
    ]
}

/// What the queue should be, without waiters: who is ready is decided when it is polled.
struct Model {
    items: VecDeque<u32>,
    maxsize: usize,
    unfinished: usize,
    shut_down: bool,
}

impl Model {
    fn full(&self) -> bool {
        self.maxsize > 0 && self.items.len() >= self.maxsize
    }

    fn put(&mut self, item: u32) -> Result<(), PutNowaitError<u32>> {
        if self.shut_down {
            return Err(PutNowaitError::QueueShutDown(item));
        }
        if self.full() {
            return Err(PutNowaitError::QueueFull(item));
        }
        self.items.push_back(item);
        self.unfinished += 1;
        Ok(())
    }

    fn get(&mut self) -> Result<u32, GetNowaitError> {
        self.items.pop_front().ok_or(if self.shut_down {
            GetNowaitError::QueueShutDown
        } else {
            GetNowaitError::QueueEmpty
        })
    }

    fn poll_put(&mut self, item: u32) -> Poll<Result<(), QueueShutDown<u32>>> {
        match self.put(item) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(PutNowaitError::QueueShutDown(item)) => Poll::Ready(Err(QueueShutDown(item))),
            Err(PutNowaitError::QueueFull(_)) => Poll::Pending,
        }
    }

    fn poll_get(&mut self) -> Poll<Result<u32, QueueShutDown>> {
        match self.get() {
            Ok(item) => Poll::Ready(Ok(item)),
            Err(GetNowaitError::QueueShutDown) => Poll::Ready(Err(QueueShutDown(()))),
            Err(GetNowaitError::QueueEmpty) => Poll::Pending,
        }
    }
}

proptest! {
    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(
        maxsize in 0_usize..4,
        calls in prop::collection::vec(call(), 0..80),
    ) {
        let queue = Queue::new(maxsize);
        let mut model =
            Model { items: VecDeque::new(), maxsize, unfinished: 0, shut_down: false };
        let mut puts: Vec<(u32, Putting<'_>)> = Vec::new();
        let mut gets: Vec<Getting<'_>> = Vec::new();
        let mut next = 0;
        for call in calls {
            match call {
                Call::PutNowait => {
                    next += 1;
                    prop_assert_eq!(queue.put_nowait(next), model.put(next));
                }
                Call::GetNowait => prop_assert_eq!(queue.get_nowait(), model.get()),
                Call::StartPut => {
                    next += 1;
                    puts.push((next, Box::pin(queue.put(next))));
                }
                Call::StartGet => gets.push(Box::pin(queue.get())),
                Call::PollPut(n) if !puts.is_empty() => {
                    let n = n % puts.len();
                    let (item, put) = &mut puts[n];
                    let polled = poll(put);
                    prop_assert_eq!(polled, model.poll_put(*item));
                    if polled.is_ready() {
                        drop(puts.remove(n));
                    }
                }
                Call::PollGet(n) if !gets.is_empty() => {
                    let n = n % gets.len();
                    let polled = poll(&mut gets[n]);
                    prop_assert_eq!(polled, model.poll_get());
                    if polled.is_ready() {
                        drop(gets.remove(n));
                    }
                }
                Call::DropPut(n) if !puts.is_empty() => drop(puts.remove(n % puts.len())),
                Call::DropGet(n) if !gets.is_empty() => drop(gets.remove(n % gets.len())),
                Call::TaskDone => {
                    prop_assert_eq!(queue.task_done().is_ok(), model.unfinished > 0);
                    model.unfinished = model.unfinished.saturating_sub(1);
                }
                Call::Shutdown(immediate) => {
                    queue.shutdown(immediate);
                    model.shut_down = true;
                    if immediate {
                        model.unfinished =
                            model.unfinished.saturating_sub(model.items.len());
                        model.items.clear();
                    }
                }
                _ => {}
            }
            prop_assert_eq!(queue.qsize(), model.items.len());
            prop_assert_eq!(queue.empty(), model.items.is_empty());
            prop_assert_eq!(queue.full(), model.full());
            prop_assert_eq!(poll(&mut Box::pin(queue.join())).is_ready(), model.unfinished == 0);
        }
    }

    /// Waiters are polled only when woken. No wake-up may be missing, whoever gives up between.
    #[test]
    fn who_can_go_on_was_woken(
        maxsize in 1_usize..3,
        calls in prop::collection::vec((0_u8..6, any::<usize>()), 0..80),
    ) {
        let queue = Queue::new(maxsize);
        let mut puts = Vec::new();
        let mut gets = Vec::new();
        for (kind, n) in calls {
            match kind {
                0 => drop(queue.put_nowait(0)),
                1 => drop(queue.get_nowait()),
                2 => {
                    let (count, waker) = crate::Count::new();
                    let mut put = Box::pin(queue.put(0));
                    if crate::poll_with(&mut put, &waker).is_pending() {
                        puts.push((count, put));
                    }
                }
                3 => {
                    let (count, waker) = crate::Count::new();
                    let mut get = Box::pin(queue.get());
                    if crate::poll_with(&mut get, &waker).is_pending() {
                        gets.push((count, get));
                    }
                }
                4 if !puts.is_empty() => drop(puts.remove(n % puts.len())),
                5 if !gets.is_empty() => drop(gets.remove(n % gets.len())),
                _ => {}
            }
            let woken_puts = puts.iter().filter(|(count, _)| count.get() > 0).count();
            let woken_gets = gets.iter().filter(|(count, _)| count.get() > 0).count();
            prop_assert!(woken_gets >= queue.qsize().min(gets.len()), "an item waits unseen");
            prop_assert!(woken_puts >= (maxsize - queue.qsize()).min(puts.len()), "room unseen");
        }
    }
}

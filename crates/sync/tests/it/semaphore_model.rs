//! The semaphore against a plain model: any sequence of calls, and of futures dropped anywhere,
//! gives the same answers and wakes the same waiters.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use loopwork_sync::semaphore::Acquire;
use loopwork_sync::{Semaphore, SemaphorePermit, Wait};
use proptest::prelude::*;

use crate::{Count, poll_with};

#[derive(Debug, Clone)]
enum Call {
    Start(usize),
    Poll(usize),
    DropWait(usize),
    DropPermit(usize),
    Try(usize),
    Release(usize),
    Forget(usize),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => (1_usize..4).prop_map(Call::Start),
        4 => any::<usize>().prop_map(Call::Poll),
        2 => any::<usize>().prop_map(Call::DropWait),
        4 => any::<usize>().prop_map(Call::DropPermit),
        1 => (0_usize..4).prop_map(Call::Try),
        2 => (0_usize..3).prop_map(Call::Release),
        1 => (0_usize..3).prop_map(Call::Forget),
    ]
}

/// What the semaphore should be: who waits, in order, with what it wants.
struct Model {
    free: usize,
    waiting: VecDeque<(usize, usize)>,
    granted: Vec<usize>,
}

impl Model {
    fn release(&mut self, permits: usize) {
        self.free += permits;
        while let Some((id, wanted)) = self.waiting.front().copied() {
            if wanted > self.free {
                break;
            }
            self.free -= wanted;
            self.waiting.pop_front();
            self.granted.push(id);
        }
    }

    fn take(&mut self, wanted: usize) -> bool {
        let takes = self.waiting.is_empty() && self.free >= wanted;
        self.free -= if takes { wanted } else { 0 };
        takes
    }

    fn leave(&mut self, id: usize, wanted: usize) {
        if let Some(at) = self.granted.iter().position(|granted| *granted == id) {
            self.granted.remove(at);
            self.release(wanted);
        } else {
            self.waiting.retain(|(other, _)| *other != id);
            self.release(0);
        }
    }
}

struct Waiting<'a> {
    id: usize,
    wanted: usize,
    count: Arc<Count>,
    wait: Pin<Box<Wait<Acquire<&'a Semaphore>>>>,
}

proptest! {
    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(
        permits in 0_usize..4,
        calls in prop::collection::vec(call(), 0..80),
    ) {
        let semaphore = Semaphore::new(permits);
        let mut model = Model { free: permits, waiting: VecDeque::new(), granted: Vec::new() };
        let mut waits: Vec<Waiting<'_>> = Vec::new();
        let mut held: Vec<SemaphorePermit<'_>> = Vec::new();
        for (id, call) in calls.into_iter().enumerate() {
            match call {
                Call::Start(wanted) => {
                    let (count, waker) = Count::new();
                    let mut wait = Box::pin(semaphore.acquire_many(wanted));
                    let polled = poll_with(&mut wait, &waker);
                    prop_assert_eq!(polled.is_ready(), model.take(wanted));
                    match polled {
                        Poll::Ready(permit) => held.push(permit),
                        Poll::Pending => {
                            model.waiting.push_back((id, wanted));
                            waits.push(Waiting { id, wanted, count, wait });
                        }
                    }
                }
                Call::Poll(n) if !waits.is_empty() => {
                    let n = n % waits.len();
                    let (id, waker) = (waits[n].id, waits[n].count.clone().into());
                    let polled = poll_with(&mut waits[n].wait, &waker);
                    prop_assert_eq!(polled.is_ready(), model.granted.contains(&id));
                    if let Poll::Ready(permit) = polled {
                        model.granted.retain(|granted| *granted != id);
                        held.push(permit);
                        waits.remove(n);
                    }
                }
                Call::DropWait(n) if !waits.is_empty() => {
                    let gone = waits.remove(n % waits.len());
                    model.leave(gone.id, gone.wanted);
                }
                Call::DropPermit(n) if !held.is_empty() => {
                    let permit = held.remove(n % held.len());
                    model.release(permit.permits());
                }
                Call::Try(wanted) => {
                    let permit = semaphore.try_acquire_many(wanted);
                    prop_assert_eq!(permit.is_some(), model.take(wanted));
                    held.extend(permit);
                }
                Call::Release(permits) => {
                    semaphore.release(permits);
                    model.release(permits);
                }
                Call::Forget(permits) => {
                    let forgotten = permits.min(model.free);
                    prop_assert_eq!(semaphore.forget_permits(permits), forgotten);
                    model.free -= forgotten;
                }
                _ => {}
            }
            prop_assert_eq!(semaphore.available_permits(), model.free);
            prop_assert_eq!(semaphore.locked(), model.free == 0 || !model.waiting.is_empty());
            for waiting in &waits {
                let woken = usize::from(model.granted.contains(&waiting.id));
                prop_assert_eq!(waiting.count.get(), woken, "woken once, by its grant");
            }
        }
    }
}

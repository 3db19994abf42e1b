//! The reader-writer lock against a plain model: who reads, who writes, who waits in which order.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use loopwork_sync::rwlock::Read;
use loopwork_sync::{Guard, ReadGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, Wait};
use proptest::prelude::*;

use crate::{Count, poll_with};

type Lock = RwLock<()>;

enum Waiting<'a> {
    Read(Pin<Box<Wait<Read<&'a Lock>>>>),
    Write(Pin<Box<Wait<&'a Lock>>>),
}

enum Held<'a> {
    Read(RwLockReadGuard<'a, ()>),
    Write(RwLockWriteGuard<'a, ()>),
}

impl<'a> Waiting<'a> {
    fn poll(&mut self, count: &Arc<Count>) -> Option<Held<'a>> {
        let waker = count.clone().into();
        match self {
            Self::Read(wait) => match poll_with(wait, &waker) {
                Poll::Ready(guard) => Some(Held::Read(guard)),
                Poll::Pending => None,
            },
            Self::Write(wait) => match poll_with(wait, &waker) {
                Poll::Ready(guard) => Some(Held::Write(guard)),
                Poll::Pending => None,
            },
        }
    }

    fn writes(&self) -> bool {
        matches!(self, Self::Write(_))
    }
}

#[derive(Default)]
struct Model {
    readers: usize,
    writer: bool,
    /// Who waits, and whether to write.
    waiting: VecDeque<(usize, bool)>,
    granted: Vec<usize>,
}

impl Model {
    fn may(&self, writes: bool) -> bool {
        !self.writer && (!writes || self.readers == 0)
    }

    fn take(&mut self, writes: bool) {
        if writes { self.writer = true } else { self.readers += 1 }
    }

    fn give_back(&mut self, writes: bool) {
        if writes {
            self.writer = false
        } else {
            self.readers -= 1
        }
        self.serve();
    }

    fn serve(&mut self) {
        while let Some((id, writes)) = self.waiting.front().copied() {
            if !self.may(writes) {
                break;
            }
            self.take(writes);
            self.waiting.pop_front();
            self.granted.push(id);
        }
    }
}

proptest! {
    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(
        calls in prop::collection::vec((0_u8..8, any::<usize>()), 0..100),
    ) {
        let lock = Lock::new(());
        let mut model = Model::default();
        let mut waits: Vec<(usize, Arc<Count>, Waiting<'_>)> = Vec::new();
        let mut held: Vec<Held<'_>> = Vec::new();
        for (id, (kind, n)) in calls.into_iter().enumerate() {
            let (waiting, holding) = (n.checked_rem(waits.len()), n.checked_rem(held.len()));
            match (kind, waiting, holding) {
                (0 | 1, ..) => {
                    let writes = kind == 1;
                    let mut wait = match writes {
                        true => Waiting::Write(Box::pin(lock.write())),
                        false => Waiting::Read(Box::pin(lock.read())),
                    };
                    let count = Arc::new(Count::default());
                    let polled = wait.poll(&count);
                    let takes = model.waiting.is_empty() && model.may(writes);
                    prop_assert_eq!(polled.is_some(), takes);
                    if takes {
                        model.take(writes);
                        held.extend(polled);
                    } else {
                        model.waiting.push_back((id, writes));
                        waits.push((id, count, wait));
                    }
                }
                (2 | 3, Some(at), _) => {
                    let (id, count, wait) = &mut waits[at];
                    let polled = wait.poll(count);
                    prop_assert_eq!(polled.is_some(), model.granted.contains(id));
                    if polled.is_some() {
                        let id = *id;
                        model.granted.retain(|granted| *granted != id);
                        waits.remove(at);
                        held.extend(polled);
                    }
                }
                (4, Some(at), _) => {
                    let (id, _, wait) = waits.remove(at);
                    let writes = wait.writes();
                    drop(wait);
                    if model.granted.contains(&id) {
                        model.granted.retain(|granted| *granted != id);
                        model.give_back(writes);
                    } else {
                        model.waiting.retain(|(other, _)| *other != id);
                        model.serve();
                    }
                }
                (5 | 6, _, Some(at)) => {
                    let gone = held.remove(at);
                    let writes = matches!(gone, Held::Write(_));
                    drop(gone);
                    model.give_back(writes);
                }
                (7, _, Some(at)) => match held.remove(at) {
                    Held::Write(guard) => {
                        held.push(Held::Read(Guard::downgrade(guard)));
                        (model.writer, model.readers) = (false, 1);
                        model.serve();
                    }
                    Held::Read(guard) => {
                        let upgrades = model.readers == 1 && model.waiting.is_empty();
                        match ReadGuard::try_upgrade(guard) {
                            Ok(guard) => {
                                prop_assert!(upgrades);
                                (model.writer, model.readers) = (true, 0);
                                held.push(Held::Write(guard));
                            }
                            Err(guard) => {
                                prop_assert!(!upgrades);
                                held.push(Held::Read(guard));
                            }
                        }
                    }
                },
                _ => {}
            }
            for (id, count, _) in &waits {
                prop_assert_eq!(count.get(), usize::from(model.granted.contains(id)));
            }
            let debug = format!(
                "RwLock {{ readers: {}, writer: {}, waiters: {} }}",
                model.readers, model.writer, model.waiting.len()
            );
            prop_assert_eq!(format!("{lock:?}"), debug);
        }
    }
}

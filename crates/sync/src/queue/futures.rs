//! What the futures of a queue wait for: get, put, join.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use loopwork_context::WaitReason;
use loopwork_shim::sync::MutexGuard;

use super::state::State;
use super::{Order, QueueOf, QueueShutDown};
use crate::wait::Source;
use crate::waiters::{Left, List, Waiter, WakeList};

/// Which list of a queue somebody waits in.
type Line<O> = fn(&mut State<O>) -> &mut List;

/// The place of somebody who waits in a queue: it keeps it when it was woken in vain.
#[derive(Debug, Default)]
struct Place(Option<usize>);

impl Place {
    /// Attempts, and waits in `line` if there is nothing to be had.
    ///
    /// Whoever is polled attempts, woken or not. The waker is cloned without the mutex, and only where
    /// it is not known yet.
    fn poll<O: Order, R>(
        &mut self,
        queue: &QueueOf<O>,
        line: Line<O>,
        waiter: Pin<&Waiter>,
        cx: &Context<'_>,
        mut attempt: impl FnMut(&mut State<O>, &mut WakeList) -> Option<R>,
    ) -> Poll<R> {
        let mut waker: Option<Waker> = None;
        loop {
            let mut wakers = WakeList::new();
            let mut state = queue.state.lock();
            if let Some(done) = attempt(&mut state, &mut wakers) {
                let left = line(&mut state).leave(waiter);
                drop(state);
                self.0 = None;
                drop((left, waker));
                wakers.wake();
                return Poll::Ready(done);
            }
            if line(&mut state).would_wake(waiter, cx.waker()) {
                return Poll::Pending;
            }
            if let Some(waker) = waker {
                self.wait(state, line, waiter, waker);
                return Poll::Pending;
            }
            drop(state);
            waker = Some(cx.waker().clone());
        }
    }

    fn wait<O: Order>(
        &mut self,
        mut state: MutexGuard<'_, State<O>>,
        line: Line<O>,
        waiter: Pin<&Waiter>,
        waker: Waker,
    ) {
        let ticket = *self.0.get_or_insert_with(|| {
            state.tickets = state.tickets.wrapping_add(1);
            state.tickets
        });
        let list = line(&mut state);
        let left = list.leave(waiter);
        list.push_in_order(waiter, ticket, waker);
        drop(state);
        drop(left);
    }
}

/// It is not polled any more: if it was woken, `pass_on` wakes another.
fn leave<O: Order>(
    queue: &QueueOf<O>,
    line: Line<O>,
    waiter: Pin<&Waiter>,
    pass_on: fn(&mut State<O>, &mut WakeList),
) {
    let mut wakers = WakeList::new();
    let mut state = queue.state.lock();
    let left = line(&mut state).leave(waiter);
    if matches!(left, Left::Granted(_)) {
        pass_on(&mut state, &mut wakers);
    }
    drop(state);
    drop(left);
    wakers.wake();
}

/// What [`QueueOf::get`] waits for.
pub struct Get<'a, O: Order> {
    queue: &'a QueueOf<O>,
    place: Place,
}

/// What [`QueueOf::get_many`] waits for.
pub struct GetMany<'a, O: Order> {
    queue: &'a QueueOf<O>,
    place: Place,
    limit: usize,
}

/// What [`QueueOf::put`] waits for.
pub struct Put<'a, O: Order> {
    queue: &'a QueueOf<O>,
    place: Place,
    /// `None` once it was put or given back.
    item: Option<O::Item>,
}

/// What [`QueueOf::put_many`] waits for.
pub struct PutMany<'a, O: Order> {
    queue: &'a QueueOf<O>,
    place: Place,
    /// Those that were not put yet.
    items: VecDeque<O::Item>,
}

/// What [`QueueOf::join`] waits for.
pub struct Join<'a, O: Order> {
    queue: &'a QueueOf<O>,
}

impl<'a, O: Order> Get<'a, O> {
    pub(super) fn new(queue: &'a QueueOf<O>) -> Self {
        Self { queue, place: Place::default() }
    }
}

impl<'a, O: Order> GetMany<'a, O> {
    pub(super) fn new(queue: &'a QueueOf<O>, limit: usize) -> Self {
        Self { queue, place: Place::default(), limit }
    }
}

impl<'a, O: Order> Put<'a, O> {
    pub(super) fn new(queue: &'a QueueOf<O>, item: O::Item) -> Self {
        Self { queue, place: Place::default(), item: Some(item) }
    }
}

impl<'a, O: Order> PutMany<'a, O> {
    pub(super) fn new(queue: &'a QueueOf<O>, items: VecDeque<O::Item>) -> Self {
        Self { queue, place: Place::default(), items }
    }
}

impl<'a, O: Order> Join<'a, O> {
    pub(super) fn new(queue: &'a QueueOf<O>) -> Self {
        Self { queue }
    }
}

impl<O: Order> Source for Get<'_, O> {
    type Output = Result<O::Item, QueueShutDown>;

    const REASON: WaitReason = WaitReason::Queue;

    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        self.place.poll(
            self.queue,
            |state| &mut state.getters,
            waiter,
            cx,
            |state, wakers| match state.take(wakers) {
                Some(item) => Some(Ok(item)),
                None => state.shut_down.then_some(Err(QueueShutDown(()))),
            },
        )
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        leave(self.queue, |state| &mut state.getters, waiter, pass_on_get);
    }
}

fn pass_on_get<O: Order>(state: &mut State<O>, wakers: &mut WakeList) {
    if !loopwork_shim::weaken!("queue-pass-on") {
        state.pass_on_get(wakers);
    }
}

impl<O: Order> Source for GetMany<'_, O> {
    type Output = Result<Vec<O::Item>, QueueShutDown>;

    const REASON: WaitReason = WaitReason::Queue;

    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        let limit = self.limit;
        self.place.poll(
            self.queue,
            |state| &mut state.getters,
            waiter,
            cx,
            |state, wakers| {
                let mut items = Vec::with_capacity(limit.min(state.items.size()));
                while items.len() < limit && !wakers.is_full() {
                    match state.take(wakers) {
                        Some(item) => items.push(item),
                        None => break,
                    }
                }
                let done = !items.is_empty() || limit == 0;
                if done {
                    Some(Ok(items))
                } else {
                    state.shut_down.then_some(Err(QueueShutDown(())))
                }
            },
        )
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        leave(self.queue, |state| &mut state.getters, waiter, pass_on_get);
    }
}

impl<O: Order> Source for Put<'_, O> {
    type Output = Result<(), QueueShutDown<O::Item>>;

    const REASON: WaitReason = WaitReason::Queue;

    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        let Self { queue, place, item } = self;
        assert!(item.is_some(), "`Queue::put` is not polled after it was ready");
        place.poll(
            queue,
            |state| &mut state.putters,
            waiter,
            cx,
            |state, wakers| {
                if state.shut_down {
                    return item.take().map(|item| Err(QueueShutDown(item)));
                }
                if !state.full() {
                    let item = item.take()?;
                    state.put(item, wakers);
                    Some(Ok(()))
                } else {
                    None
                }
            },
        )
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        leave(self.queue, |state| &mut state.putters, waiter, State::pass_on_put);
    }
}

impl<O: Order> Source for PutMany<'_, O> {
    type Output = Result<(), QueueShutDown<Vec<O::Item>>>;

    const REASON: WaitReason = WaitReason::Queue;

    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output> {
        let Self { queue, place, items } = self;
        loop {
            let mut batch = WakeList::new();
            let polled = {
                let batch = &mut batch;
                place.poll(
                    queue,
                    |state| &mut state.putters,
                    waiter,
                    cx,
                    |state, _| {
                        while !state.shut_down && !state.full() && !batch.is_full() {
                            match items.pop_front() {
                                Some(item) => state.put(item, batch),
                                None => break,
                            }
                        }
                        // With a full batch: done for now.
                        (items.is_empty() || state.shut_down || batch.is_full())
                            .then_some(state.shut_down)
                    },
                )
            };
            batch.wake();
            match polled {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(_) if items.is_empty() => return Poll::Ready(Ok(())),
                Poll::Ready(true) => {
                    return Poll::Ready(Err(QueueShutDown(items.drain(..).collect())));
                }
                Poll::Ready(false) => {}
            }
        }
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        leave(self.queue, |state| &mut state.putters, waiter, State::pass_on_put);
    }
}

impl<O: Order> Source for Join<'_, O> {
    type Output = ();

    const REASON: WaitReason = WaitReason::Queue;

    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<()> {
        if !waiter.is_idle() {
            // Granted when the count was zero, also if it is not any more.
            return waiter.poll(cx, &self.queue.state, |state| &mut state.joiners).map(drop);
        }
        Place::default().poll(
            self.queue,
            |state| &mut state.joiners,
            waiter,
            cx,
            |state, _| (state.unfinished == 0).then_some(()),
        )
    }

    fn leave(&mut self, waiter: Pin<&Waiter>) {
        leave(self.queue, |state| &mut state.joiners, waiter, |_, _| ());
    }
}

macro_rules! debug {
    ($($name:ident)*) => {$(
        impl<O: Order> fmt::Debug for $name<'_, O> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

debug! { Get GetMany Put PutMany Join }

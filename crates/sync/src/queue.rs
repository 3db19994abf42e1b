//! A queue between producers and consumers.
//!
//! Who is woken when, and why that overlooks nothing, is in `queue/README.md`.
//!
//! | file | holds |
//! |---|---|
//! | `queue/order.rs` | [`Order`]: which item is next |
//! | `queue/state.rs` | the items and the waiters, under the queue's mutex |
//! | `queue/futures.rs` | what the futures wait for: [`Get`], [`Put`], [`Join`] |
//! | `queue/stream.rs` | [`Items`]: a queue as a stream |
//! | `queue/error.rs` | the errors, which give back what was to be put |

mod error;
mod futures;
mod order;
mod state;
mod stream;

use std::fmt;
use std::mem;

use loopwork_shim::sync::Mutex;

pub use self::error::{GetNowaitError, PutNowaitError, QueueShutDown, TaskDoneError};
pub use self::futures::{Get, GetMany, Join, Put, PutMany};
pub use self::order::{Fifo, Lifo, Order, Priority};
use self::state::State;
pub use self::stream::Items;
use crate::blocking;
use crate::wait::Wait;
use crate::waiters::{List, WakeList, grant_crowd};

/// A first-in, first-out queue of many producers and many consumers. Its methods are those of
/// [`QueueOf`].
///
/// asyncio's `Queue`.
#[doc(alias = "asyncio.Queue")]
pub type Queue<T> = QueueOf<Fifo<T>>;

/// A queue whose newest item is taken first. Its methods are those of [`QueueOf`].
///
/// asyncio's `LifoQueue`.
///
/// ```
/// use loopwork_sync::LifoQueue;
///
/// let stack = LifoQueue::unbounded();
/// stack.put_nowait(1).unwrap();
/// stack.put_nowait(2).unwrap();
/// assert_eq!(stack.get_nowait(), Ok(2));
/// ```
#[doc(alias = "asyncio.LifoQueue")]
pub type LifoQueue<T> = QueueOf<Lifo<T>>;

/// A queue whose smallest item is taken first. Its methods are those of [`QueueOf`].
///
/// asyncio's `PriorityQueue`. Put pairs of a priority and what it is of; `std::cmp::Reverse` makes the
/// largest come first. Items are compared under the queue's lock: a comparison must not use the queue.
///
/// ```
/// use loopwork_sync::PriorityQueue;
///
/// let queue = PriorityQueue::unbounded();
/// queue.put_nowait((2, "wash")).unwrap();
/// queue.put_nowait((1, "cook")).unwrap();
/// assert_eq!(queue.get_nowait(), Ok((1, "cook")));
/// ```
#[doc(alias = "asyncio.PriorityQueue")]
#[doc(alias = "heapq")]
pub type PriorityQueue<T> = QueueOf<Priority<T>>;

/// A queue of many producers and many consumers: a [`Queue`], a [`LifoQueue`] or a [`PriorityQueue`].
///
/// asyncio's, usable from any thread: share it as `&Queue` or `Arc<Queue>`. With a
/// `maxsize`, [`put`](QueueOf::put) waits while the queue is full. What [`qsize`](QueueOf::qsize),
/// [`empty`](QueueOf::empty) and [`full`](QueueOf::full) say may be history when it is read; to act on
/// it, use the `_nowait` calls, which look and act in one step.
///
/// As in asyncio, a consumer that finds an item takes it, also if another was woken for it before
/// and has not run yet; that one goes on waiting in its old place.
///
/// ```
/// use loopwork_sync::Queue;
///
/// let queue = Queue::new(2);
/// std::thread::scope(|threads| {
///     threads.spawn(|| {
///         for n in 1..=4 {
///             queue.blocking_put(n).unwrap();
///         }
///         queue.shutdown(false);
///     });
///     futures::executor::block_on(async {
///         let mut sum = 0;
///         while let Ok(n) = queue.get().await {
///             sum += n;
///         }
///         assert_eq!(sum, 10);
///     });
/// });
/// ```
pub struct QueueOf<O: Order> {
    state: Mutex<State<O>>,
}

impl<O: Order> QueueOf<O> {
    /// An empty queue of at most `maxsize` items; zero means no limit.
    pub fn new(maxsize: usize) -> Self {
        Self { state: Mutex::new(State::new(maxsize)) }
    }

    /// An empty queue without a limit, asyncio's default.
    pub fn unbounded() -> Self {
        Self::new(0)
    }

    /// Puts `item`, waiting while the queue is full.
    ///
    /// Dropping the future before it is ready inserts nothing, drops the item, and passes on the
    /// room it was woken for.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] with the item, also if the queue is shut down during the wait.
    pub fn put(&self, item: O::Item) -> Wait<Put<'_, O>> {
        Wait::new(Put::new(self, item))
    }

    /// Takes the next item, waiting while there is none.
    ///
    /// Dropping the future before it is ready takes nothing, and passes on the item it was woken
    /// for: no item is lost.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] once the queue is shut down and empty.
    pub fn get(&self) -> Wait<Get<'_, O>> {
        Wait::new(Get::new(self))
    }

    /// Takes the next items, at least one and at most `limit`, waiting while there is none.
    ///
    /// They are taken in one step, under one lock. With a `limit` of zero it is ready at once. Fewer
    /// come also if that wakes more than 32 who wait to put.
    ///
    /// Dropping the future: as [`get`](QueueOf::get).
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] once the queue is shut down and empty.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use loopwork_sync::Queue;
    ///
    /// let queue = Queue::unbounded();
    /// queue.put_many(1..=5).await.unwrap();
    /// assert_eq!(queue.get_many(3).await, Ok(vec![1, 2, 3]));
    /// assert_eq!(queue.get_many(3).await, Ok(vec![4, 5]));
    /// # });
    /// ```
    pub fn get_many(&self, limit: usize) -> Wait<GetMany<'_, O>> {
        Wait::new(GetMany::new(self, limit))
    }

    /// Puts `items` one after the other, as many at a time as there is room for.
    ///
    /// Those of others may come in between. Dropping the future before it is ready leaves in the queue
    /// what was put, and drops the rest.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] with the items that were not put.
    pub fn put_many(&self, items: impl IntoIterator<Item = O::Item>) -> Wait<PutMany<'_, O>> {
        Wait::new(PutMany::new(self, items.into_iter().collect()))
    }

    /// The items to come, as a stream that ends when the queue is shut down and empty.
    ///
    /// Dropping the stream: as dropping a [`get`](QueueOf::get). Several may be used at a time, each
    /// item goes to one of them.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use futures::StreamExt;
    /// use loopwork_sync::Queue;
    ///
    /// let queue = Queue::unbounded();
    /// queue.put_many(["a", "b"]).await.unwrap();
    /// queue.shutdown(false);
    /// assert_eq!(queue.stream().collect::<Vec<_>>().await, ["a", "b"]);
    /// # });
    /// ```
    pub fn stream(&self) -> Items<'_, O> {
        Items::new(self)
    }

    /// Puts `item` if there is room now.
    ///
    /// # Errors
    ///
    /// The item, in an error that says whether the queue was full or shut down.
    pub fn put_nowait(&self, item: O::Item) -> Result<(), PutNowaitError<O::Item>> {
        let mut wakers = WakeList::new();
        let mut state = self.state.lock();
        if state.shut_down {
            return Err(PutNowaitError::QueueShutDown(item));
        }
        if state.full() {
            return Err(PutNowaitError::QueueFull(item));
        }
        state.put(item, &mut wakers);
        drop(state);
        wakers.wake();
        Ok(())
    }

    /// Takes the next item if there is one now.
    ///
    /// # Errors
    ///
    /// Whether the queue was merely empty, or empty and shut down.
    pub fn get_nowait(&self) -> Result<O::Item, GetNowaitError> {
        let mut wakers = WakeList::new();
        let mut state = self.state.lock();
        let taken = state.take(&mut wakers).ok_or(if state.shut_down {
            GetNowaitError::QueueShutDown
        } else {
            GetNowaitError::QueueEmpty
        });
        drop(state);
        wakers.wake();
        taken
    }

    /// [`put`](QueueOf::put) for a plain thread, which it blocks.
    ///
    /// # Errors
    ///
    /// As [`put`](QueueOf::put).
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_put(&self, item: O::Item) -> Result<(), QueueShutDown<O::Item>> {
        blocking::wait_for("`Queue::blocking_put`", self.put(item))
    }

    /// [`get`](QueueOf::get) for a plain thread, which it blocks.
    ///
    /// # Errors
    ///
    /// As [`get`](QueueOf::get).
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_get(&self) -> Result<O::Item, QueueShutDown> {
        blocking::wait_for("`Queue::blocking_get`", self.get())
    }

    /// How many items are in the queue.
    #[doc(alias = "len")]
    pub fn qsize(&self) -> usize {
        self.state.lock().items.size()
    }

    /// Whether the queue holds no item.
    #[doc(alias = "is_empty")]
    pub fn empty(&self) -> bool {
        self.state.lock().items.size() == 0
    }

    /// Whether the queue holds `maxsize` items. Never true without a limit.
    #[doc(alias = "is_full")]
    pub fn full(&self) -> bool {
        self.state.lock().full()
    }

    /// How many items the queue may hold; zero means no limit.
    #[doc(alias = "capacity")]
    pub fn maxsize(&self) -> usize {
        self.state.lock().maxsize
    }

    /// Reports that an item taken from the queue has been dealt with.
    ///
    /// The report that finishes the last unfinished item wakes all who [`join`](QueueOf::join).
    ///
    /// # Errors
    ///
    /// When called more often than items were put.
    pub fn task_done(&self) -> Result<(), TaskDoneError> {
        let mut state = self.state.lock();
        if state.unfinished == 0 {
            return Err(TaskDoneError(()));
        }
        if state.finish(1) {
            let last = state.tickets;
            grant_crowd(&self.state, state, |state| &mut state.joiners, last, || 0, || ());
        }
        Ok(())
    }

    /// Waits until each item that was put has been reported by [`task_done`](QueueOf::task_done).
    ///
    /// Returns at once if nothing is unfinished. A waiter gets through when the count reaches
    /// zero, also if something is put again before it runs. Dropping the future leaves.
    pub fn join(&self) -> Wait<Join<'_, O>> {
        Wait::new(Join::new(self))
    }

    /// [`join`](QueueOf::join) for a plain thread, which it blocks.
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_join(&self) {
        blocking::wait_for("`Queue::blocking_join`", self.join());
    }

    /// Refuses further items, and wakes all who wait.
    ///
    /// Who waits in [`put`](QueueOf::put) gets its item back. [`get`](QueueOf::get) gives out what is
    /// left and then fails. If `immediate`, what is left is dropped at once and counts as done;
    /// otherwise [`join`](QueueOf::join) still needs a [`task_done`](QueueOf::task_done) for each item.
    /// May be called again, then with `immediate` as well.
    pub fn shutdown(&self, immediate: bool) {
        let mut state = self.state.lock();
        state.shut_down = true;
        // Nobody waits to get or to put from here on.
        let last = state.tickets;
        let dropped = if immediate { mem::take(&mut state.items) } else { O::default() };
        let finished = state.finish(dropped.size());
        let wake = |line: fn(&mut State<O>) -> &mut List| {
            grant_crowd(&self.state, self.state.lock(), line, last, || 0, || ());
        };
        drop(state);
        wake(|state| &mut state.getters);
        wake(|state| &mut state.putters);
        if finished {
            wake(|state| &mut state.joiners);
        }
        drop(dropped);
    }

    /// Whether the queue was shut down.
    pub fn is_shut_down(&self) -> bool {
        self.state.lock().shut_down
    }
}

impl<O: Order> Default for QueueOf<O> {
    fn default() -> Self {
        Self::unbounded()
    }
}

impl<O: Order> fmt::Debug for QueueOf<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Queue")
            .field("qsize", &state.items.size())
            .field("maxsize", &state.maxsize)
            .field("unfinished", &state.unfinished)
            .field("shut_down", &state.shut_down)
            .field("getters", &state.getters.len())
            .field("putters", &state.putters.len())
            .finish()
    }
}

//! A queue between producers and consumers.
//!
//! Who is woken when, and why that overlooks nothing, is in `queue/README.md`.
//!
//! | file | holds |
//! |---|---|
//! | `queue/state.rs` | the items and the waiters, under the queue's mutex |
//! | `queue/futures.rs` | [`Get`], [`Put`], [`Join`] |
//! | `queue/error.rs` | the errors, which give back what was to be put |

mod error;
mod futures;
mod state;

use std::fmt;
use std::mem;

use loopwork_shim::sync::Mutex;

pub use self::error::{GetNowaitError, PutNowaitError, QueueShutDown, TaskDoneError};
pub use self::futures::{Get, Join, Put};
use self::state::State;
use crate::blocking;
use crate::tickets::WakeList;

/// A first-in, first-out queue of many producers and many consumers.
///
/// asyncio's `Queue`, usable from any thread: share it as `&Queue` or `Arc<Queue>`. With a
/// `maxsize`, [`put`](Queue::put) waits while the queue is full. What [`qsize`](Queue::qsize),
/// [`empty`](Queue::empty) and [`full`](Queue::full) say may be history when it is read; to act on
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
#[doc(alias = "asyncio.Queue")]
pub struct Queue<T> {
    state: Mutex<State<T>>,
}

impl<T> Queue<T> {
    /// An empty queue of at most `maxsize` items; zero means no limit.
    pub fn new(maxsize: usize) -> Self {
        Self { state: Mutex::new(State::new(maxsize)) }
    }

    /// An empty queue without a limit, asyncio's default.
    pub fn unbounded() -> Self {
        Self::new(0)
    }

    /// Appends `item`, waiting while the queue is full.
    ///
    /// Dropping the future before it is ready inserts nothing, drops the item, and passes on the
    /// room it was woken for.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] with the item, also if the queue is shut down during the wait.
    pub fn put(&self, item: T) -> Put<'_, T> {
        Put::new(self, item)
    }

    /// Takes the oldest item, waiting while there is none.
    ///
    /// Dropping the future before it is ready takes nothing, and passes on the item it was woken
    /// for: no item is lost.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] once the queue is shut down and empty.
    pub fn get(&self) -> Get<'_, T> {
        Get::new(self)
    }

    /// Appends `item` if there is room now.
    ///
    /// # Errors
    ///
    /// The item, in an error that says whether the queue was full or shut down.
    pub fn put_nowait(&self, item: T) -> Result<(), PutNowaitError<T>> {
        let mut wakers = WakeList::default();
        let mut state = self.state.lock();
        if state.shut_down {
            return Err(PutNowaitError::QueueShutDown(item));
        }
        if state.full() {
            return Err(PutNowaitError::QueueFull(item));
        }
        state.append(item, &mut wakers);
        drop(state);
        wakers.wake();
        Ok(())
    }

    /// Takes the oldest item if there is one now.
    ///
    /// # Errors
    ///
    /// Whether the queue was merely empty, or empty and shut down.
    pub fn get_nowait(&self) -> Result<T, GetNowaitError> {
        let mut wakers = WakeList::default();
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

    /// [`put`](Queue::put) for a plain thread, which it blocks.
    ///
    /// # Errors
    ///
    /// As [`put`](Queue::put).
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_put(&self, item: T) -> Result<(), QueueShutDown<T>> {
        blocking::wait_for("`Queue::blocking_put`", self.put(item))
    }

    /// [`get`](Queue::get) for a plain thread, which it blocks.
    ///
    /// # Errors
    ///
    /// As [`get`](Queue::get).
    ///
    /// # Panics
    ///
    /// On a thread that is polling tasks.
    #[track_caller]
    pub fn blocking_get(&self) -> Result<T, QueueShutDown> {
        blocking::wait_for("`Queue::blocking_get`", self.get())
    }

    /// How many items are in the queue.
    #[doc(alias = "len")]
    pub fn qsize(&self) -> usize {
        self.state.lock().items.len()
    }

    /// Whether the queue holds no item.
    #[doc(alias = "is_empty")]
    pub fn empty(&self) -> bool {
        self.state.lock().items.is_empty()
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
    /// The report that finishes the last unfinished item wakes all who [`join`](Queue::join).
    ///
    /// # Errors
    ///
    /// When called more often than items were put.
    pub fn task_done(&self) -> Result<(), TaskDoneError> {
        let mut state = self.state.lock();
        if state.unfinished == 0 {
            return Err(TaskDoneError(()));
        }
        let wakers = state.finish(1);
        drop(state);
        wakers.wake();
        Ok(())
    }

    /// Waits until each item that was put has been reported by [`task_done`](Queue::task_done).
    ///
    /// Returns at once if nothing is unfinished. A waiter gets through when the count reaches
    /// zero, also if something is put again before it runs. Dropping the future leaves.
    pub fn join(&self) -> Join<'_, T> {
        Join::new(self)
    }

    /// [`join`](Queue::join) for a plain thread, which it blocks.
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
    /// Who waits in [`put`](Queue::put) gets its item back. [`get`](Queue::get) gives out what is
    /// left and then fails. If `immediate`, what is left is dropped at once and counts as done;
    /// otherwise [`join`](Queue::join) still needs a [`task_done`](Queue::task_done) for each item.
    /// May be called again, then with `immediate` as well.
    pub fn shutdown(&self, immediate: bool) {
        let mut state = self.state.lock();
        state.shut_down = true;
        let dropped = if immediate { mem::take(&mut state.items) } else { Default::default() };
        let joiners = state.finish(dropped.len());
        let getters = state.getters.grant_all();
        let putters = state.putters.grant_all();
        drop(state);
        getters.wake();
        putters.wake();
        joiners.wake();
        drop(dropped);
    }

    /// Whether the queue was shut down.
    pub fn is_shut_down(&self) -> bool {
        self.state.lock().shut_down
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::unbounded()
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Queue")
            .field("qsize", &state.items.len())
            .field("maxsize", &state.maxsize)
            .field("unfinished", &state.unfinished)
            .field("shut_down", &state.shut_down)
            .field("getters", &state.getters.waiting())
            .field("putters", &state.putters.waiting())
            .finish()
    }
}

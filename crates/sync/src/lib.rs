//! Locks, queues and channels that work on any executor and from plain threads.
//!
//! The primitives are asyncio's, with Rust's types: a [`Lock`] guards a value, a [`Semaphore`]'s
//! permit gives itself back, a [`Queue`] hands back what it refuses, a [`ConcurrentFuture`] is waited
//! for by a thread or awaited by a task. Each is usable from several executors at once, from callbacks
//! and from threads that run no executor at all; none belongs to a loop.
//!
//! This crate knows no executor: it sees wakers, and asks [`loopwork_context`] about the poll it is
//! in and whether this thread may block.
//!
//! Who waits is a link in a list that is threaded through the pinned futures themselves: a wait allocates
//! nothing. Where nobody waits, most primitives take one atomic operation. Their mutex is for the
//! list alone, and no waker, callback or destructor of a user's value runs under it. The three places
//! with `unsafe` code are that list, the guards that reach the values behind locks, and what channels
//! keep their values in.
//!
//! Inside a task of Loopwork each operation that is ready spends a unit of the task's budget, as
//! [`loopwork_context::proceed`] explains. Where that is used up an operation takes nothing, nor a
//! place among those who wait, and is polled again behind what is ready. What does not wait
//! (`try_lock`, `get_nowait`) and what blocks spends nothing.
//!
//! Nothing here is poisoned: as in asyncio, what a holder that panics leaves behind is what the next
//! one sees.
//!
//! # What happens to a future that is dropped
//!
//! A future has a place among those who wait from its first poll on. Dropped before it is ready:
//!
//! | future | what happens |
//! |---|---|
//! | [`Lock::lock`] | leaves the queue; a lock already handed to it goes to the next waiter |
//! | [`Mutex::lock`] | leaves; if it had been woken, the next is |
//! | [`RwLock::read`], [`RwLock::write`] | leaves the queue, and those behind a writer may read; what was handed to it goes to the next |
//! | [`Condition::wait`] | leaves, *with the lock released*; a notification it had got goes to the next |
//! | [`Semaphore::acquire`], `acquire_many` | leaves the queue; permits already granted go to the next, or are free |
//! | [`CapacityLimiter::acquire`] | leaves the queue; a token already granted goes to the next, or is free |
//! | [`Event::wait`] | leaves |
//! | [`Notify::notified`] | leaves; a `notify_one` it was given goes to the next, or is kept |
//! | [`Barrier::wait`] | leaves: one more has to come |
//! | [`OnceCell::get_or_init`] | the cell stays empty, and the next who waits makes the value |
//! | [`QueueOf::get`], `get_many`, `stream` | takes no item; a wake-up it had got goes to the next getter |
//! | [`QueueOf::put`] | inserts nothing and drops its item; its wake-up goes to the next putter |
//! | [`QueueOf::put_many`] | leaves what was put, drops the rest; its wake-up goes to the next putter |
//! | [`QueueOf::join`] | leaves |
//! | [`oneshot::Receiver`] | the channel closes, and the sender gets its value back |
//! | [`oneshot::Sender::closed`] | nothing |
//! | [`mpsc::Sender::send`] | sends nothing and drops its value; its place goes to the next |
//! | [`mpsc::Sender::reserve`], `reserve_many` | leaves the queue; places already granted go to the next |
//! | [`mpsc::Sender::reserve_owned`] | as `reserve`, and drops its sender |
//! | [`mpsc::SenderSink`] | leaves the queue, and gives back a place that was not used |
//! | [`mpsc::Sender::send_many`] | what was not sent is still with the caller |
//! | [`mpsc::Receiver::recv`], `recv_many` | takes nothing |
//! | [`mpsc::Sender::closed`] | leaves |
//! | [`watch::Receiver::changed`], `wait_for`, [`watch::Changes`] | leaves; what it has not seen is still unseen |
//! | [`broadcast::Receiver::recv`] | takes nothing |
//! | [`watch::Sender::closed`], [`broadcast::Sender::closed`] | leaves |
//! | [`ConcurrentFuture`] | detaches: the work goes on, also when the last handle is dropped |
//!
//! # Files
//!
//! | file | holds |
//! |---|---|
//! | `waiters.rs`, `waiters/` | the list of waiters, inside the futures that wait, on which the rest stands |
//! | `wait.rs` | [`Wait`]: the future of most that waits |
//! | `spend.rs` | an operation that is ready at once has its price |
//! | `spin.rs` | whether it spins before it blocks |
//! | `blocking.rs` | how a plain thread waits for one of these futures |
//! | `permits.rs`, `permits/` | permits, first come, first served: what fair locks and semaphores stand on |
//! | `guarded.rs`, `guarded/` | the values behind locks, and the guards that reach them |
//! | `lock.rs` | [`Lock`] |
//! | `mutex.rs`, `mutex/` | [`Mutex`] |
//! | `rwlock.rs` | [`RwLock`] |
//! | `condition.rs` | [`Condition`] |
//! | `semaphore.rs`, `semaphore/` | [`Semaphore`], [`BoundedSemaphore`] |
//! | `capacity_limiter.rs` | [`CapacityLimiter`] |
//! | `event.rs` | [`Event`] |
//! | `notify.rs` | [`Notify`] |
//! | `barrier.rs` | [`Barrier`] |
//! | `once_cell.rs` | [`OnceCell`] |
//! | `queue.rs`, `queue/` | [`Queue`], [`LifoQueue`], [`PriorityQueue`], their futures and errors |
//! | `storage.rs`, `storage/` | what channels keep values and wakers in |
//! | `oneshot.rs`, `oneshot/` | [`oneshot`] |
//! | `mpsc.rs`, `mpsc/` | [`mpsc`] |
//! | `watch.rs`, `watch/` | [`watch`] |
//! | `broadcast.rs`, `broadcast/` | [`broadcast`] |
//! | `concurrent.rs`, `concurrent/` | [`ConcurrentFuture`], its producing end and its error |

#![deny(unsafe_code)]

mod barrier;
mod blocking;
pub mod broadcast;
pub mod capacity_limiter;
pub mod concurrent;
pub mod condition;
mod event;
#[allow(unsafe_code, reason = "guards reach the values behind locks")]
mod guarded;
mod lock;
pub mod mpsc;
mod mutex;
pub mod notify;
pub mod once_cell;
pub mod oneshot;
mod permits;
pub mod queue;
pub mod rwlock;
pub mod semaphore;
mod spend;
mod spin;
#[allow(unsafe_code, reason = "channels hand values from thread to thread")]
mod storage;
mod wait;
#[allow(unsafe_code, reason = "waiters point at each other")]
mod waiters;
pub mod watch;

pub use barrier::{Barrier, BrokenBarrier};
pub use capacity_limiter::CapacityLimiter;
pub use concurrent::{CancelPolicy, Completer, ConcurrentError, ConcurrentFuture};
pub use condition::Condition;
pub use event::Event;
pub use guarded::{Guard, MappedGuard, Protect, ProtectShared, ReadGuard};
pub use lock::{Lock, LockGuard, OwnedLockGuard};
pub use mutex::{Mutex, MutexGuard, OwnedMutexGuard};
pub use notify::Notify;
pub use once_cell::OnceCell;
pub use queue::{
    GetNowaitError, LifoQueue, PriorityQueue, PutNowaitError, Queue, QueueOf, QueueShutDown,
    TaskDoneError,
};
pub use rwlock::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{BoundedSemaphore, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
pub use wait::{Source, Wait};

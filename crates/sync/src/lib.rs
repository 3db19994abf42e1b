//! Locks, queues and channels that work on any executor and from plain threads.
//!
//! The primitives are asyncio's, with Rust's types: a [`Lock`] guards a value, a [`Queue`] hands
//! back what it refuses, a [`ConcurrentFuture`] is waited for by a thread or awaited by a task.
//! Each is usable from several executors at once, from callbacks and from threads that run no
//! executor at all; none belongs to a loop.
//!
//! This crate knows no executor: it sees wakers, and asks [`loopwork_context`] about the poll it is
//! in and whether this thread may block. It contains no `unsafe` code. Each primitive is one mutex around its state and its
//! waiters; no waker, callback or destructor of a user's value runs under that mutex.
//!
//! Inside a task of Loopwork each operation that is ready spends a unit of the task's budget, as
//! [`loopwork_context::proceed`] explains. Where that is used up an operation takes nothing, nor a
//! place among those who wait, and is polled again behind what is ready. What does not wait
//! (`try_lock`, `get_nowait`) and what blocks spends nothing.
//!
//! # What happens to a future that is dropped
//!
//! | future | dropped before it is ready |
//! |---|---|
//! | [`Lock::lock`] | leaves the queue; a lock already handed to it goes to the next waiter |
//! | [`Event::wait`] | leaves |
//! | [`Queue::get`] | takes no item; a wake-up it had got goes to the next getter |
//! | [`Queue::put`] | inserts nothing and drops its item; its wake-up goes to the next putter |
//! | [`Queue::join`] | leaves |
//! | [`oneshot::Receiver`] | the channel closes, and the sender gets its value back |
//! | [`ConcurrentFuture`] | detaches: the work goes on, also when the last handle is dropped |
//!
//! # Files
//!
//! | file | holds |
//! |---|---|
//! | `waiters.rs` | the list of waiters on which the rest stands |
//! | `spin.rs` | whether it spins before it blocks |
//! | `blocking.rs` | how a plain thread waits for one of these futures |
//! | `lock.rs` | [`Lock`] |
//! | `event.rs` | [`Event`] |
//! | `queue.rs`, `queue/` | [`Queue`], its futures and its errors |
//! | `oneshot.rs` | [`oneshot`] |
//! | `concurrent.rs`, `concurrent/` | [`ConcurrentFuture`], its producing end and its error |

#![forbid(unsafe_code)]

mod blocking;
pub mod concurrent;
mod event;
mod lock;
pub mod oneshot;
pub mod queue;
mod spin;
mod waiters;

pub use concurrent::{CancelPolicy, Completer, ConcurrentError, ConcurrentFuture};
pub use event::{Event, Wait};
pub use lock::{Acquire, Lock, LockGuard};
pub use queue::{GetNowaitError, PutNowaitError, Queue, QueueShutDown, TaskDoneError};

//! The work of each row, written once for all runtimes.
//!
//! Each function is the body of a task on a worker. It repeats its work as the recorder wants it,
//! checks each time that everything was done, and takes the time itself.

mod absent;
mod audience;
mod burst;
mod chained_spawn;
mod children;
mod countdown;
mod crowd;
mod durations;
mod echo;
mod fork_join;
mod idle;
mod lateness;
mod live;
mod memory;
mod mutex;
mod notify;
mod oneshot;
mod outside;
mod pending;
mod ping_pong;
mod queue;
mod remote_wake;
mod semaphore;
mod sleep_memory;
mod spawn_join;
mod spawn_late;
mod spawn_remote;
mod spin;
mod timeout;
mod timer_cancel;
mod timer_fire;
mod timer_reset;
mod timers;
mod unequal;
mod yield_many;

pub(crate) use audience::{broadcast, watch};
pub(crate) use burst::burst;
pub(crate) use chained_spawn::chained_spawn;
pub(crate) use children::{by_hand, gather_ready, group};
pub(crate) use echo::{LoadProcess, echo};
pub(crate) use fork_join::fork_join;
pub(crate) use idle::{idle_busy_one, idle_cpu};
pub(crate) use lateness::{lateness, lateness_busy};
pub(crate) use live::live;
pub(crate) use memory::memory;
pub(crate) use mutex::{mutex_contended, mutex_free};
pub(crate) use notify::notify;
pub(crate) use oneshot::oneshot;
pub(crate) use ping_pong::ping_pong;
pub(crate) use queue::queue;
pub(crate) use remote_wake::remote_wake;
pub(crate) use semaphore::semaphore;
pub(crate) use sleep_memory::sleep_memory;
pub(crate) use spawn_join::spawn_join;
pub(crate) use spawn_late::{spawn_late, spawn_late_warm};
pub(crate) use spawn_remote::spawn_remote;
pub(crate) use timeout::{timeout_pending, timeout_ready};
pub(crate) use timer_cancel::timer_cancel;
pub(crate) use timer_fire::timer_fire;
pub(crate) use timer_reset::{timer_reset, timer_reset_now};
pub(crate) use timers::timers;
pub(crate) use unequal::unequal;
pub(crate) use yield_many::yield_many;

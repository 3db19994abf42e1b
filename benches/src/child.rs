//! A process that measures one runtime at one row, and prints what it found as one line.

use std::process::exit;
use std::thread;
use std::time::Duration;

#[cfg(feature = "smol")]
use crate::contender::Smol;
#[cfg(feature = "channels")]
use crate::contender::{AsyncChannel, Bounded, Contender, Flume, Kanal};
#[cfg(feature = "tokio")]
use crate::contender::{Bare, CurrentThread, Tokio};
use crate::contender::{Combinators, Loopwork, Primitives, Published, Runtime};
use crate::floor;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::python;
use crate::row::Row;
use crate::work;

/// A child that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to measure, as the arguments of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) runtime: Runtime,
    pub(crate) row: Row,
    pub(crate) workers: usize,
    pub(crate) smoke: bool,
}

impl Assignment {
    pub(crate) fn to_arguments(self) -> [String; 5] {
        let Self { runtime, row, workers, smoke } = self;
        let size = if smoke { "smoke" } else { "full" };
        let words = ["--child", runtime.name(), row.name(), &workers.to_string(), size];
        words.map(str::to_owned)
    }

    fn from_arguments(arguments: &[String]) -> Option<Self> {
        let [runtime, row, workers, size] = arguments else { return None };
        Some(Self {
            runtime: Runtime::named(runtime)?,
            row: Row::named(row)?,
            workers: workers.parse().ok()?,
            smoke: size == "smoke",
        })
    }

    fn plan(self) -> Plan {
        if self.smoke { Plan::smoke(self.workers) } else { Plan::full(self.workers) }
    }
}

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let assignment = Assignment::from_arguments(arguments)
        .ok_or("a child is told a runtime, a row, the workers and the size")?;
    give_up_later();
    println!("{}", measure(assignment)?);
    Ok(())
}

/// A runtime that loses a wake-up must not stop the whole comparison.
fn give_up_later() {
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        eprintln!("no result after {PATIENCE:?}");
        exit(2);
    });
}

fn measure(assignment: Assignment) -> Result<Measurement, String> {
    let plan = assignment.plan();
    let row = assignment.row;
    let measured = match assignment.runtime {
        Runtime::Loopwork => measure_all::<Loopwork>(row, plan),
        #[cfg(feature = "tokio")]
        Runtime::Tokio => measure_all::<Tokio>(row, plan),
        #[cfg(feature = "tokio")]
        Runtime::TokioBare => measure_all::<Tokio<Bare>>(row, plan),
        #[cfg(feature = "tokio")]
        Runtime::TokioCt => measure_all::<Tokio<CurrentThread>>(row, plan),
        #[cfg(feature = "smol")]
        Runtime::Smol => measure_most::<Smol>(row, plan),
        #[cfg(feature = "channels")]
        Runtime::AsyncChannel => measure_channel::<Tokio, AsyncChannel>(row, plan),
        #[cfg(feature = "channels")]
        Runtime::Flume => measure_channel::<Tokio, Flume>(row, plan),
        #[cfg(feature = "channels")]
        Runtime::Kanal => measure_channel::<Tokio, Kanal>(row, plan),
        Runtime::Asyncio | Runtime::Uvloop if row == Row::Queue => {
            Some(python::queue(assignment.runtime.name(), &plan)?)
        }
        Runtime::Floor if row == Row::Echo => Some(floor::echo(&plan)?),
        _ => None,
    };
    measured.ok_or_else(|| format!("{} has no {}", assignment.runtime.name(), row.name()))
}

/// A channel on somebody's runtime.
#[cfg(feature = "channels")]
fn measure_channel<C: Contender, Q: Bounded>(row: Row, plan: Plan) -> Option<Measurement> {
    let queue = match row {
        Row::Channel => plan.queue,
        Row::Channel41 => plan.channel_4_1,
        _ => return None,
    };
    Some(C::run(plan.workers, |contender| work::queue::<C, Q>(contender, queue, plan.sampling)))
}

fn measure_all<C: Published + Combinators>(row: Row, plan: Plan) -> Option<Measurement> {
    let workers = plan.workers;
    match row {
        Row::Watch => {
            Some(C::run(workers, |contender| work::watch::<C, C::Watch>(contender, plan)))
        }
        Row::Broadcast => {
            Some(C::run(workers, |contender| work::broadcast::<C, C::Broadcast>(contender, plan)))
        }
        _ => measure_most::<C>(row, plan),
    }
}

/// All but what reaches more than one task.
fn measure_most<C: Primitives + Combinators>(row: Row, plan: Plan) -> Option<Measurement> {
    let workers = plan.workers;
    Some(match row {
        Row::SpawnJoin => C::run(workers, |contender| work::spawn_join(contender, plan)),
        Row::SpawnRemote => C::run(workers, |contender| work::spawn_remote(contender, plan)),
        Row::ChainedSpawn => C::run(workers, |contender| work::chained_spawn(contender, plan)),
        Row::ForkJoin => C::run(workers, |contender| work::fork_join(contender, plan)),
        Row::Unequal => C::run(workers, |contender| work::unequal(contender, plan)),
        Row::SpawnLate => C::run(workers, |contender| work::spawn_late(contender, plan)),
        Row::SpawnLateWarm => C::run(workers, |contender| work::spawn_late_warm(contender, plan)),
        Row::Burst => C::run(workers, |contender| work::burst(contender, plan)),
        Row::YieldMany => C::run(workers, |contender| work::yield_many(contender, plan)),
        Row::PingPong => C::run(workers, |contender| work::ping_pong(contender, plan)),
        Row::RemoteWake => C::run(workers, |contender| work::remote_wake(contender, plan)),
        Row::MutexFree => C::run(workers, |_| work::mutex_free::<C::Mutex>(plan)),
        Row::LockFree => C::run(workers, |_| work::mutex_free::<C::Lock>(plan)),
        Row::MutexContended => C::run(workers, |contender| {
            work::mutex_contended::<C, C::Mutex>(contender, plan.contended)
        }),
        Row::LockContended => C::run(workers, |contender| {
            work::mutex_contended::<C, C::Lock>(contender, plan.contended)
        }),
        Row::Semaphore => C::run(workers, |contender| work::semaphore(contender, plan)),
        Row::Notify => C::run(workers, |contender| work::notify(contender, plan)),
        Row::Queue => C::run(workers, |contender| {
            work::queue::<C, C::Queue>(contender, plan.queue, plan.sampling)
        }),
        Row::Channel => C::run(workers, |contender| {
            work::queue::<C, C::Channel>(contender, plan.queue, plan.sampling)
        }),
        Row::Channel41 => C::run(workers, |contender| {
            work::queue::<C, C::Channel>(contender, plan.channel_4_1, plan.sampling)
        }),
        Row::Oneshot => {
            C::run(workers, |contender| work::oneshot::<C, C::Oneshot>(contender, plan))
        }
        Row::Watch | Row::Broadcast => return None,
        Row::TimeoutReady => C::run(workers, |_| work::timeout_ready::<C>(plan)),
        Row::TimeoutPending => C::run(workers, |_| work::timeout_pending::<C>(plan)),
        Row::ByHand => C::run(workers, |contender| work::by_hand(contender, plan)),
        Row::Group => C::run(workers, |contender| work::group(contender, plan)),
        Row::GatherReady => C::run(workers, |contender| work::gather_ready(contender, plan)),
        Row::Memory => C::run(workers, |contender| work::memory(contender, plan.memory)),
        Row::Live1k => C::run(workers, |contender| work::live(contender, plan.live_1k)),
        Row::Live100k => C::run(workers, |contender| work::live(contender, plan.live_100k)),
        Row::Live1m => C::run(workers, |contender| work::live(contender, plan.live_1m)),
        Row::IdleCpu => C::run(workers, |contender| work::idle_cpu(contender, plan)),
        Row::IdleBusyOne => C::run(workers, |contender| work::idle_busy_one(contender, plan)),
        Row::TimerCancel => C::run(workers, |contender| work::timer_cancel(contender, plan)),
        Row::TimerFire => C::run(workers, |contender| work::timer_fire(contender, plan.fire)),
        Row::TimerReset => C::run(workers, |contender| work::timer_reset(contender, plan)),
        Row::TimerResetNow => C::run(workers, |contender| work::timer_reset_now(contender, plan)),
        Row::Timers1k => C::run(workers, |contender| work::timers(contender, plan.timers_1k)),
        Row::Timers100k => C::run(workers, |contender| work::timers(contender, plan.timers_100k)),
        Row::Timers1m => C::run(workers, |contender| work::timers(contender, plan.timers_1m)),
        Row::Lateness => C::run(workers, |contender| work::lateness(contender, plan.lateness)),
        Row::LatenessBusy => C::run(workers, |contender| work::lateness_busy(contender, plan)),
        Row::SleepMemory => {
            C::run(workers, |contender| work::sleep_memory(contender, plan.sleep_memory))
        }
        Row::Echo => C::run(workers, |contender| work::echo(contender, plan)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_reads_back_as_it_was() {
        let assignment =
            Assignment { runtime: Runtime::Smol, row: Row::Echo, workers: 3, smoke: true };
        let arguments = assignment.to_arguments();
        assert_eq!(Assignment::from_arguments(&arguments[1..]), Some(assignment));
        assert_eq!(Assignment::from_arguments(&arguments), None);
    }
}

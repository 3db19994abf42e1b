//! The rows of the comparison.

use crate::contender::Runtime;

/// A workload. `README.md` says what one operation of each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    SpawnJoin,
    SpawnRemote,
    ChainedSpawn,
    ForkJoin,
    Unequal,
    SpawnLate,
    SpawnLateWarm,
    Burst,
    YieldMany,
    PingPong,
    RemoteWake,
    MutexFree,
    LockFree,
    MutexContended,
    LockContended,
    Semaphore,
    Notify,
    Queue,
    Channel,
    Channel41,
    Oneshot,
    Watch,
    Broadcast,
    TimeoutReady,
    TimeoutPending,
    ByHand,
    Group,
    GatherReady,
    Memory,
    Live1k,
    Live100k,
    Live1m,
    IdleCpu,
    IdleBusyOne,
    TimerCancel,
    TimerFire,
    TimerReset,
    TimerResetNow,
    Timers1k,
    Timers100k,
    Timers1m,
    Lateness,
    LatenessBusy,
    SleepMemory,
    Echo,
}

/// In what a row's values are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanoseconds,
    Microseconds,
    /// How many times as long as the least that is possible.
    Times,
    Bytes,
    /// Microseconds of CPU time a second.
    CpuPerSecond,
    PerSecond,
}

/// Something that is held against a peer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Median,
    P99,
    Cpu,
}

/// What Loopwork is to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// Ours over the best peer's, at most.
    OfBestPeer(Measure, f64),
    /// Ours over one peer's, at most.
    OfPeer(Runtime, Measure, f64),
    /// Ours over ours at another row, at most.
    OfRow(Row, Measure, f64),
    /// Ours over the floor's, at least.
    OfFloor(Measure, f64),
    /// Ours by itself, at most; in the row's unit.
    AtMost(Measure, f64),
}

impl Row {
    pub(crate) const ALL: [Self; 45] = [
        Self::SpawnJoin,
        Self::SpawnRemote,
        Self::ChainedSpawn,
        Self::ForkJoin,
        Self::Unequal,
        Self::SpawnLate,
        Self::SpawnLateWarm,
        Self::Burst,
        Self::YieldMany,
        Self::PingPong,
        Self::RemoteWake,
        Self::MutexFree,
        Self::LockFree,
        Self::MutexContended,
        Self::LockContended,
        Self::Semaphore,
        Self::Notify,
        Self::Queue,
        Self::Channel,
        Self::Channel41,
        Self::Oneshot,
        Self::Watch,
        Self::Broadcast,
        Self::TimeoutReady,
        Self::TimeoutPending,
        Self::ByHand,
        Self::Group,
        Self::GatherReady,
        Self::Memory,
        Self::Live1k,
        Self::Live100k,
        Self::Live1m,
        Self::IdleCpu,
        Self::IdleBusyOne,
        Self::TimerCancel,
        Self::TimerFire,
        Self::TimerReset,
        Self::TimerResetNow,
        Self::Timers1k,
        Self::Timers100k,
        Self::Timers1m,
        Self::Lateness,
        Self::LatenessBusy,
        Self::SleepMemory,
        Self::Echo,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SpawnJoin => "spawn_join",
            Self::SpawnRemote => "spawn_remote",
            Self::ChainedSpawn => "chained_spawn",
            Self::ForkJoin => "fork_join",
            Self::Unequal => "unequal",
            Self::SpawnLate => "spawn_late",
            Self::SpawnLateWarm => "spawn_late_warm",
            Self::Burst => "burst",
            Self::YieldMany => "yield_many",
            Self::PingPong => "ping_pong",
            Self::RemoteWake => "remote_wake",
            Self::MutexFree => "mutex_free",
            Self::LockFree => "lock_free",
            Self::MutexContended => "mutex_contended",
            Self::LockContended => "lock_contended",
            Self::Semaphore => "semaphore",
            Self::Notify => "notify",
            Self::Queue => "queue",
            Self::Channel => "channel",
            Self::Channel41 => "channel_4_1",
            Self::Oneshot => "oneshot",
            Self::Watch => "watch",
            Self::Broadcast => "broadcast",
            Self::TimeoutReady => "timeout_ready",
            Self::TimeoutPending => "timeout_pending",
            Self::ByHand => "by_hand",
            Self::Group => "group",
            Self::GatherReady => "gather_ready",
            Self::Memory => "memory",
            Self::Live1k => "live_1k",
            Self::Live100k => "live_100k",
            Self::Live1m => "live_1m",
            Self::IdleCpu => "idle_cpu",
            Self::IdleBusyOne => "idle_busy_one",
            Self::TimerCancel => "timer_cancel",
            Self::TimerFire => "timer_fire",
            Self::TimerReset => "timer_reset",
            Self::TimerResetNow => "timer_reset_now",
            Self::Timers1k => "timers_1k",
            Self::Timers100k => "timers_100k",
            Self::Timers1m => "timers_1m",
            Self::Lateness => "lateness",
            Self::LatenessBusy => "lateness_busy",
            Self::SleepMemory => "sleep_memory",
            Self::Echo => "echo",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.name() == name)
    }

    /// All names, for a message.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// All names, for a reader.
    pub(crate) fn columns() -> String {
        let line = |rows: &[Self]| {
            rows.iter().fold("   ".to_owned(), |line, row| format!("{line} {:<16}", row.name()))
        };
        Self::ALL.chunks(4).map(|rows| line(rows).trim_end().to_owned() + "\n").collect()
    }

    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::SpawnJoin
            | Self::SpawnRemote
            | Self::ChainedSpawn
            | Self::ForkJoin
            | Self::YieldMany
            | Self::PingPong
            | Self::MutexFree
            | Self::LockFree
            | Self::MutexContended
            | Self::LockContended
            | Self::Semaphore
            | Self::Notify
            | Self::Queue
            | Self::Channel
            | Self::Channel41
            | Self::Oneshot
            | Self::Watch
            | Self::Broadcast
            | Self::TimeoutReady
            | Self::TimeoutPending
            | Self::ByHand
            | Self::Group
            | Self::GatherReady
            | Self::Live1k
            | Self::Live100k
            | Self::Live1m
            | Self::TimerCancel
            | Self::TimerFire
            | Self::TimerReset
            | Self::TimerResetNow
            | Self::Timers1k
            | Self::Timers100k
            | Self::Timers1m => Unit::Nanoseconds,
            Self::SpawnLate
            | Self::SpawnLateWarm
            | Self::RemoteWake
            | Self::Lateness
            | Self::LatenessBusy => Unit::Microseconds,
            Self::Unequal | Self::Burst => Unit::Times,
            Self::Memory | Self::SleepMemory => Unit::Bytes,
            Self::IdleCpu | Self::IdleBusyOne => Unit::CpuPerSecond,
            Self::Echo => Unit::PerSecond,
        }
    }

    /// In what the tail of single operations is given: for a rate, in time.
    pub(crate) fn unit_of_tail(self) -> Unit {
        if self == Self::Echo { Unit::Microseconds } else { self.unit() }
    }

    /// What cannot be told from nothing, in the row's unit: a lower value counts as this one when
    /// it is compared.
    pub(crate) fn resolution(self) -> f64 {
        match self {
            // A thousandth of a CPU. The thread that measures takes a fifth of it.
            Self::IdleCpu => 1_000.0,
            // A hundredth: the clock and the system's accounts are not read at one moment.
            Self::IdleBusyOne => 10_000.0,
            _ => 0.0,
        }
    }

    /// Whether the work has the same meaning for a runtime that has only one thread.
    pub(crate) fn fits_one_thread(self) -> bool {
        !matches!(
            self,
            Self::Unequal
                | Self::SpawnLate
                | Self::SpawnLateWarm
                | Self::Burst
                | Self::MutexContended
                | Self::LockContended
                | Self::IdleBusyOne
                | Self::LatenessBusy
        )
    }

    /// Whether the work needs sockets or timers.
    pub(crate) fn needs_drivers(self) -> bool {
        matches!(
            self,
            Self::TimeoutReady
                | Self::TimeoutPending
                | Self::TimerCancel
                | Self::TimerFire
                | Self::TimerReset
                | Self::TimerResetNow
                | Self::Timers1k
                | Self::Timers100k
                | Self::Timers1m
                | Self::Lateness
                | Self::LatenessBusy
                | Self::SleepMemory
                | Self::Echo
        )
    }

    /// How many processes a runtime gets, when so many are asked for. Fewer for what takes long and
    /// hardly varies.
    pub(crate) fn rounds(self, asked: usize) -> usize {
        match self {
            Self::Memory | Self::Live1m | Self::Timers1m | Self::SleepMemory => asked.min(3),
            _ => asked,
        }
    }

    /// The row that this one is held against; itself, if there is none.
    pub(crate) fn anchor(self) -> Self {
        let anchor = self.targets().iter().find_map(|target| match *target {
            Target::OfRow(other, ..) => Some(other),
            _ => None,
        });
        anchor.unwrap_or(self)
    }

    /// Whether channels that belong to no runtime are measured too.
    pub(crate) fn is_channel(self) -> bool {
        matches!(self, Self::Channel | Self::Channel41)
    }

    /// Whether the work is what reaches more than one task.
    pub(crate) fn is_published(self) -> bool {
        matches!(self, Self::Watch | Self::Broadcast)
    }

    pub(crate) fn targets(self) -> &'static [Target] {
        use Measure::{Cpu, Median, P99};
        match self {
            Self::SpawnJoin => &[Target::OfBestPeer(Median, 0.15)],
            Self::SpawnRemote | Self::ChainedSpawn => &[Target::OfBestPeer(Median, 0.3)],
            Self::ForkJoin | Self::PingPong => &[Target::OfBestPeer(Median, 0.4)],
            Self::Unequal => &[Target::AtMost(Median, 1.04)],
            Self::SpawnLate | Self::SpawnLateWarm => {
                &[Target::OfBestPeer(Median, 1.0), Target::AtMost(P99, 150e3)]
            }
            Self::YieldMany => &[Target::OfBestPeer(Median, 0.35)],
            Self::RemoteWake => &[
                Target::OfBestPeer(Median, 0.2),
                Target::OfBestPeer(P99, 0.5),
                Target::OfBestPeer(Cpu, 0.5),
            ],
            Self::Burst
            | Self::Semaphore
            | Self::Notify
            | Self::Oneshot
            | Self::Watch
            | Self::Broadcast
            | Self::Memory
            | Self::IdleCpu
            | Self::IdleBusyOne => &[Target::OfBestPeer(Median, 1.0)],
            Self::MutexFree => &[Target::OfBestPeer(Median, 0.5)],
            Self::MutexContended | Self::Channel | Self::Channel41 => {
                &[Target::OfBestPeer(Median, 0.6)]
            }
            Self::TimeoutReady => &[Target::OfPeer(Runtime::Tokio, Median, 0.5)],
            Self::Group => &[Target::OfRow(Self::ByHand, Median, 1.2)],
            Self::GatherReady => &[Target::OfRow(Self::ByHand, Median, 1.3)],
            Self::TimerCancel => &[Target::OfBestPeer(Median, 0.2)],
            Self::TimerFire => &[Target::OfBestPeer(Median, 0.5)],
            Self::TimerReset => &[Target::OfBestPeer(Median, 0.1)],
            Self::Lateness => &[Target::OfBestPeer(P99, 1.0)],
            Self::LatenessBusy => &[Target::OfBestPeer(P99, 0.5)],
            Self::SleepMemory => &[Target::OfBestPeer(Median, 0.8)],
            Self::LockFree
            | Self::LockContended
            | Self::Queue
            | Self::TimeoutPending
            | Self::ByHand
            | Self::Live1k
            | Self::Live100k
            | Self::Live1m
            | Self::TimerResetNow
            | Self::Timers1k
            | Self::Timers100k
            | Self::Timers1m => &[],
            Self::Echo => &[Target::OfFloor(Median, 0.95)],
        }
    }
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "us",
            Self::Times => "times",
            Self::Bytes => "B",
            Self::CpuPerSecond => "us/s",
            Self::PerSecond => "/s",
        }
    }

    pub(crate) fn larger_is_better(self) -> bool {
        self == Self::PerSecond
    }

    /// A value for a reader. Microseconds are counted in nanoseconds.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Nanoseconds if value < 100.0 => format!("{value:.1}"),
            Self::Nanoseconds | Self::Bytes | Self::CpuPerSecond | Self::PerSecond => {
                format!("{value:.0}")
            }
            Self::Microseconds => format!("{:.1}", value / 1e3),
            Self::Times => format!("{value:.3}"),
        }
    }
}

impl Measure {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::P99 => "p99",
            Self::Cpu => "CPU",
        }
    }
}

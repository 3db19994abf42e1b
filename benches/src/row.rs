//! The rows of the comparison.

/// A workload. `README.md` says what one operation of each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    SpawnJoin,
    SpawnRemote,
    YieldMany,
    PingPong,
    RemoteWake,
    Echo,
}

/// In what a row's values are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanoseconds,
    Microseconds,
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
    /// Ours over the floor's, at least.
    OfFloor(Measure, f64),
}

impl Row {
    pub(crate) const ALL: [Self; 6] = [
        Self::SpawnJoin,
        Self::SpawnRemote,
        Self::YieldMany,
        Self::PingPong,
        Self::RemoteWake,
        Self::Echo,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SpawnJoin => "spawn_join",
            Self::SpawnRemote => "spawn_remote",
            Self::YieldMany => "yield_many",
            Self::PingPong => "ping_pong",
            Self::RemoteWake => "remote_wake",
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

    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::SpawnJoin | Self::SpawnRemote | Self::YieldMany | Self::PingPong => {
                Unit::Nanoseconds
            }
            Self::RemoteWake => Unit::Microseconds,
            Self::Echo => Unit::PerSecond,
        }
    }

    pub(crate) fn targets(self) -> &'static [Target] {
        use Measure::{Cpu, Median, P99};
        match self {
            Self::SpawnJoin => &[Target::OfBestPeer(Median, 0.15)],
            Self::SpawnRemote => &[Target::OfBestPeer(Median, 0.3)],
            Self::YieldMany => &[Target::OfBestPeer(Median, 0.35)],
            Self::PingPong => &[Target::OfBestPeer(Median, 0.4)],
            Self::RemoteWake => &[
                Target::OfBestPeer(Median, 0.2),
                Target::OfBestPeer(P99, 0.5),
                Target::OfBestPeer(Cpu, 0.5),
            ],
            Self::Echo => &[Target::OfFloor(Median, 0.95)],
        }
    }
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "us",
            Self::PerSecond => "/s",
        }
    }

    pub(crate) fn larger_is_better(self) -> bool {
        self == Self::PerSecond
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

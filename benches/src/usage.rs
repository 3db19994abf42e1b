//! CPU time, context switches and memory of this process, all its threads together.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// What has been used up to a moment, or between two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// In user and system mode.
    pub(crate) cpu: Duration,
    /// How often a thread gave up its processor because it had to wait.
    pub(crate) switches: u64,
}

impl Usage {
    /// Since the process began.
    pub(crate) fn now() -> Self {
        Self::of(UsageWho::RUSAGE_SELF)
    }

    /// Of all children that have ended and were waited for, and of theirs.
    pub(crate) fn of_children() -> Self {
        Self::of(UsageWho::RUSAGE_CHILDREN)
    }

    fn of(who: UsageWho) -> Self {
        let usage = getrusage(who).expect("the system accounts for a process");
        Self {
            cpu: duration(usage.user_time()) + duration(usage.system_time()),
            switches: usage.voluntary_context_switches().try_into().unwrap_or(0),
        }
    }

    /// Since an earlier moment.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            switches: self.switches.saturating_sub(earlier.switches),
        }
    }
}

fn duration(time: TimeVal) -> Duration {
    let microseconds = time.tv_sec() * 1_000_000 + time.tv_usec();
    Duration::from_micros(microseconds.try_into().unwrap_or(0))
}

/// Bytes of memory that the process has now. Every page is looked at, where `statm` may be off by
/// what each CPU has not yet accounted for.
pub(crate) fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/smaps_rollup").expect("a process may look at itself");
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    kibibytes.expect("the resident set is in kB") * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_resident() {
        let before = resident();
        let touched = std::hint::black_box(vec![1u8; 16 << 20]);
        let grown = resident().saturating_sub(before);
        assert!(grown >= touched.len() / 2, "{grown} of {}", touched.len());
    }
}

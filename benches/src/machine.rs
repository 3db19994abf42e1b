//! The machine that the runner finds itself on, and what others do with it meanwhile.

use std::fs;
use std::num::NonZeroUsize;
use std::thread::{available_parallelism, sleep};
use std::time::{Duration, Instant};

use crate::usage::Usage;

/// How long others are watched before they count as quiet, and how many CPUs they may use then.
const WATCHED: Duration = Duration::from_millis(200);
const QUIET: f64 = 0.1;
/// The unit of `/proc/stat`: `USER_HZ` is 100 on Linux.
const TICK: Duration = Duration::from_millis(10);

/// The processor, how many of it there are, and the kernel.
pub(crate) fn describe() -> String {
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".to_owned());
    let cpus = available_parallelism().map_or(1, NonZeroUsize::get);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cpus} CPUs; Linux {}", release.trim())
}

/// Waits until nobody else uses the machine, but not longer than `patience`.
pub(crate) fn wait_until_quiet(patience: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < patience {
        let watch = Watch::begin();
        sleep(WATCHED);
        if watch.others() < QUIET {
            return;
        }
    }
}

/// Watches what processes other than this one and its children use.
#[derive(Debug)]
pub(crate) struct Watch {
    begin: Instant,
    busy: Duration,
    children: Usage,
}

impl Watch {
    pub(crate) fn begin() -> Self {
        Self { begin: Instant::now(), busy: busy(), children: Usage::of_children() }
    }

    /// How many CPUs others have used on average since then. Good to a tenth after a second.
    pub(crate) fn others(&self) -> f64 {
        let busy = busy().saturating_sub(self.busy);
        let ours = Usage::of_children().since(self.children).cpu;
        busy.saturating_sub(ours).as_secs_f64() / self.begin.elapsed().as_secs_f64()
    }
}

/// How long the CPUs have done anything, together, since the machine started.
fn busy() -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let ticks = line.split_whitespace().skip(1).map(|field| field.parse().unwrap_or(0));
    // user, nice, system, (idle, iowait,) irq, softirq, steal; what guests use is in user already.
    let ticks: u32 = ticks
        .take(8)
        .enumerate()
        .filter(|(at, _)| ![3, 4].contains(at))
        .map(|(_, ticks)| ticks)
        .sum();
    TICK * ticks
}

/// The value of the first `name : value` in a file of such.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, value) =
        text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

//! The machine that the runner finds itself on: a table without it means nothing.

use std::fs;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

/// The processor, how many of it there are, and how busy they were, in one line.
pub(crate) fn describe() -> String {
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".to_owned());
    let cpus = available_parallelism().map_or(1, NonZeroUsize::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    format!("{model}, {cpus} CPUs, load average at the begin {load}")
}

/// The value of the first `name : value` in a file of such.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, value) =
        text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

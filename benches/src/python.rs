//! asyncio itself, at the one row that is written in Python too.

use std::process::{Command, Stdio};

use crate::measurement::Measurement;
use crate::plan::{Enough, Plan, QueuePlan};

/// Built in, so that it is found wherever this program runs.
const QUEUE: &str = include_str!("../python/queue.py");

/// Whether there is a Python that has this event loop, `asyncio` or `uvloop`.
pub(crate) fn has(event_loop: &str) -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", &format!("import {event_loop}")]);
    let status = python.stdin(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What Python measured at `queue`.
pub(crate) fn queue(event_loop: &str, plan: &Plan) -> Result<Measurement, String> {
    let QueuePlan { items, maxsize, .. } = plan.queue;
    let enough = |Enough { times, duration }| [times as u128, duration.as_millis()];
    let sampling = [enough(plan.sampling.warm_up), enough(plan.sampling.samples)].concat();
    let numbers = [items as u128, maxsize as u128].into_iter().chain(sampling);
    let output = Command::new("python3")
        .args(["-c", QUEUE, event_loop])
        .args(numbers.map(|number| number.to_string()))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("python3: {error}"))?;
    if !output.status.success() {
        return Err(format!("{event_loop} failed: {}", output.status));
    }
    String::from_utf8_lossy(&output.stdout).parse()
}

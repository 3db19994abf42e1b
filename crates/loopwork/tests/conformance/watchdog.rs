//! What hangs fails.

use std::io::{self, Write};
use std::process::abort;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Far more than any program takes: its own time is virtual.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `run`. If that takes too long, ends the process and says what hung: a loop that is stuck
/// leaves no other way.
pub(crate) fn watched<R>(name: &str, run: impl FnOnce() -> R) -> R {
    let (over, is_over) = mpsc::channel::<()>();
    thread::scope(|threads| {
        threads.spawn(move || {
            if is_over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                // Not by `eprintln`, which is captured and lost with the process.
                _ = writeln!(io::stderr(), "{name} hangs");
                abort();
            }
        });
        let result = run();
        drop(over);
        result
    })
}

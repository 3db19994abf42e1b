//! The runner works: every row, on every runtime, at tiny sizes.

#![cfg(target_os = "linux")]

use std::process::{Command, Output};

const ROWS: [&str; 45] = [
    "spawn_join",
    "spawn_remote",
    "chained_spawn",
    "fork_join",
    "unequal",
    "spawn_late",
    "spawn_late_warm",
    "burst",
    "yield_many",
    "ping_pong",
    "remote_wake",
    "mutex_free",
    "lock_free",
    "mutex_contended",
    "lock_contended",
    "semaphore",
    "notify",
    "queue",
    "channel",
    "channel_4_1",
    "oneshot",
    "watch",
    "broadcast",
    "timeout_ready",
    "timeout_pending",
    "by_hand",
    "group",
    "gather_ready",
    "memory",
    "live_1k",
    "live_100k",
    "live_1m",
    "idle_cpu",
    "idle_busy_one",
    "timer_cancel",
    "timer_fire",
    "timer_reset",
    "timer_reset_now",
    "timers_1k",
    "timers_100k",
    "timers_1m",
    "lateness",
    "lateness_busy",
    "sleep_memory",
    "echo",
];

fn runner(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loopwork-benches"))
        .args(arguments)
        .output()
        .expect("the runner can be started")
}

#[test]
fn every_row_is_measured_on_every_runtime() {
    let output = runner(&["--smoke"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report = String::from_utf8_lossy(&output.stdout);
    for row in ROWS {
        assert!(report.contains(&format!("| {row} ")), "no {row} in:\n{report}");
    }
}

#[test]
fn opt_ins_take_part_when_they_are_asked_for() {
    let output = runner(&["--smoke", "--opt-ins", "--rows", "spawn_join,unequal,lateness"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = String::from_utf8_lossy(&output.stdout);
    let line = |row: &str, runtime: &str| {
        report.lines().any(|line| {
            let mut cells = line.split('|').skip(1).map(str::trim);
            cells.next() == Some(row) && cells.next() == Some(runtime)
        })
    };
    assert!(line("spawn_join", "tokio-bare") && line("spawn_join", "tokio-ct"), "{report}");
    assert!(line("unequal", "tokio-bare") && !line("unequal", "tokio-ct"), "{report}");
    assert!(!line("lateness", "tokio-bare") && line("lateness", "tokio-ct"), "{report}");
}

#[test]
fn help_names_every_row() {
    let output = runner(&["--help"]);
    let help = String::from_utf8_lossy(&output.stdout);
    let words: Vec<&str> = help.split_whitespace().collect();
    assert!(ROWS.iter().all(|row| words.contains(row)), "{help}");
}

#[test]
fn an_unknown_row_is_an_error_that_names_the_rows() {
    let output = runner(&["--rows", "nothing"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("spawn_join"));
}

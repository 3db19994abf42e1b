//! The runner works: every row, on every runtime, at tiny sizes.

#![cfg(target_os = "linux")]

use std::process::{Command, Output};

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
    for row in ["spawn_join", "spawn_remote", "yield_many", "ping_pong", "remote_wake", "echo"] {
        assert!(report.contains(row), "no {row} in:\n{report}");
    }
}

#[test]
fn an_unknown_row_is_an_error_that_names_the_rows() {
    let output = runner(&["--rows", "nothing"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("spawn_join"));
}

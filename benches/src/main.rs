//! `cargo run --release -p loopwork-benches -- --help`

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    loopwork_benches::command_line()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("the comparison needs Linux: its load generator stands on epoll");
    ExitCode::FAILURE
}

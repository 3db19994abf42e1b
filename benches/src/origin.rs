//! Where figures come from: a table without its machine, commit and command means nothing.

use std::env;
use std::fmt;
use std::process::Command;

use crate::contender::Runtime;
use crate::machine;
use crate::options::Options;

/// What was locked when this program was built.
const LOCKED: &str = include_str!("../../Cargo.lock");
const UNKNOWN: &str = "unknown";

/// The head of a report.
#[derive(Debug)]
pub(crate) struct Origin {
    machine: String,
    commit: String,
    rustc: String,
    /// Where asyncio takes part and there is one.
    python: Option<String>,
    command: String,
    workers: usize,
    rounds: usize,
}

impl Origin {
    pub(crate) fn of(options: &Options) -> Self {
        let asks_python = options.rows.iter().any(|&row| Runtime::Asyncio.takes_part(row));
        Self {
            machine: machine::describe(),
            commit: commit(),
            rustc: said("rustc", &["--version"]).unwrap_or_else(|| UNKNOWN.to_owned()),
            python: said("python3", &["--version"]).filter(|_| asks_python),
            command: command(&options.arguments),
            workers: options.workers,
            rounds: options.rounds,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, commit, rustc, python, command, workers, rounds } = self;
        let peers = ["tokio", "smol"].map(|peer| version(LOCKED, peer));
        writeln!(f, "- Machine: {machine}.")?;
        writeln!(f, "- Commit {commit}. Peers: {}. {rustc}.", peers.join(", "))?;
        if let Some(python) = python {
            writeln!(f, "- asyncio: {python}.")?;
        }
        writeln!(f, "- Command, with {workers} workers and {rounds} rounds: `{command}`")
    }
}

/// What is checked out where this was built, and whether it is all that was built.
fn commit() -> String {
    let Some(commit) = said("git", &["rev-parse", "--short", "HEAD"]) else {
        return UNKNOWN.to_owned();
    };
    match said("git", &["status", "--porcelain"]) {
        Some(changes) if changes.is_empty() => format!("`{commit}`"),
        _ => format!("`{commit}`, with changes that are not in it"),
    }
}

/// What a program says, if it can be run.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn command(arguments: &[String]) -> String {
    let mut command = "cargo run --release -p loopwork-benches --".to_owned();
    for argument in arguments {
        command.push(' ');
        command.push_str(argument);
    }
    command.trim_end_matches(" --").to_owned()
}

/// The name and the version of a package in a `Cargo.lock`.
fn version(locked: &str, package: &str) -> String {
    let name = format!("name = \"{package}\"");
    let mut lines = locked.lines().skip_while(|&line| line != name).skip(1);
    let version =
        lines.next().and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    format!("{package} {}", version.unwrap_or(UNKNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_that_are_locked() {
        let locked =
            "name = \"tokio-macros\"\nversion = \"9\"\n\nname = \"tokio\"\nversion = \"1.2\"\n";
        assert_eq!(version(locked, "tokio"), "tokio 1.2");
        assert_eq!(version(locked, "smol"), "smol unknown");
        assert_ne!(version(LOCKED, "tokio"), "tokio unknown");
    }

    #[test]
    fn the_command_is_what_was_typed() {
        assert_eq!(command(&[]), "cargo run --release -p loopwork-benches");
        let arguments = ["--rows".to_owned(), "echo".to_owned()];
        assert_eq!(command(&arguments), "cargo run --release -p loopwork-benches -- --rows echo");
    }
}

//! What is left behind: no descriptor and no zombie. One test, since both are counted for the whole
//! process.

#![cfg(all(target_os = "linux", not(loopwork_loom)))]

mod support;

use std::fs;
use std::process::Stdio;

use loopwork_process::{Command, Process};
use support::run;

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The state and the parent of a process, as the system's table has them.
fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// How many of this process's children are in the system's table in this state.
fn children(wanted: impl Fn(char) -> bool) -> usize {
    let ours = std::process::id();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(state_and_parent)
        .filter(|&(state, parent)| parent == ours && wanted(state))
        .count()
}

/// Waits until the process is a zombie, without reaping it.
fn until_zombie(pid: u32) {
    while state_and_parent(pid).is_some_and(|(state, _)| state != 'Z') {
        std::thread::yield_now();
    }
}

fn cat(kill_on_drop: bool) -> Process {
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(kill_on_drop).spawn().unwrap()
}

#[test]
fn nothing_is_left_behind() {
    run(|| async {
        Command::new("true").spawn().unwrap().wait().await.unwrap();
        let before = descriptors();

        // L1: a spawn that fails leaves nothing.
        for _ in 0..10 {
            let mut command = Command::new("/nonexistent/program");
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            assert_eq!(command.spawn().unwrap_err().kind(), std::io::ErrorKind::NotFound);
        }
        assert_eq!(descriptors(), before);
        assert_eq!(children(|_| true), 0);

        // Dropped at once, processes run on, and what has ended is reaped by later spawns.
        for _ in 0..20 {
            let process = Command::new("true").spawn().unwrap();
            let pid = process.pid();
            drop(process);
            until_zombie(pid);
        }
        assert!(children(|state| state == 'Z') <= 1, "only since the last spawn or drop");

        // Dropped with its input, `cat` reads the end of it.
        let process = cat(false);
        let pid = process.pid();
        drop(process);
        until_zombie(pid);

        // With the wish to be killed, it is, although its input stays open.
        let mut process = cat(true);
        let (pid, stdin) = (process.pid(), process.take_stdin());
        drop(process);
        until_zombie(pid);
        drop(stdin);

        let process = Command::new("true").spawn().unwrap();
        process.wait().await.unwrap();
        assert_eq!(children(|_| true), 0);
        drop(process);
        assert_eq!(descriptors(), before);
    });
}

//! Examples that are interrupted, by a real signal.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use crate::example::path_of;

const SIGINT: i32 = 2;

/// A program that can be interrupted. It has said that it is ready.
struct Interruptible {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Interruptible {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(path_of(name))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("`cargo build -p loopwork --examples` builds it");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut this = Self { child, lines };
        assert!(this.line().starts_with("ready, process "));
        this
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("it says more").expect("it is text")
    }

    fn interrupt(&self) {
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(kill.expect("there is a `kill`").success());
    }

    fn end(mut self) -> (Vec<String>, ExitStatus) {
        let left = self.lines.map_while(Result::ok).collect();
        (left, self.child.wait().expect("it can be waited for"))
    }
}

#[test]
fn l12_the_first_interrupt_cancels_main_which_cleans_up() {
    let mut program = Interruptible::start("ctrl_c", &[]);
    program.interrupt();
    assert_eq!(program.line(), "program: the process was interrupted");
    let (lines, status) = program.end();
    let expected = [
        "program: cleaned up",
        "heartbeat: the loop is ending",
        "interrupted: the future given to `run` was cancelled by Ctrl-C",
    ];
    assert_eq!(lines, expected);
    assert!(status.success());
}

#[test]
fn l12_the_second_interrupt_ends_the_process_at_once() {
    let mut program = Interruptible::start("ctrl_c", &["slowly"]);
    program.interrupt();
    assert_eq!(program.line(), "program: the process was interrupted");
    program.interrupt();
    let (lines, status) = program.end();
    assert!(lines.is_empty(), "{lines:?}");
    assert_eq!(status.signal(), Some(SIGINT));
}

#[test]
fn l12_an_interrupted_main_macro_ends_as_by_the_signal() {
    let program = Interruptible::start("ctrl_c_main", &[]);
    program.interrupt();
    let (lines, status) = program.end();
    assert_eq!(lines, ["cleaned up"]);
    assert_eq!(status.signal(), Some(SIGINT));
}

#[test]
fn l12_a_signal_that_is_ignored_stays_so() {
    // As a shell without job control starts what is to run in the background.
    let path = path_of("ctrl_c_main");
    let script = format!("trap '' INT; exec '{}'", path.display());
    let mut child =
        Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut program = Interruptible { child, lines };
    assert!(program.line().starts_with("ready, process "));
    program.interrupt();
    program.interrupt();
    assert!(program.child.try_wait().unwrap().is_none());
    let id = program.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let (lines, status) = program.end();
    assert!(lines.is_empty() && status.signal() == Some(15), "{lines:?} {status}");
}

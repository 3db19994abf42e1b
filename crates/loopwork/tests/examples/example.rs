//! Running an example, and looking at its lines.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Far more than any example takes.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs an example and gives its lines. It is to succeed, and to say nothing on standard error.
#[track_caller]
pub(crate) fn lines_of(name: &str, arguments: &[&str]) -> Vec<String> {
    let path = path_of(name);
    let mut child = Command::new(&path)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "cannot run {}: {error}; `cargo build -p loopwork --examples` builds it",
                path.display()
            )
        });
    let stdout = collect(child.stdout.take().expect("it is piped"));
    let stderr = collect(child.stderr.take().expect("it is piped"));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            break status;
        }
        if start.elapsed() > PATIENCE {
            let _ended_meanwhile = child.kill();
            panic!("`{name}` hangs; it printed:\n{}", stdout.join().expect("it can be read"));
        }
        thread::sleep(Duration::from_millis(5));
    };
    let stdout = stdout.join().expect("it can be read");
    let stderr = stderr.join().expect("it can be read");
    assert!(status.success() && stderr.is_empty(), "`{name}`: {status}\n{stdout}\n{stderr}");
    stdout.lines().map(str::to_owned).collect()
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).expect("examples print UTF-8");
        text
    })
}

/// This test is `<target>/<profile>/deps/examples-<hash>`; the examples are beside `deps`.
pub(crate) fn path_of(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("the system says which program this is");
    let profile = this.ancestors().nth(2).expect("tests are in `deps`");
    profile.join("examples").join(name)
}

/// Whether `line` is as `pattern` says, in which each `*` stands for any text.
pub(crate) fn matches(pattern: &str, line: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == line };
    let Some(mut line) = line.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').map_or((None, rest), |(m, t)| (Some(m), t));
    for piece in middle.into_iter().flat_map(|middle| middle.split('*')) {
        let Some(at) = line.find(piece) else { return false };
        line = &line[at + piece.len()..];
    }
    line.ends_with(tail)
}

/// Asserts that lines as `patterns` say are among `lines`, in that order.
#[track_caller]
pub(crate) fn assert_in_order(lines: &[String], patterns: &[&str]) {
    let mut rest = lines.iter();
    for pattern in patterns {
        let found = rest.any(|line| matches(pattern, line));
        assert!(found, "no `{pattern}`, or not there, in:\n{}", lines.join("\n"));
    }
}

#[test]
fn stars_stand_for_any_text() {
    for (pattern, line) in [("a", "a"), ("*", ""), ("a*", "ab"), ("*:*:*.*", "1:2:3.4")] {
        assert!(matches(pattern, line), "{pattern} {line}");
    }
    for (pattern, line) in
        [("a", "ab"), ("a*", "b"), ("*b", "a"), ("*:*:*", "1:2"), ("aa*aa", "aaa")]
    {
        assert!(!matches(pattern, line), "{pattern} {line}");
    }
}

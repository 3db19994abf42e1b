//! Processes, waited for by their descriptor and by a thread.

#![cfg(not(loopwork_loom))]

mod support;

use std::io;
use std::process::Stdio;
use std::task::{Context, Waker};
use std::thread;

use loopwork_process::{Command, Process, create_subprocess_exec, create_subprocess_shell};
use support::{join, run};

const SIGTERM: i32 = 15;

/// The command, to be waited for in both ways.
fn both_ways(program: &str, args: &[&str]) -> [Command; 2] {
    [false, true].map(|pidfd| {
        let mut command = Command::new(program);
        command.args(args);
        if !pidfd {
            command.without_pidfd();
        }
        command
    })
}

/// A process that runs until it is killed or its input ends.
fn cat(mut command: Command) -> Process {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn the_exit_code_is_told() {
    for (script, code) in [("exit 0", 0), ("exit 3", 3)] {
        for mut command in both_ways("sh", &["-c", script]) {
            run(|| async move {
                let process = command.spawn().unwrap();
                let status = process.wait().await.unwrap();
                assert_eq!((status.code(), status.success()), (Some(code), code == 0));
                assert_eq!(process.returncode(), Some(code));
            });
        }
    }
}

#[test]
fn a_killed_process_tells_the_negative_signal() {
    for command in both_ways("cat", &[]) {
        run(|| async move {
            let process = cat(command);
            assert_eq!(process.returncode(), None);
            assert_eq!(process.try_wait().unwrap(), None);
            process.kill().unwrap();
            process.wait().await.unwrap();
            assert_eq!(process.returncode(), Some(-9));
        });
    }
}

#[test]
fn terminate_and_signals_by_number() {
    for (index, command) in both_ways("cat", &[]).into_iter().enumerate() {
        run(|| async move {
            let process = cat(command);
            if index == 0 { process.terminate() } else { process.send_signal(SIGTERM) }.unwrap();
            process.wait().await.unwrap();
            assert_eq!(process.returncode(), Some(-SIGTERM));
            let error = process.send_signal(12_345).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        });
    }
}

#[test]
fn l2_many_wait_and_a_dropped_wait_disturbs_nobody() {
    for command in both_ways("cat", &[]) {
        run(|| async move {
            let mut process = cat(command);
            let stdin = process.take_stdin();
            let process = &process;
            let mut dropped = Box::pin(process.wait());
            assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let mut waits: Vec<std::pin::Pin<Box<dyn Future<Output = _>>>> = Vec::new();
            for _ in 0..5 {
                let mut wait = Box::pin(process.wait());
                assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                waits.push(wait);
            }
            drop(dropped);
            drop(stdin);
            let statuses = join(waits).await;
            assert_eq!(statuses.len(), 5);
            assert!(statuses.into_iter().all(|status| status.unwrap().success()));
        });
    }
}

#[test]
fn l2_the_result_is_repeatable() {
    for mut command in both_ways("sh", &["-c", "exit 4"]) {
        run(|| async move {
            let process = command.spawn().unwrap();
            let first = process.wait().await.unwrap();
            assert_eq!(process.wait().await.unwrap(), first);
            assert_eq!(process.try_wait().unwrap(), Some(first));
        });
    }
}

#[test]
fn l2_a_wait_sees_an_end_that_another_reaped() {
    for command in both_ways("cat", &[]) {
        run(|| async move {
            let process = cat(command);
            let mut wait = Box::pin(process.wait());
            assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            process.kill().unwrap();
            while process.returncode().is_none() {
                thread::yield_now();
            }
            assert!(wait.await.unwrap().code().is_none());
        });
    }
}

#[test]
fn l2_a_wait_ends_with_the_process_whoever_holds_its_pipes() {
    for mut command in both_ways("sh", &["-c", "sleep 5 & echo $!; exit 7"]) {
        run(|| async move {
            let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
            let stdout = process.take_stdout().unwrap();
            assert_eq!(process.wait().await.unwrap().code(), Some(7));
            let mut grandchild = [0; 16];
            let read = stdout.read(&mut grandchild).await.unwrap();
            // It was alive, with the pipe open, when the wait ended.
            let grandchild = std::str::from_utf8(&grandchild[..read]).unwrap().trim().to_owned();
            let killed = create_subprocess_exec("kill", [grandchild]).unwrap();
            assert!(killed.wait().await.unwrap().success());
        });
    }
}

#[test]
fn l7_a_signal_to_a_finished_process_does_nothing() {
    for mut command in both_ways("true", &[]) {
        run(|| async move {
            let process = command.spawn().unwrap();
            process.wait().await.unwrap();
            process.kill().unwrap();
            process.terminate().unwrap();
            process.send_signal(SIGTERM).unwrap();
            assert_eq!(process.returncode(), Some(0));
        });
    }
}

#[test]
fn the_command_sets_arguments_environment_and_directory() {
    run(|| async {
        let mut process = Command::new("/bin/sh")
            .arg("-c")
            .arg("echo $GREETING-$HOME-$(pwd)")
            .env_clear()
            .env("GREETING", "hello")
            .env("GONE", "x")
            .env_remove("GONE")
            .current_dir("/")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = process.take_stdout().unwrap();
        assert!(process.take_stdout().is_none() && process.take_stderr().is_none());
        let mut output = Vec::new();
        stdout.read_to_end(&mut output).await.unwrap();
        assert!(process.wait().await.unwrap().success());
        assert_eq!(output, b"hello--/\n");
    });
}

#[test]
fn pipes_carry_more_than_they_hold_both_ways() {
    run(|| async {
        let mut command = Command::new("cat");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (process.take_stdin().unwrap(), process.take_stdout().unwrap());
        let input: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
        let mut output = Vec::new();
        let (write, read) = (
            async {
                let stdin = stdin;
                stdin.write_all(&input).await.unwrap();
            },
            async { assert_eq!(stdout.read_to_end(&mut output).await.unwrap(), 1 << 20) },
        );
        join(vec![Box::pin(write), Box::pin(read)]).await;
        assert!(process.wait().await.unwrap().success());
        assert!(output == input);
    });
}

#[test]
fn a_read_that_is_given_up_loses_nothing() {
    run(|| async {
        let mut command = Command::new("cat");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (process.take_stdin().unwrap(), process.take_stdout().unwrap());
        let mut cx = Context::from_waker(Waker::noop());
        let mut buffer = [0; 8];
        let mut given_up = Box::pin(stdout.read(&mut buffer));
        assert!(given_up.as_mut().poll(&mut cx).is_pending());
        drop(given_up);

        // To the end: what was read by then is there.
        let mut bytes = Vec::new();
        stdin.write_all(b"one ").await.unwrap();
        // It has come through when a byte of it can be read.
        assert_eq!(stdout.read(&mut buffer[..1]).await.unwrap(), 1);
        let mut given_up = Box::pin(stdout.read_to_end(&mut bytes));
        assert!(given_up.as_mut().poll(&mut cx).is_pending());
        drop(given_up);
        assert_eq!(bytes, b"ne ");
        stdin.write_all(b"two").await.unwrap();
        drop(stdin);
        assert_eq!(stdout.read_to_end(&mut bytes).await.unwrap(), 3);
        assert_eq!(bytes, b"ne two");
        assert!(process.wait().await.unwrap().success());
    });
}

#[test]
fn the_shell_runs_a_command_line() {
    run(|| async {
        let process = create_subprocess_shell("exit $((2 + 3))").unwrap();
        assert_eq!(process.wait().await.unwrap().code(), Some(5));
    });
}

#[test]
fn outside_a_loop_the_error_names_the_fix_and_nothing_is_started() {
    let error = create_subprocess_exec("true", [""; 0]).unwrap_err();
    assert!(error.to_string().contains("`EventLoop::run_until_complete`"), "{error}");
}

#[test]
fn everything_may_move_to_and_be_used_from_other_threads() {
    fn send_sync<T: Send + Sync>() {}
    fn send<T: Send>(_: &T) {}
    fn wait(process: &Process) {
        send(&process.wait());
    }
    send_sync::<Process>();
    send_sync::<Command>();
    let _ = wait;
}

//! SIGINT, by processes that send it to themselves: this test, run again with a scenario to play.
//!
//! `examples/ctrl_c.rs` is interrupted from outside.

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::{Arc, Barrier};
use std::thread;

use loopwork::{CancelKind, EventLoop, LoopError, Runner, catch_cancel, create_task, sleep};

const SCENARIO: &str = "LOOPWORK_TEST_SCENARIO";

/// Runs this test, and nothing else, in a process of its own.
fn play(scenario: &str) -> Output {
    let this = env::current_exe().expect("the system says which program this is");
    let mut child = Command::new(this);
    child.args(["--exact", "scenario", "--nocapture", "--test-threads=1"]);
    child.env(SCENARIO, scenario).output().expect("it can be run again")
}

#[track_caller]
fn succeeds(scenario: &str) {
    let output = play(scenario);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("played"), "{output:?}");
}

fn interrupt_this_process() {
    let id = std::process::id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().expect("there is a `kill`");
    assert!(sent.success());
}

async fn for_ever() {
    loop {
        sleep(std::time::Duration::from_secs(3600)).await;
    }
}

#[test]
fn scenario() {
    match env::var(SCENARIO).as_deref() {
        Ok("again") => again(),
        Ok("refused") => refused(),
        Ok("two loops") => two_loops(),
        Ok("forwarded") => forwarded(),
        Ok("afterwards") => afterwards(),
        Ok("no run") => no_run(),
        _ => return,
    }
    println!("played");
}

#[test]
fn l12_a_runner_is_interrupted_as_often_as_it_runs() {
    succeeds("again");
}

fn again() {
    for workers in [1, 2, 8] {
        let mut runner = Runner::with_builder(EventLoop::builder().workers(workers));
        for _ in 0..3 {
            let result = runner.run(async {
                interrupt_this_process();
                for_ever().await;
            });
            assert!(matches!(result, Err(LoopError::Interrupted)), "{result:?}");
            assert_eq!(runner.run(async { 7 }).unwrap(), 7);
        }
    }
}

#[test]
fn l12_a_main_that_refuses_goes_on_and_is_not_interrupted() {
    succeeds("refused");
}

fn refused() {
    let result = loopwork::run(async {
        interrupt_this_process();
        let cancelled = catch_cancel(for_ever()).await.unwrap_err();
        assert_eq!(cancelled.reason().kind(), CancelKind::Interrupt);
        cancelled.swallow();
        7
    });
    assert_eq!(result.unwrap(), 7);
}

#[test]
fn l12_all_that_run_are_interrupted() {
    succeeds("two loops");
}

fn two_loops() {
    let begun = Arc::new(Barrier::new(3));
    let run = || {
        let begun = begun.clone();
        thread::spawn(move || {
            loopwork::run(async move {
                begun.wait();
                for_ever().await;
            })
        })
    };
    let threads = [run(), run()];
    begun.wait();
    interrupt_this_process();
    for thread in threads {
        let result = thread.join().unwrap();
        assert!(matches!(result, Err(LoopError::Interrupted)), "{result:?}");
    }
}

#[test]
fn l12_an_interrupt_goes_on_to_what_main_awaits_and_comes_back() {
    succeeds("forwarded");
}

fn forwarded() {
    let result = loopwork::run(async {
        let task = create_task(for_ever());
        interrupt_this_process();
        task.await
    });
    assert!(matches!(result, Err(LoopError::Interrupted)), "{result:?}");
}

#[test]
fn l12_after_a_run_the_signal_does_what_it_did() {
    let output = play("afterwards");
    assert_eq!(output.status.signal(), Some(2), "{output:?}");
}

fn afterwards() {
    loopwork::run(async {}).unwrap();
    interrupt_this_process();
    // It comes at its own time.
    loop {
        thread::park();
    }
}

#[test]
fn l12_a_loop_that_is_run_by_hand_leaves_the_signal_alone() {
    let output = play("no run");
    assert_eq!(output.status.signal(), Some(2), "{output:?}");
}

fn no_run() {
    let mut event_loop = EventLoop::new().unwrap();
    _ = event_loop.run_until_complete(async {
        interrupt_this_process();
        for_ever().await;
    });
}

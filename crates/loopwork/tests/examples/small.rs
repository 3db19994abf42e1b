//! The examples of one idea each.

use crate::example::{assert_in_order, lines_of};

/// Asserts that each of `chains` is in the example's output, in its order.
#[track_caller]
fn check(name: &str, arguments: &[&str], chains: &[&[&str]]) {
    let lines = lines_of(name, arguments);
    for chain in chains {
        assert_in_order(&lines, chain);
    }
}

#[test]
fn gather() {
    check(
        "gather",
        &["20"],
        &[&[
            "waiting: 1",
            "waiting: 2",
            "waiting: 4",
            "Task ret: Done after 1s",
            "Task ret: Done after 2s",
            "Task ret: Done after 4s",
            "Time: *",
        ]],
    );
}

#[test]
fn thread_loop() {
    check(
        "thread_loop",
        &[],
        &[
            &["Waiting 6", "Done after 6s", "Both are done after *"],
            &["Waiting 4", "Done after 4s", "Both are done after *"],
            &["The caller goes on after *", "Done after 4s"],
        ],
    );
}

#[test]
fn more_work() {
    check(
        "more_work",
        &[],
        &[&[
            "More work 6",
            "Finished more work 6",
            "More work 3",
            "Finished more work 3",
            "Time: *",
        ]],
    );
}

#[test]
fn done_callback() {
    let lines = lines_of("done_callback", &[]);
    assert_eq!(
        lines,
        [
            "1 before---func1----",
            "the callback reads: recv num 1",
            "the caller awaited: recv num 1",
            "and can ask again: recv num 1",
        ]
    );
}

#[test]
fn wait() {
    check(
        "wait",
        &[],
        &[
            &["5 before---func1----", "in the end: recv num 5"],
            &["4 before---func1----", "in the end: recv num 4"],
            &["3 before---func1----", "first: recv num 3", "a moment later: *", "in the end: *"],
        ],
    );
}

#[test]
fn as_completed() {
    check(
        "as_completed",
        &[],
        &[
            &["5 before---func1----", "Task ret: recv num 5"],
            &["3 before---func1----", "Task ret: recv num 3"],
            &["4 before---func1----", "Task ret: recv num 4"],
        ],
    );
}

#[test]
fn hello_world() {
    let lines = lines_of("hello_world", &[]);
    let expected =
        ["Hello World", "Hello World", "Hello World", "Hello World", "stopped", "Hello again"];
    assert_eq!(lines, expected);
}

#[test]
fn display_date() {
    check("display_date", &[], &[&["*:*:*.*", "*:*:*.*"]]);
}

#[test]
fn factorial() {
    check(
        "factorial",
        &[],
        &[
            &["Task A: Compute factorial(2)...", "Task A: factorial(2) = 2", "[2, 6, 24]"],
            &["Task B: Compute factorial(2)...", "Task B: factorial(3) = 6", "[2, 6, 24]"],
            &["Task C: Compute factorial(3)...", "Task C: factorial(4) = 24", "[2, 6, 24]"],
        ],
    );
}

#[test]
fn producer_consumer() {
    let lines = lines_of("producer_consumer", &[]);
    for item in 1..=10 {
        let (produced, consumed) =
            (format!("producing {item}/10"), format!("* consumes item {item}..."));
        assert_in_order(&lines, &[&produced, &consumed, "consumed 55 in all"]);
    }
}

#[test]
fn task_states() {
    check(
        "task_states",
        &[],
        &[&[
            "before:  Created, done: false",
            "inside:  Running",
            "waiting: Suspended, done: false",
            "after:   Closed, done: true",
            "Task { name: \"Task-*\", state: Closed, *",
        ]],
    );
}

#[test]
fn tcp_echo() {
    let lines = lines_of("tcp_echo", &[]);
    for client in 1..=3 {
        let (sent, received) =
            (format!("Send: Hello World {client}!"), format!("Received: Hello World {client}!"));
        assert_in_order(&lines, &[&sent, &received, "Close the connections"]);
    }
}

#[test]
fn subprocess() {
    check(
        "subprocess",
        &[],
        &[&[
            "hello from a child",
            "echo ended, successfully: true",
            "date said: *",
            "sleep has ended: false",
            "terminated, return code Some(-15)",
        ]],
    );
}

#[test]
fn background_loop() {
    check(
        "background_loop",
        &[],
        &[&[
            "the program goes on, done: *",
            "the answer is 17",
            "cancel: true",
            "the work was cancelled",
            "closed: true",
        ]],
    );
}

#[test]
fn main_macro() {
    assert_eq!(lines_of("main_macro", &[]), ["workers: 1", "hello", "world"]);
}

#[test]
fn cancellation() {
    check(
        "cancellation",
        &[],
        &[
            &[
                "one: asked to end: asked for at *",
                "one: said goodbye",
                "one ended: the task was cancelled",
                "stubborn: no",
                "stubborn: done all the same",
                "two: asked to end: a deadline has passed",
                "two: said goodbye",
                "two: the time limit has passed",
                "three: asked to end: another member of its group has failed",
                "three: said goodbye",
                "the group: the disk is full",
            ],
            &["the body: asked to end: *", "the body: said goodbye", "the group: *"],
        ],
    );
}

//! Waiting for the first of three tasks, and then for the rest.
//!
//! asyncio: `wait(tasks, return_when=FIRST_COMPLETED)`, `wait(tasks, timeout=..)`. Python gives
//! sets; here tasks that are done, and those that are pending, keep the order they were given in.

use std::error::Error;
use std::time::Duration;

use loopwork::{ReturnWhen, TaskError, create_task, sleep, wait};

/// How long a second of the Python program takes here.
const SECOND: Duration = Duration::from_millis(100);

async fn func1(num: u32) -> String {
    println!("{num} before---func1----");
    sleep(SECOND * num).await;
    format!("recv num {num}")
}

async fn three_waits() -> Result<(), TaskError> {
    let tasks = [5, 3, 4].map(|num| create_task(func1(num)));

    let (done, pending) = wait(tasks).return_when(ReturnWhen::FirstCompleted).await;
    for task in done {
        println!("first: {}", task.result()?);
    }

    let (done, pending) = wait(pending).timeout(SECOND / 4).await;
    println!("a moment later: {} done, {} pending", done.len(), pending.len());

    let (done, _pending) = wait(pending).await;
    for task in done {
        println!("in the end: {}", task.result()?);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    loopwork::run(three_waits())??;
    Ok(())
}

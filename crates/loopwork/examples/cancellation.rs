//! Cancellation: caught, cleaned up after, refused; a time limit; a group of which one child fails.
//!
//! asyncio: `except CancelledError`, `timeout`, `TaskGroup`.

use std::error::Error;
use std::io;
use std::time::Duration;

use loopwork::{TaskGroup, catch_cancel, create_task, sleep, timeout};

/// How long a second of the Python program takes here.
const SECOND: Duration = Duration::from_millis(50);

/// Serves until it is asked to end, and then takes its time to say goodbye.
async fn serve(name: &'static str) -> Result<(), io::Error> {
    let Err(cancelled) = catch_cancel(sleep(SECOND * 3600)).await else { return Ok(()) };
    println!("{name}: asked to end: {}", cancelled.reason());
    sleep(SECOND).await;
    println!("{name}: said goodbye");
    cancelled.resume().await
}

async fn stubborn() -> &'static str {
    if let Err(cancelled) = catch_cancel(sleep(SECOND)).await {
        println!("stubborn: no");
        cancelled.swallow();
        sleep(SECOND).await;
    }
    "done all the same"
}

async fn fail() -> Result<(), io::Error> {
    sleep(SECOND).await;
    Err(io::Error::other("the disk is full"))
}

async fn program() {
    let mut server = create_task(serve("one"));
    sleep(SECOND).await;
    let ended = server.cancel_and_wait().await;
    println!("one ended: {}", ended.unwrap_err());

    let mut task = create_task(stubborn());
    sleep(SECOND / 2).await;
    println!("stubborn: {}", task.cancel_and_wait().await.expect("it refused"));

    let limited = timeout(SECOND, serve("two")).await;
    println!("two: {}", limited.unwrap_err());

    let group = TaskGroup::new().run(|group| async move {
        drop(group.create_task(serve("three")));
        drop(group.create_task(fail()));
        serve("the body").await
    });
    let error = group.await.unwrap_err();
    println!("the group: {}", error.find::<io::Error>()[0]);
}

fn main() -> Result<(), Box<dyn Error>> {
    loopwork::run(program())?;
    Ok(())
}

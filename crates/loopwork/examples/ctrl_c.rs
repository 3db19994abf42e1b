//! Ctrl-C in the middle: the first cancels the program, which cleans up; a second ends it at once.
//!
//! asyncio: `asyncio.run` and `KeyboardInterrupt`.

use std::time::Duration;

use loopwork::{LoopError, catch_cancel, create_task, sleep};

/// How long a second of the Python program takes here.
const SECOND: Duration = Duration::from_millis(50);

/// Runs beside the program, until that ends.
async fn heartbeat() {
    let Err(cancelled) = catch_cancel(sleep(SECOND * 3600)).await else { return };
    println!("heartbeat: {}", cancelled.reason());
    cancelled.resume().await
}

async fn program() {
    drop(create_task(heartbeat()));
    println!("ready, process {}", std::process::id());
    let Err(cancelled) = catch_cancel(sleep(SECOND * 100)).await else {
        return println!("nobody has pressed Ctrl-C");
    };
    println!("program: {}", cancelled.reason());
    // With an argument, the clean-up takes so long that only a second Ctrl-C ends it.
    let patience = if std::env::args().len() > 1 { 3600 } else { 2 };
    sleep(SECOND * patience).await;
    println!("program: cleaned up");
    cancelled.resume().await
}

fn main() {
    match loopwork::run(program()) {
        Err(LoopError::Interrupted) => println!("{}", LoopError::Interrupted),
        result => println!("not interrupted: {result:?}"),
    }
}

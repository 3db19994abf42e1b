//! A callback that is called with a task when it has ended, and reads its result.
//!
//! asyncio: `task.add_done_callback(callback)`, `future.result()`. A task whose result several
//! readers want needs a result that can be cloned: each of them gets a clone.

use std::error::Error;

use loopwork::{EventLoop, Task};

async fn func1(num: u32) -> String {
    println!("{num} before---func1----");
    format!("recv num {num}")
}

fn callback(future: &Task<String>) {
    match future.result() {
        Ok(result) => println!("the callback reads: {result}"),
        Err(error) => println!("the callback reads no result: {error}"),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut event_loop = EventLoop::new()?;
    let mut task = event_loop.create_task(func1(1));
    task.add_done_callback(callback);
    let removed = task.add_done_callback(|_| println!("never printed"));
    removed.cancel();

    let result = event_loop.run_until_complete(&mut task)??;
    println!("the caller awaited: {result}");
    println!("and can ask again: {}", task.result()?);
    Ok(())
}

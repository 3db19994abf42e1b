//! A task's states: created, suspended, running, closed.
//!
//! asyncio: `print(task)` and `inspect.getcoroutinestate(coroutine)`.

use std::error::Error;
use std::time::Duration;

use loopwork::{EventLoop, current_task, sleep, yield_now};

async fn func1() {
    if let Some(task) = current_task() {
        println!("inside:  {:?}", task.state());
    }
    sleep(Duration::from_millis(50)).await;
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut event_loop = EventLoop::builder().workers(1).build()?;
    let mut task = event_loop.create_task(func1());
    println!("before:  {:?}, done: {}", task.state(), task.done());

    // One turn of the loop, in which the task runs until it waits.
    event_loop.run_until_complete(yield_now())?;
    println!("waiting: {:?}, done: {}", task.state(), task.done());

    event_loop.run_until_complete(&mut task)??;
    println!("after:   {:?}, done: {}", task.state(), task.done());
    println!("{task:?}");
    Ok(())
}

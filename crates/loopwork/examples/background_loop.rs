//! A loop for a program that is not asynchronous.
//!
//! asyncio: a thread whose target is `loop.run_forever`. Here the builder starts it and gives back
//! a guard: when the guard is dropped the loop stops and closes.

use std::error::Error;
use std::time::Duration;

use loopwork::{EventLoop, run_coroutine_threadsafe, sleep};

async fn answer(question: &str) -> usize {
    sleep(Duration::from_millis(100)).await;
    question.len()
}

fn main() -> Result<(), Box<dyn Error>> {
    let background = EventLoop::builder().workers(2).thread_name("answers").start()?;
    let handle = background.handle();

    let future = run_coroutine_threadsafe(answer("how long is this?"), &handle)?;
    println!("the program goes on, done: {}", future.done());
    println!("the answer is {}", future.result(None)?);

    // Whom nobody waits for may be cancelled.
    let never = run_coroutine_threadsafe(std::future::pending::<()>(), &handle)?;
    println!("cancel: {}", never.cancel());
    println!("{}", never.result(None).expect_err("it was cancelled"));

    drop(background);
    println!("closed: {}", handle.is_closed());
    Ok(())
}

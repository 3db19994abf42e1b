//! Results in the order in which they come.
//!
//! asyncio: `for task in as_completed(tasks): result = await task`.

use std::error::Error;
use std::time::Duration;

use loopwork::{TaskError, as_completed, sleep};

/// How long a second of the Python program takes here.
const SECOND: Duration = Duration::from_millis(100);

async fn func1(num: u32) -> String {
    println!("{num} before---func1----");
    sleep(SECOND * num).await;
    format!("recv num {num}")
}

async fn print_results() -> Result<(), TaskError> {
    let mut completed = as_completed([5, 3, 4].map(func1));
    while let Some(task) = completed.next().await {
        println!("Task ret: {}", task.await?);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    loopwork::run(print_results())??;
    Ok(())
}

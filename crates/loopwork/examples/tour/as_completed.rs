//! `as_completed` gives each task as it ends, the first to end first.

use loopwork::{TaskError, as_completed, ensure_future, sleep};

use crate::tour::{Outcome, Scale, Tour};

async fn func1(scale: Scale, num: u32) -> String {
    println!("{num} before---func1----");
    sleep(scale.seconds(num)).await;
    format!("recv num {num}")
}

async fn work(scale: Scale) -> Result<(), TaskError> {
    let tasks = [
        ensure_future(func1(scale, 5)),
        ensure_future(func1(scale, 3)),
        ensure_future(func1(scale, 4)),
    ];
    let mut completed = as_completed(tasks);
    while let Some(task) = completed.next().await {
        println!("Task ret:  {}", task.await?);
    }
    Ok(())
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    event_loop.run_until_complete(work(tour.scale))??;
    event_loop.close();
    Ok(())
}

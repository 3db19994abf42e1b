//! `gather` gives the results themselves, here handed on to the caller.

use loopwork::{TaskError, ensure_future, gather, sleep};

use crate::tour::{Outcome, Scale, Tour};

async fn func1(scale: Scale, num: u32) -> String {
    println!("{num} before---func1----");
    sleep(scale.seconds(num)).await;
    format!("recv num {num}")
}

async fn work(scale: Scale) -> Result<Vec<String>, TaskError> {
    let tasks = [
        ensure_future(func1(scale, 5)),
        ensure_future(func1(scale, 3)),
        ensure_future(func1(scale, 4)),
    ];
    gather(tasks).await
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    let results = event_loop.run_until_complete(work(tour.scale))??;
    for result in results {
        println!("Task ret:  {result}");
    }
    event_loop.close();
    Ok(())
}

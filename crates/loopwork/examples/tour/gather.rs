//! Three waits at once take as long as the longest.

use loopwork::{TaskError, ensure_future, gather, sleep};

use crate::tour::{Outcome, Scale, Tour};

async fn do_some_work(scale: Scale, x: u32) -> String {
    println!("waiting: {x}");
    sleep(scale.seconds(x)).await;
    format!("Done after {x}s")
}

async fn work(scale: Scale) -> Result<Vec<String>, TaskError> {
    let tasks = [
        ensure_future(do_some_work(scale, 1)),
        ensure_future(do_some_work(scale, 2)),
        ensure_future(do_some_work(scale, 4)),
    ];
    gather(tasks).await
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let start = tour.now();
    let mut event_loop = tour.event_loop()?;
    for result in event_loop.run_until_complete(work(tour.scale))?? {
        println!("Task ret: {result}");
    }
    println!("Time: {:.1}", tour.since(start));
    Ok(())
}

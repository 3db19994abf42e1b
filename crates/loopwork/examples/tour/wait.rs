//! `wait` gives the tasks that are done, to be asked for their results.

use loopwork::{TaskError, ensure_future, sleep, wait};

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
    let (dones, _pendings) = wait(tasks).await;
    for task in dones {
        println!("Task ret:  {}", task.result()?);
    }
    Ok(())
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    event_loop.run_until_complete(work(tour.scale))??;
    event_loop.close();
    Ok(())
}

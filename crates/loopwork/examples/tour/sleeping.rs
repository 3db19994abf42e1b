//! While one coroutine waits, the other runs.

use loopwork::{gather, sleep};

use crate::tour::{Outcome, Scale, Tour};

async fn func1(scale: Scale, num: u32) -> String {
    println!("{num} before---func1----");
    sleep(scale.seconds(num)).await;
    format!("recv num {num}")
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    let task1 = event_loop.create_task(func1(tour.scale, 5));
    let task2 = event_loop.create_task(func1(tour.scale, 3));
    let _results = event_loop.run_until_complete(gather([task1, task2]))??;
    event_loop.close();
    Ok(())
}

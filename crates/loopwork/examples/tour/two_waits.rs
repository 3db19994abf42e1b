//! Two coroutines at once, registered with `gather`.

use loopwork::{gather, sleep};

use crate::tour::{Outcome, Scale, Tour};

async fn func1(scale: Scale, num: u32) {
    println!("{num} before---func1----");
    sleep(scale.seconds(5)).await;
    println!("{num} after---func1----");
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let tasks = [func1(tour.scale, 1), func1(tour.scale, 2)];
    let begin = tour.now();
    let mut event_loop = tour.event_loop()?;
    event_loop.run_until_complete(gather(tasks))??;
    event_loop.close();
    println!("{:.1}", tour.since(begin));
    Ok(())
}

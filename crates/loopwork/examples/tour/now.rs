//! The time of the world, and the loop's.

use loopwork::{Handle, LoopError, sleep};

use crate::tour::{Outcome, Scale, Tour, now};

async fn show(scale: Scale) -> Result<(), LoopError> {
    println!("{}", now());
    sleep(scale.seconds(1)).await;
    println!("{}", now());
    sleep(scale.seconds(1)).await;
    println!("{:.9}", Handle::current()?.time().as_secs_f64());
    Ok(())
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    event_loop.run_until_complete(show(tour.scale))??;
    println!("{:.9}", event_loop.time().as_secs_f64());
    event_loop.close();
    Ok(())
}

//! A coroutine that waits for a second.

use loopwork::sleep;

use crate::tour::{Outcome, Scale, Tour};

async fn hello(scale: Scale) {
    println!("Hello world!");
    sleep(scale.seconds(1)).await;
    println!("Hello again!");
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    event_loop.run_until_complete(hello(tour.scale))?;
    event_loop.close();
    Ok(())
}

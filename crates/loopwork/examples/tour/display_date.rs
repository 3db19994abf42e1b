//! The date, every second, until five have passed.

use loopwork::{Handle, sleep};

use crate::tour::{Outcome, Scale, Tour, now};

async fn display_date(scale: Scale, handle: Handle) {
    let end_time = handle.time() + scale.seconds(5);
    loop {
        println!("{}", now());
        if handle.time() + scale.seconds(1) >= end_time {
            break;
        }
        sleep(scale.seconds(1)).await;
    }
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    let handle = event_loop.handle();
    event_loop.run_until_complete(display_date(tour.scale, handle))?;
    event_loop.close();
    Ok(())
}

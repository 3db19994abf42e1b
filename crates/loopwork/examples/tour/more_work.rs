//! Callbacks are serial: six seconds of blocking work, then three.

use std::thread;

use crate::tour::{Outcome, Scale, Tour};

fn more_work(scale: Scale, x: u32) {
    println!("More work {x}");
    thread::sleep(scale.seconds(x));
    println!("Finished more work {x}");
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let (start, scale) = (tour.now(), tour.scale);
    let mut new_loop = tour.event_loop()?;
    let handle = new_loop.handle();
    let thread = thread::spawn(move || new_loop.run_forever());
    println!("TIME: {:.1}", tour.since(start));

    handle.call_soon_threadsafe(move || more_work(scale, 6))?;
    handle.call_soon_threadsafe(move || more_work(scale, 3))?;

    // The Python program never ends; this one stops the loop after the two.
    let stop = handle.clone();
    handle.call_soon_threadsafe(move || stop.stop())?;
    thread.join().expect("a loop does not panic")?;
    Ok(())
}

//! Blocking callbacks for a loop in a second thread run there, one after the other.

use std::thread;

use crate::tour::{Outcome, Scale, Tour};

fn func1(scale: Scale, num: u32) {
    println!("{num} before---func1----");
    thread::sleep(scale.seconds(num));
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let (begin, scale) = (tour.now(), tour.scale);
    let mut new_loop = tour.event_loop()?;
    let handle = new_loop.handle();
    let thread = thread::spawn(move || new_loop.run_forever());
    for num in [3, 2, 6] {
        handle.call_soon_threadsafe(move || func1(scale, num))?;
    }
    // The caller was not blocked.
    println!("{:.1}", tour.since(begin));

    // The Python program never ends; this one stops the loop after the three.
    let stop = handle.clone();
    handle.call_soon_threadsafe(move || stop.stop())?;
    thread.join().expect("a loop does not panic")?;
    Ok(())
}

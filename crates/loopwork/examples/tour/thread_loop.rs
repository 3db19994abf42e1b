//! A loop in a second thread, and coroutines for it from the first, which is never blocked.

use std::thread;

use loopwork::{run_coroutine_threadsafe, sleep};

use crate::tour::{Outcome, Scale, Tour};

async fn do_some_work(scale: Scale, x: u32) {
    println!("Waiting {x}");
    sleep(scale.seconds(x)).await;
    println!("Done after {x}s");
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let start = tour.now();
    let mut new_loop = tour.event_loop()?;
    let handle = new_loop.handle();
    let thread = thread::spawn(move || new_loop.run_forever());
    println!("TIME: {:.1}", tour.since(start));

    // In virtual time the loop would have done with the first before it got the second.
    let both = tour.hold();
    let six = run_coroutine_threadsafe(do_some_work(tour.scale, 6), &handle)?;
    let four = run_coroutine_threadsafe(do_some_work(tour.scale, 4), &handle)?;

    drop(both);
    // The Python program never ends; this one waits for its coroutines.
    six.result(None)?;
    four.result(None)?;
    handle.stop();
    thread.join().expect("a loop does not panic")?;
    Ok(())
}

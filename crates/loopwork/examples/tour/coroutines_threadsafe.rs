//! Coroutines for a loop in a second thread wait there, all at once.

use std::thread;

use loopwork::{run_coroutine_threadsafe, sleep};

use crate::tour::{Outcome, Scale, Tour};

async fn func1(scale: Scale, num: u32) -> String {
    println!("{num} before---func1----");
    sleep(scale.seconds(num)).await;
    format!("recv num {num}")
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let begin = tour.now();
    let mut new_loop = tour.event_loop()?;
    let handle = new_loop.handle();
    let thread = thread::spawn(move || new_loop.run_forever());
    // In virtual time the loop would have done with the first before it got the others.
    let all = tour.hold();
    let futures = [
        run_coroutine_threadsafe(func1(tour.scale, 5), &handle)?,
        run_coroutine_threadsafe(func1(tour.scale, 3), &handle)?,
        run_coroutine_threadsafe(func1(tour.scale, 4), &handle)?,
    ];
    drop(all);
    // The caller was not blocked.
    println!("{:.1}", tour.since(begin));

    // The Python program never ends; this one waits for its coroutines.
    for future in futures {
        future.result(None)?;
    }
    handle.stop();
    thread.join().expect("a loop does not panic")?;
    Ok(())
}

//! With one worker, two coroutines run on one thread; with more, on whichever is free.

use std::thread;

use loopwork::{sleep, wait};

use crate::tour::{Outcome, Scale, Tour};

fn current_thread() -> String {
    thread::current().name().unwrap_or("without a name").to_owned()
}

async fn hello(scale: Scale, number: u32) {
    println!("Hello {number} in! ({})", current_thread());
    sleep(scale.seconds(1)).await;
    println!("Hello {number} out! ({})", current_thread());
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    let tasks = [hello(tour.scale, 1), hello(tour.scale, 2)];
    let (_done, _pending) = event_loop.run_until_complete(wait(tasks))?;
    event_loop.close();
    Ok(())
}

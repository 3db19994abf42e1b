//! Blocking work for the loop's own pool of threads, and for another.

use std::thread;

use loopwork::Handle;
use loopwork::executors::ThreadPoolExecutor;

use crate::tour::{Outcome, Scale, Tour};

fn func1(scale: Scale) -> &'static str {
    thread::sleep(scale.seconds(2));
    "hello"
}

async fn work(scale: Scale) -> Outcome {
    let event_loop = Handle::current()?;

    let fut = event_loop.run_in_executor(None, move || func1(scale))?;
    let result = fut.await?;
    println!("default thread pool {result}");

    let pool = ThreadPoolExecutor::new();
    let result = event_loop.run_in_executor(Some(&pool), move || func1(scale))?.await?;
    println!("custom thread pool {result}");
    Ok(())
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    tour.event_loop()?.run_until_complete(work(tour.scale))?
}

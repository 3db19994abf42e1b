//! Blocking work on a pool of threads, without a loop.

use std::thread;

use loopwork::executors::ThreadPoolExecutor;

use crate::tour::{Outcome, Scale, Tour};

fn func(scale: Scale, value: u32) -> u32 {
    thread::sleep(scale.seconds(1));
    println!("{value}");
    123
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let scale = tour.scale;
    let pool = ThreadPoolExecutor::builder().max_workers(5).build();
    for i in 0..10 {
        let _future = pool.submit(move || func(scale, i))?;
    }
    pool.shutdown(true, false)?;
    Ok(())
}

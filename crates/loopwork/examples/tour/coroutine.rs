//! A coroutine does nothing until a loop runs it.

use crate::tour::{Outcome, Tour};

async fn func1(num: u32) {
    println!("{num} before---func1----");
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let coroutine = func1(2);
    let mut event_loop = tour.event_loop()?;
    event_loop.run_until_complete(coroutine)?;
    event_loop.close();
    Ok(())
}

async fn func() {
    println!("快来吧");
}

pub(crate) fn come_on(tour: &Tour) -> Outcome {
    let result = func();
    tour.event_loop()?.run_until_complete(result)?;
    Ok(())
}

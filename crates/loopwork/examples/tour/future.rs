//! A value that one task awaits and another sets: asyncio's bare `Future` is `Promise` here.

use loopwork::{Handle, Promise, sleep};

use crate::tour::{Outcome, Scale, Tour};

async fn set_after(scale: Scale, fut: Promise<&'static str>) {
    sleep(scale.seconds(2)).await;
    fut.set_result("666").expect("nobody else sets it");
}

async fn wait_for_value(scale: Scale) -> Outcome {
    let event_loop = Handle::current()?;
    let fut = event_loop.create_future();
    event_loop.create_task(set_after(scale, fut.clone())).await?;
    let data = fut.await?;
    println!("{data}");
    Ok(())
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    tour.event_loop()?.run_until_complete(wait_for_value(tour.scale))?
}

//! A value that one task waits for and another sets: asyncio's bare `Future` serves as a channel
//! for one value, and so a channel for one value stands for it.

use loopwork::sync::oneshot;
use loopwork::{Handle, sleep};

use crate::tour::{Outcome, Scale, Tour};

async fn set_after(scale: Scale, fut: oneshot::Sender<&'static str>) {
    sleep(scale.seconds(2)).await;
    fut.send("666").expect("the receiver waits");
}

async fn wait_for_value(scale: Scale) -> Outcome {
    let event_loop = Handle::current()?;
    let (sender, fut) = oneshot::channel();
    event_loop.create_task(set_after(scale, sender)).await?;
    let data = fut.await?;
    println!("{data}");
    Ok(())
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    tour.event_loop()?.run_until_complete(wait_for_value(tour.scale))?
}

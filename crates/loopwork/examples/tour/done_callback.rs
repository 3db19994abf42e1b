//! A task's result, read by a callback and after the run.

use crate::tour::{Outcome, Tour};

async fn func1(num: u32) -> String {
    println!("{num} before---func1----");
    format!("recv num {num}")
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    let task1 = event_loop.create_task(func1(1));
    task1.add_done_callback(|future| println!("{}", future.result().expect("it returned")));
    event_loop.run_until_complete(task1)??;
    event_loop.close();
    Ok(())
}

pub(crate) fn result_after_run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    let task1 = event_loop.create_task(func1(1));
    event_loop.run_until_complete(task1.clone())??;
    println!("{task1:?}");
    println!("{}", task1.result()?);
    event_loop.close();
    Ok(())
}

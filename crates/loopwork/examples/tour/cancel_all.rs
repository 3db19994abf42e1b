//! Ctrl-C in the middle: cancel all tasks, and run the loop until they have ended.
//!
//! A callback that stops the loop stands in for the key. In Python the key was pressed after three
//! seconds, just before one of the tasks was done; two and a half leave no doubt.

use loopwork::{LoopError, sleep, wait};

use crate::tour::{Outcome, Scale, Tour};

async fn func1(scale: Scale, num: u32) -> String {
    println!("{num} before---func1----");
    sleep(scale.seconds(num)).await;
    format!("recv num {num}")
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    let handle = event_loop.handle();
    let tasks = [5, 3, 4].map(|num| event_loop.create_task(func1(tour.scale, num)));
    let mut all = event_loop.create_task(wait(tasks));

    let key = handle.clone();
    event_loop.call_later(tour.scale.seconds(2.5), move || key.stop());
    let interrupted = event_loop.run_until_complete(&mut all);
    assert!(matches!(interrupted, Err(LoopError::Stopped)));

    for task in handle.all_tasks() {
        println!("{task:?}");
        println!("{}", if task.cancel() { "True" } else { "False" });
    }
    // Stopped before it begins, the loop runs what is ready once: the tasks, to their end.
    event_loop.stop();
    event_loop.run_forever()?;
    assert!(handle.all_tasks().is_empty());
    event_loop.close();
    Ok(())
}

//! A task before it runs and after, and the state of its coroutine.

use loopwork::TaskState;

use crate::tour::{Outcome, Tour};

async fn func1(num: u32) {
    println!("{num} before---func1----");
}

fn coroutine_state(state: TaskState) -> &'static str {
    match state {
        TaskState::Created => "CORO_CREATED",
        TaskState::Running => "CORO_RUNNING",
        TaskState::Suspended => "CORO_SUSPENDED",
        TaskState::Closed => "CORO_CLOSED",
    }
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    let mut task = event_loop.create_task(func1(2));
    println!("{task:?}");
    println!("{}", coroutine_state(task.state()));
    event_loop.run_until_complete(&mut task)??;
    event_loop.close();
    println!("{task:?}");
    println!("{}", coroutine_state(task.state()));
    Ok(())
}

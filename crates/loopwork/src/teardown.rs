//! The end of a loop, in asyncio's order: tasks, generators, executor, loop.

use std::pin::pin;

use loopwork_context::{CancelKind, CancelReason};
use loopwork_core::{AnyTask, ExceptionContext, LoopError, current_task};

use crate::event_loop::EventLoop;
use crate::handle::Handle;

/// Ends what the loop has, and closes it.
pub(crate) fn tear_down(mut event_loop: EventLoop) {
    let mut ending = pin!(end_all(event_loop.handle()));
    // A task that is cancelled may call `stop()`, or cancel all there are: it goes on.
    while let Err(LoopError::Stopped | LoopError::Cancelled | LoopError::Interrupted) =
        event_loop.run_until_complete(ending.as_mut())
    {}
    event_loop.close();
}

async fn end_all(handle: Handle) {
    end_tasks(&handle).await;
    close_generators().await;
    handle.shutdown_default_executor().await;
}

/// Cancels all tasks that are left, by one act, and waits for them.
async fn end_tasks(handle: &Handle) {
    let this = current_task();
    let mut left = handle.all_tasks();
    left.retain(|task| Some(task) != this.as_ref());
    AnyTask::cancel_together(&left, &[CancelReason::of_kind(CancelKind::Teardown)], || {});
    for task in &left {
        task.ended().await;
    }
    for task in &left {
        if let Some(panicked) = task.unseen_panic() {
            let message = format!("{} failed while its loop was torn down", task.name());
            let context = ExceptionContext::new(message).with_exception(panicked);
            handle.call_exception_handler(&context.with_task(task.clone()));
        }
    }
}

/// Where asynchronous generators that are alive will be closed, with their clean-up. There are none yet.
async fn close_generators() {}

//! Blocking calls inside a task.

use crate::current;

/// Runs `f`, which may block this thread, in the middle of a task or callback.
///
/// If this thread is a worker, what is ready behind the current task is handed to the other workers
/// first, and one of them is woken for it. They also see to I/O and timers meanwhile. Inside `f`
/// the thread counts as any other: `ConcurrentFuture::result`, `block_on` of another loop and the
/// like are allowed, and a task that is spawned goes to the other workers.
///
/// No thread is added. What only this worker may run waits until `f` returns: its pinned tasks, on
/// worker 0 the future of `run_until_complete`, and in a callback the callbacks behind it. With
/// `workers(1)`, or while all others block as well, the whole loop waits. For blocking work that
/// takes longer than moments `run_in_executor` is the better place.
///
/// On a thread that is no worker this only calls `f`. A panic of `f` goes on to the caller.
///
/// asyncio has no counterpart: there, a blocking call blocks the loop. The name is tokio's.
///
/// ```
/// use loopwork_core::{Builder, SleepDriver, block_in_place};
///
/// let mut runtime = Builder::new().workers(2).build(SleepDriver::new())?;
/// let text = runtime.block_on(async { block_in_place(|| std::fs::read_to_string("Cargo.toml")) })?;
/// assert!(text?.contains("[package]"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    current::with_worker(|worker| worker.map(|worker| worker.give_way()));
    // Unwind: the guards restore what was before, so that the task's panic finds its worker again.
    let _away = current::Away::new();
    let _allowed = loopwork_context::allow_blocking();
    // What blocks here may poll futures itself, for as long as it takes.
    let _outside = loopwork_context::Poll::outside();
    f()
}

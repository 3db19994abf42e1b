//! What all benches of our own paths need.

use std::future::Future;
use std::time::{Duration, Instant};

use criterion::Criterion;
use loopwork::EventLoop;

/// Short enough that all benches together take less than a minute.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
}

/// A loop of so many workers.
#[allow(dead_code, reason = "not every bench runs a loop")]
pub(crate) fn event_loop(workers: usize) -> EventLoop {
    EventLoop::builder().workers(workers).build().expect("the system has a thread and a poller")
}

/// Repeats `work` in a task on a worker, and says how long that took.
#[allow(dead_code, reason = "not every bench runs a loop")]
pub(crate) fn time<F>(
    event_loop: &mut EventLoop,
    repetitions: u64,
    mut work: impl FnMut() -> F + Send + 'static,
) -> Duration
where
    F: Future<Output = ()> + Send,
{
    // As a task, not as the root, which only worker 0 may run.
    let task = event_loop.create_task(async move {
        let begin = Instant::now();
        for _ in 0..repetitions {
            work().await;
        }
        begin.elapsed()
    });
    let took = event_loop.run_until_complete(task).expect("nobody stops the loop");
    took.expect("the work does not panic")
}

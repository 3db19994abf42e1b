//! A thread that is no worker.

use std::thread;

use futures::channel::oneshot;

/// Runs `work` on a thread of its own and waits for it without holding a worker.
pub(super) async fn outside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = oneshot::channel();
    let thread = thread::Builder::new().name("outside".to_owned());
    let spawned = thread.spawn(move || {
        // Nobody listens any more if the process is about to end.
        let _sent = done.send(work());
    });
    spawned.expect("the system has a thread");
    result.await.expect("the work does not panic")
}

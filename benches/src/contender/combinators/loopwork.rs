//! `timeout`, `TaskGroup` and `gather`.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use loopwork::{TaskGroup, gather, timeout};

use super::Combinators;
use crate::contender::Loopwork;

impl Combinators for Loopwork {
    async fn timeout<F>(duration: Duration, future: F) -> Option<F::Output>
    where
        F: Future + Send,
        F::Output: Send,
    {
        timeout(duration, future).await.ok()
    }

    async fn group(&self, children: usize) {
        let group = TaskGroup::new();
        let run = group.run(|group| async move {
            for _ in 0..children {
                drop(group.create_task(async { Ok::<_, Infallible>(()) }));
            }
            Ok::<_, Infallible>(())
        });
        run.await.expect("no child fails");
    }

    async fn gather<F>(&self, futures: Vec<F>) -> Vec<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        gather(futures).await.expect("no task fails")
    }
}

//! `tokio::time::timeout`, `JoinSet`, and `futures::future::join_all` of spawned tasks.

use std::future::Future;
use std::time::Duration;

use futures::future::join_all;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Combinators;
use crate::contender::Contender;
use crate::contender::tokio::{Flavour, Tokio};

impl<M: Flavour> Combinators for Tokio<M> {
    async fn timeout<F>(duration: Duration, future: F) -> Option<F::Output>
    where
        F: Future + Send,
        F::Output: Send,
    {
        timeout(duration, future).await.ok()
    }

    async fn group(&self, children: usize) {
        let mut set = JoinSet::new();
        for _ in 0..children {
            set.spawn(async {});
        }
        let mut ended = 0;
        while let Some(result) = set.join_next().await {
            result.expect("no child fails");
            ended += 1;
        }
        assert_eq!(ended, children, "every child has ended");
    }

    async fn gather<F>(&self, futures: Vec<F>) -> Vec<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let tasks = futures.into_iter().map(|future| self.spawn(future));
        let results = join_all(tasks).await.into_iter();
        results.map(|result| result.expect("no task fails")).collect()
    }
}

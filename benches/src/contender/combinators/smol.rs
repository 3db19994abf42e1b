//! smol has no such things. A time limit is `or` with a `Timer`, as its documentation has it; a group
//! is a `FuturesUnordered` of tasks, which are cancelled when they are dropped.

use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use smol::{Timer, future};

use super::Combinators;
use crate::contender::{Contender, Smol};

impl Combinators for Smol {
    async fn timeout<F>(duration: Duration, work: F) -> Option<F::Output>
    where
        F: Future + Send,
        F::Output: Send,
    {
        let late = async {
            Timer::after(duration).await;
            None
        };
        future::or(async { Some(work.await) }, late).await
    }

    async fn group(&self, children: usize) {
        let tasks: FuturesUnordered<_> = (0..children).map(|_| self.spawn(async {})).collect();
        assert_eq!(tasks.count().await, children, "every child has ended");
    }

    async fn gather<F>(&self, futures: Vec<F>) -> Vec<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        join_all(futures.into_iter().map(|future| self.spawn(future))).await
    }
}

//! The future of a child: it tells its group how it ends.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use loopwork_core::{SharedError, current_task};
use loopwork_sync::semaphore::OwnedSemaphorePermit;
use pin_project_lite::pin_project;

use super::error::Failure;
use super::shared::{Living, Shared};

pin_project! {
    pub(super) struct Child<F> {
        #[pin]
        future: F,
        gate: Gate,
        // Last: the group ends when what the child owns is gone.
        member: Arc<Living>,
    }
}

/// Until it may run.
enum Gate {
    Open,
    Waiting(Pin<Box<dyn Future<Output = OwnedSemaphorePermit> + Send>>),
    /// Others wait while this one runs.
    Passed {
        _permit: OwnedSemaphorePermit,
    },
}

impl<F> Child<F> {
    /// Of a member that has joined.
    pub(super) fn new(future: F, member: Arc<Living>) -> Self {
        let gate = match &member.group().limit {
            None => Gate::Open,
            Some(limit) => {
                let limit = limit.clone();
                Gate::Waiting(Box::pin(async move { limit.acquire_owned().await }))
            }
        };
        Self { future, gate, member }
    }

    /// The future of a child that was refused.
    pub(super) fn into_inner(self) -> F {
        self.future
    }
}

impl<F, T, E> Future for Child<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Result<T, SharedError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Gate::Waiting(gate) = this.gate {
            let permit = ready!(gate.as_mut().poll(cx));
            *this.gate = Gate::Passed { _permit: permit };
        }
        let watch = OnPanic(this.member.group());
        let polled = this.future.poll(cx);
        std::mem::forget(watch);
        polled.map_err(|error| {
            let error = SharedError::new(error);
            this.member.group().fail_with(error.clone(), current_task());
            error
        })
    }
}

/// Tells the group if it is dropped, by a panic.
struct OnPanic<'a>(&'a Shared);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        let task = current_task();
        if let Some(task) = &task {
            // The group has it: it is not reported as well.
            task.ignore_failure();
        }
        self.0.fail(Failure::panic(task));
    }
}

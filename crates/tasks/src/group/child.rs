//! The future of a child: it tells its group how it ends.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use loopwork_core::{Share, SharedError, after_end, current_task, polls};
use loopwork_sync::Semaphore;
use loopwork_sync::semaphore::OwnedSemaphorePermit;
use pin_project_lite::pin_project;

use super::error::Failure;
use super::shared::{Living, Shared};

pin_project! {
    pub(super) struct Child<F> {
        #[pin]
        future: F,
        // Last: the group ends when what the child owns is gone.
        member: Member,
    }
}

/// Leaves the group once the task has been marked as ended.
struct Member(Option<Share<Living>>);

impl Member {
    fn group(&self) -> &Shared {
        self.0.as_ref().expect("it is there until the destructor").group()
    }
}

impl Drop for Member {
    #[inline]
    fn drop(&mut self) {
        if let Some(share) = self.0.take() {
            after_end(share, None);
        }
    }
}

impl<F> Child<F> {
    /// Of a member that has joined.
    #[inline]
    pub(super) fn new(future: F, share: Share<Living>) -> Self {
        Self { future, member: Member(Some(share)) }
    }

    /// The future of a child that was refused.
    pub(super) fn into_inner(mut self) -> F {
        // No task of it ends: it leaves now.
        self.member.0 = None;
        self.future
    }
}

impl<F, T, E> Future for Child<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Result<T, SharedError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(share) = &this.member.0 {
            polls(share);
        }
        let watch = OnPanic(this.member);
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
struct OnPanic<'a>(&'a Member);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        let task = current_task();
        if let Some(task) = &task {
            // The group has it: it is not reported as well.
            task.ignore_failure();
        }
        self.0.group().fail(Failure::panic(task));
    }
}

pin_project! {
    /// A future that waits for its turn.
    pub(super) struct Gated<F> {
        #[pin]
        future: F,
        gate: Gate,
    }
}

enum Gate {
    Waiting(Pin<Box<dyn Future<Output = OwnedSemaphorePermit> + Send>>),
    /// Others wait while this one runs.
    Passed {
        _permit: OwnedSemaphorePermit,
    },
}

impl<F> Gated<F> {
    pub(super) fn new(limit: &Arc<Semaphore>, future: F) -> Self {
        let limit = limit.clone();
        let gate = Gate::Waiting(Box::pin(async move { limit.acquire_owned().await }));
        Self { future, gate }
    }

    pub(super) fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Gated<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Gate::Waiting(gate) = this.gate {
            let permit = ready!(gate.as_mut().poll(cx));
            *this.gate = Gate::Passed { _permit: permit };
        }
        this.future.poll(cx)
    }
}

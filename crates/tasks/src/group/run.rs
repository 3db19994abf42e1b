//! A group from its begin to its end.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use loopwork_context::{
    CancelKind, CancelReason, Frame, Kind, Place, Request, WaitReason, collecting, overtaken,
    take_request, waits_for,
};
use loopwork_core::{Handle, SharedError};
use pin_project_lite::pin_project;

use super::error::GroupError;
use super::shared::Shared;
use crate::scope::Edge;

pin_project! {
    /// The future of [`TaskGroup::run`](crate::TaskGroup::run). Dropping it cancels all children, and
    /// does not wait for them.
    #[must_use = "futures do nothing unless awaited"]
    pub struct GroupRun<F, R> {
        #[pin]
        body: Option<F>,
        edge: Edge,
        end: End<R>,
    }
}

/// All but the body.
struct End<R> {
    group: Arc<Shared>,
    stage: Stage,
    /// What the body has returned.
    value: Option<R>,
    /// Requests from outside, which were passed on to the children.
    held: Option<Request>,
    place: Place,
}

enum Stage {
    New,
    Body,
    /// For the last child to leave.
    Children,
    Over,
    /// A request from outside goes on.
    Resumed,
}

impl<F, R> GroupRun<F, R> {
    pub(super) fn new(group: Arc<Shared>, body: F) -> Self {
        let edge = Edge::of(group.body.clone(), false);
        let (stage, place) = (Stage::New, Place::default());
        Self { body: Some(body), edge, end: End { group, stage, value: None, held: None, place } }
    }
}

impl<F, R, E> Future for GroupRun<F, R>
where
    F: Future<Output = Result<R, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Result<R, GroupError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Stage::New = this.end.stage {
            this.end.enter();
        }
        if let Stage::Body = this.end.stage {
            // Around the scope, for what is resumed inside and goes on outwards.
            let frame = Frame::enter(Kind::CATCHER, None);
            let polls = this.end.group.poll_body();
            let polled = this.edge.poll(this.body.as_mut(), cx);
            drop(polls);
            let arrived = frame.leave_catcher();
            match polled {
                Poll::Pending => {
                    this.end.place.be_reached_by(cx.waker());
                    let Some(request) = Request::merge(take_request(), arrived) else {
                        return Poll::Pending;
                    };
                    let inside = collecting(|| this.body.set(None));
                    this.end.hold(Request::merge(Some(request), inside));
                }
                Poll::Ready(ended) => {
                    Request::end_any(arrived);
                    match ended {
                        Ok(Ok(value)) => this.end.value = Some(value),
                        Ok(Err(error)) => this.end.group.fail_with(SharedError::new(error), None),
                        // The group was cancelled, from inside.
                        Err(_) => {}
                    }
                }
            }
            this.body.set(None);
            this.end.group.leave();
            this.end.stage = Stage::Children;
        }
        this.end.poll(cx)
    }
}

impl<R> End<R> {
    #[track_caller]
    fn enter(&mut self) {
        match Handle::current() {
            Ok(handle) => self.group.enter(handle),
            Err(error) => panic!("a task group belongs into a task: {error}"),
        }
        self.stage = Stage::Body;
    }

    /// A request from outside: all are asked to end, and waited for.
    fn hold(&mut self, request: Option<Request>) {
        if let Some(request) = &request {
            self.group.forward(request);
        }
        self.held = Request::merge(self.held.take(), request);
    }

    /// The body has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, GroupError>> {
        if let Stage::Children = self.stage {
            if overtaken() {
                // It was there before the last child was gone.
                self.hold(take_request());
            }
            if !self.group.is_over(cx.waker()) {
                self.wait(cx);
                return Poll::Pending;
            }
            self.stage = Stage::Over;
        }
        match self.stage {
            Stage::Resumed => Poll::Pending,
            _ => self.finish(),
        }
    }

    fn wait(&mut self, cx: &Context<'_>) {
        waits_for(WaitReason::Join);
        self.place.be_reached_by(cx.waker());
        let request = take_request();
        if request.is_some() {
            self.hold(request);
        }
    }

    fn finish(&mut self) -> Poll<Result<R, GroupError>> {
        self.place.leave();
        let (mut failures, cancelled) = self.group.outcome();
        if !failures.is_empty() {
            failures.iter_mut().for_each(|failure| failure.settle());
            if let Some(held) = self.held.take() {
                // The errors come first, and the request at the next wait.
                held.restore();
            }
            return Poll::Ready(Err(GroupError { failures, cancelled }));
        }
        if let Some(held) = self.held.take() {
            held.resume();
            self.stage = Stage::Resumed;
            return Poll::Pending;
        }
        let cancelled = GroupError { failures, cancelled };
        Poll::Ready(self.value.take().ok_or(cancelled))
    }
}

impl<R> Drop for End<R> {
    fn drop(&mut self) {
        match self.stage {
            Stage::New | Stage::Over | Stage::Resumed => {}
            Stage::Body => {
                self.group.cancel(&CancelReason::of_kind(CancelKind::Failure), false);
                self.group.leave();
            }
            Stage::Children => {
                self.group.cancel(&CancelReason::of_kind(CancelKind::Failure), false);
            }
        }
        if let Some(held) = self.held.take() {
            held.give_back();
        }
    }
}

impl<F, R> fmt::Debug for GroupRun<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupRun").field("group", &self.end.group).finish_non_exhaustive()
    }
}

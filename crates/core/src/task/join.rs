//! Awaiting a task.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use loopwork_context::{Place, Request, WaitReason};

use super::error::TaskError;
use super::extension::WatchId;
use super::handle::Task;
use super::raw::RawTask;
use super::waker;

/// The future of an awaited [`Task`]. Dropping it detaches the task.
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Join<T> {
    task: Task<T>,
    waiting: Waiting,
}

/// The future of [`Task::join`] and of an awaited `&mut Task`. Dropping it stops waiting.
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct JoinMut<'a, T> {
    task: &'a mut Task<T>,
    waiting: Waiting,
}

impl<T: 'static> IntoFuture for Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = Join<T>;

    #[inline]
    fn into_future(self) -> Join<T> {
        Join { task: self, waiting: Waiting::default() }
    }
}

impl<'a, T: 'static> IntoFuture for &'a mut Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = JoinMut<'a, T>;

    #[inline]
    fn into_future(self) -> JoinMut<'a, T> {
        self.join()
    }
}

impl<T> Task<T> {
    /// Awaits the task without giving up the handle. The value is moved out all the same.
    pub fn join(&mut self) -> JoinMut<'_, T> {
        JoinMut { task: self, waiting: Waiting::default() }
    }
}

impl<T: 'static> Future for Join<T> {
    type Output = Result<T, TaskError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { task, waiting } = &mut *self;
        waiting.poll(task, cx)
    }
}

impl<T: 'static> Future for JoinMut<'_, T> {
    type Output = Result<T, TaskError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { task, waiting } = &mut *self;
        waiting.poll(task, cx)
    }
}

impl<T> Drop for Join<T> {
    #[inline]
    fn drop(&mut self) {
        self.waiting.forget(&self.task);
    }
}

impl<T> Drop for JoinMut<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.waiting.forget(self.task);
    }
}

/// What an await of a task remembers from poll to poll.
#[derive(Debug, Default)]
struct Waiting {
    watch: Option<WatchId>,
    seldom: Option<Box<Seldom>>,
}

/// What few awaits have.
#[derive(Debug, Default)]
struct Seldom {
    /// A cancel request of the awaiting task, forwarded to the task that is awaited.
    request: Option<Request>,
    /// Where a combinator polls only what was woken.
    place: Place,
}

impl Waiting {
    #[inline]
    fn poll<T: 'static>(
        &mut self,
        task: &mut Task<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, TaskError>> {
        if task.done() {
            return self.end(task, cx);
        }
        self.wait(task, cx)
    }

    #[inline]
    fn end<T: 'static>(
        &mut self,
        task: &mut Task<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, TaskError>> {
        let progress = ready!(loopwork_context::proceed(cx));
        if progress.holds_back() && self.watch.is_some() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        progress.made();
        // What is registered by now has been taken: dropping it later finds nothing.
        self.watch = None;
        if let Some(seldom) = self.seldom.take() {
            ready!(seldom.answered(task.raw()));
        }
        Poll::Ready(task.take_joined())
    }

    fn wait<T: 'static>(
        &mut self,
        task: &mut Task<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, TaskError>> {
        let registered = match self.watch {
            Some(id) => task.raw().rewatch(id, cx.waker()),
            None => {
                assert_not_itself(task);
                task.raw().watch_waker(cx.waker()).map(|id| self.watch = Some(id))
            }
        };
        if registered.is_err() {
            return self.end(task, cx);
        }
        loopwork_context::waits_for(WaitReason::Join);
        if !waker::is_task_waker(cx.waker()) {
            self.seldom().place.be_reached_by(cx.waker());
        }
        let Some(request) = loopwork_context::take_request() else { return Poll::Pending };
        if task.forward(&request) {
            self.hold(request);
            return Poll::Pending;
        }
        // It has ended just now, and has not heard of it.
        request.restore();
        self.end(task, cx)
    }

    fn seldom(&mut self) -> &mut Seldom {
        self.seldom.get_or_insert_default()
    }

    /// Holds a request until the task has answered it. One that is held merges with it.
    #[cold]
    fn hold(&mut self, request: Request) {
        let held = &mut self.seldom().request;
        *held = Request::merge(held.take(), Some(request));
    }

    #[inline]
    fn forget<T>(&mut self, task: &Task<T>) {
        if self.watch.is_some() {
            self.unwatch(task.raw());
        }
    }

    #[cold]
    fn unwatch(&mut self, task: &RawTask) {
        if let Some(id) = self.watch.take() {
            task.unwatch(id);
        }
    }
}

impl Seldom {
    /// The task has ended after a request came through here. Pending: it goes on upwards.
    #[cold]
    fn answered(self, task: &RawTask) -> Poll<()> {
        let Some(request) = self.request else { return Poll::Ready(()) };
        if task.cancelled() {
            request.resume();
            return Poll::Pending;
        }
        if task.has_answered() {
            request.end();
        } else {
            // It ended by itself in this very moment: the request is met at the next wait here.
            request.restore();
        }
        Poll::Ready(())
    }
}

fn assert_not_itself<T>(task: &Task<T>) {
    assert!(
        !std::ptr::eq(loopwork_context::task(), task.raw().as_ptr().cast()),
        "a task cannot await itself, since it would wait for ever: await it in another task"
    );
}

//! The future that waits for a lock, a permit, an event and the like.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use loopwork_context::{WaitReason, proceed, waits_for};
use pin_project_lite::pin_project;

use crate::waiters::Waiter;

/// What a [`Wait`] waits for. Sealed: the primitives of this crate implement it.
///
/// | source | of |
/// |---|---|
/// | `&Lock<T>`, `Arc<Lock<T>>`, `&Mutex<T>`, .. | [`lock`](crate::Lock::lock), [`lock_owned`](crate::Lock::lock_owned), .. |
/// | a type of its own, such as [`Acquire`](crate::semaphore::Acquire) | a method that takes arguments |
pub trait Source {
    /// What the wait ends with.
    type Output;

    /// What a task says that waits.
    #[doc(hidden)]
    const REASON: WaitReason;

    /// Takes what is there, or waits for it.
    #[doc(hidden)]
    fn poll(&mut self, waiter: Pin<&Waiter>, cx: &Context<'_>) -> Poll<Self::Output>;

    /// `waiter` will not be polled any more. What it was granted is handed on.
    #[doc(hidden)]
    fn leave(&mut self, waiter: Pin<&Waiter>);
}

pin_project! {
    /// A future of this crate: it waits for what its [`Source`] has to give.
    ///
    /// It has a place among those who wait from its first poll on. Dropping it before it is ready
    /// leaves, and hands on what it was granted: see the [table](crate#what-happens-to-a-future-that-is-dropped).
    /// Its place is a part of it, so that it has to be pinned, as `.await` does.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Wait<S: Source> {
        source: S,
        #[pin]
        waiter: Waiter,
    }

    impl<S: Source> PinnedDrop for Wait<S> {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.waiter.is_idle() {
                this.source.leave(this.waiter.as_ref());
            }
        }
    }
}

impl<S: Source> Wait<S> {
    #[inline]
    pub(crate) fn new(source: S) -> Self {
        Self { source, waiter: Waiter::new() }
    }

    /// Its two parts, for a source that does more than wait.
    pub(crate) fn parts(self: Pin<&mut Self>) -> (&mut S, Pin<&Waiter>) {
        let this = self.project();
        (this.source, this.waiter.into_ref())
    }
}

impl<S: Source> Future for Wait<S> {
    type Output = S::Output;

    /// A wait that a cancel request has overtaken takes nothing. What is ready costs one unit of the
    /// task's budget. Where that is used up the source is not polled: nothing is taken, nor a place
    /// among those who wait, and what was granted stays so.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Output> {
        let this = self.project();
        let progress = ready!(proceed(cx));
        if progress.holds_back() && !this.waiter.is_idle() {
            // Granted or not: it may be in this very moment. If this is dropped, that goes to another.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = this.source.poll(this.waiter.as_ref(), cx);
        match polled {
            Poll::Ready(_) => progress.made(),
            Poll::Pending => waits_for(S::REASON),
        }
        polled
    }
}

impl<S: Source> fmt::Debug for Wait<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("state", &self.waiter).finish_non_exhaustive()
    }
}

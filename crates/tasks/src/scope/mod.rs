//! Scopes: what can be cancelled as one. See `README.md` beside this file.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | [`CancelScope`] and [`scope`-like](CancelScope::run) futures |
//! | `edge.rs` | where requests meet what is inside |
//! | `state.rs` | what a scope shares with its handles and its timer |

mod edge;
mod state;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use loopwork_context::{CancelKind, CancelReason, ScopeId};
use loopwork_time::Instant;
use pin_project_lite::pin_project;

pub(crate) use edge::Edge;
pub use state::ScopeOver;
pub(crate) use state::State;

/// A part of a task that can be cancelled by itself, from any thread.
///
/// [`run`](CancelScope::run) makes a future the inside of the scope. A [`cancel`](CancelScope::cancel)
/// makes a request visible to all that waits inside: a [`catch_cancel`] there may take it, a task that
/// is awaited there is cancelled and waited for; if nobody takes it, the inside is dropped, and `run`
/// says that the scope was cancelled. What is around the scope never sees its request: who cancelled
/// is a matter of which scope it is, not of counting.
///
/// A request from outside wins over the scope's own: then the scope reports nothing, and what is
/// outside is cancelled.
///
/// Clones are handles of the same scope. A scope is entered once.
///
/// asyncio has none; the model is trio's `CancelScope`.
///
/// [`catch_cancel`]: loopwork_context::catch_cancel
///
/// ```
/// use std::future::pending;
/// use loopwork_tasks::CancelScope;
///
/// # loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap().block_on(async {
/// let scope = CancelScope::new();
/// let handle = scope.clone();
/// let cancelled = scope.run(async move {
///     handle.cancel_with("enough");
///     pending::<()>().await
/// });
/// assert_eq!(cancelled.await.unwrap_err().reason().message(), Some("enough"));
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct CancelScope {
    state: Arc<State>,
    shield: bool,
}

impl CancelScope {
    /// A scope that ends when its inside does, or when it is cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::with(None, false)
    }

    /// A scope that is cancelled at `deadline`.
    ///
    /// trio: `CancelScope(deadline=..)`.
    #[must_use]
    pub fn with_deadline(deadline: Instant) -> Self {
        Self::with(Some(deadline), false)
    }

    /// A scope that is cancelled when `duration` from now has passed.
    ///
    /// # Panics
    ///
    /// Outside an event loop, whose clock it needs.
    ///
    /// trio: `CancelScope(relative_deadline=..)`.
    #[must_use]
    #[track_caller]
    pub fn with_timeout(duration: Duration) -> Self {
        Self::with_deadline(Instant::now() + duration)
    }

    /// A scope whose request comes again at every wait inside, once it is cancelled: whoever catches
    /// it cannot wait any more, unless behind a shield. asyncio's requests, and those of other scopes,
    /// come once.
    ///
    /// trio: every `CancelScope`.
    ///
    /// ```
    /// use std::future::pending;
    /// use loopwork_tasks::CancelScope;
    /// use loopwork_context::catch_cancel;
    ///
    /// # loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap().block_on(async {
    /// let scope = CancelScope::level_triggered();
    /// scope.cancel();
    /// let cancelled = scope.run(async {
    ///     catch_cancel(pending::<()>()).await.unwrap_err().swallow();
    ///     pending::<()>().await; // would wait for ever
    /// });
    /// assert!(cancelled.await.is_err());
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn level_triggered() -> Self {
        Self::with(None, true)
    }

    fn with(deadline: Option<Instant>, level: bool) -> Self {
        Self {
            state: State::new(ScopeId::unique(), deadline.unwrap_or(Instant::FAR_FUTURE), level),
            shield: false,
        }
    }

    /// The same scope, to be entered with a shield: requests from outside wait until the inside has
    /// ended, and are pending again then.
    ///
    /// trio: `CancelScope(shield=True)`.
    #[must_use]
    pub fn shielded(mut self) -> Self {
        self.shield = true;
        self
    }

    /// Requests that the scope be cancelled. True unless it is over. It may come before the scope is
    /// entered.
    ///
    /// trio: `CancelScope.cancel`.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.state.cancel(CancelReason::unspoken())
    }

    /// Requests that the scope be cancelled, and says why.
    ///
    /// trio: `CancelScope.cancel(reason=..)`.
    #[track_caller]
    pub fn cancel_with(&self, reason: impl Into<CancelReason>) -> bool {
        self.state.cancel(reason.into())
    }

    /// Why the scope was first asked to be cancelled, by its deadline or by a call; whether or not it
    /// came to that.
    ///
    /// trio: `CancelScope.cancel_called`.
    #[must_use]
    pub fn cancel_called(&self) -> Option<CancelReason> {
        self.state.cancelled()
    }

    /// When it will be cancelled.
    ///
    /// trio: `CancelScope.deadline`.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.state.when()
    }

    /// Moves the deadline, or takes it away.
    ///
    /// # Errors
    ///
    /// If the scope is over, or its time was up before.
    pub fn set_deadline(&self, deadline: Option<Instant>) -> Result<(), ScopeOver> {
        self.state.reschedule(deadline)
    }

    /// Makes `future` the inside of the scope.
    ///
    /// Dropping what this gives drops the inside.
    ///
    /// # Errors
    ///
    /// Awaiting it says [`ScopeCancelled`] if the scope's own request ended the inside.
    ///
    /// # Panics
    ///
    /// If the scope was entered before.
    #[track_caller]
    pub fn run<F: IntoFuture>(&self, future: F) -> Scoped<F::IntoFuture> {
        self.state.enter();
        let edge = Edge::of(self.state.clone(), self.shield);
        Scoped { edge, inside: Some(future.into_future()) }
    }
}

impl Default for CancelScope {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.state, f)
    }
}

pin_project! {
    /// The future of [`CancelScope::run`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Scoped<F> {
        edge: Edge,
        #[pin]
        inside: Option<F>,
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = Result<F::Output, ScopeCancelled>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.edge.poll(this.inside, cx).map_err(|reason| ScopeCancelled { reason })
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("edge", &self.edge).finish_non_exhaustive()
    }
}

/// A scope was cancelled by its own request, and its inside did not end otherwise.
#[derive(Debug, Clone)]
pub struct ScopeCancelled {
    reason: CancelReason,
}

impl ScopeCancelled {
    /// Why.
    #[must_use]
    pub fn reason(&self) -> &CancelReason {
        &self.reason
    }

    /// Whether its deadline had passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.reason.kind() == CancelKind::Deadline
    }
}

impl fmt::Display for ScopeCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the scope was cancelled: {}", self.reason)
    }
}

impl std::error::Error for ScopeCancelled {}

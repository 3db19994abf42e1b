//! All results, in order.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use loopwork_context::{Place, Request, WaitReason, hold_back, proceed, waits_for};
use loopwork_core::{AnyTask, Handle, IntoTask, TaskError, Watch};

use crate::family::{Came, Counter, Family, Gatherable, Spawner, TryFamily};
use crate::tally::{Decision, Judge, Tally, Until};

/// Runs all of `awaitables` at once, each as a task of its own, and gives their values in the order
/// they were given in.
///
/// Futures become tasks of the loop that runs here: now, or at the first poll if none runs yet.
/// Tasks are taken as they are. The first that panics or is cancelled ends the wait with its error;
/// the others run on, and what becomes of them is not reported. No awaitables give no values.
///
/// When the awaiting task is cancelled the request goes to all that have not ended. When the future
/// is merely dropped, the tasks run on.
///
/// asyncio: `gather`; see [`Gather::return_exceptions`] for its flag, and [`gather!`](crate::gather!)
/// for awaitables of different types.
///
/// # Panics
///
/// When it is polled outside a loop, or while its loop is being closed.
#[doc(alias = "asyncio.gather")]
#[track_caller]
pub fn gather<I>(awaitables: I) -> Gather<Vec<I::Item>>
where
    I: IntoIterator,
    I::Item: IntoTask,
{
    gather_all(awaitables.into_iter().collect())
}

/// [`gather()`] for awaitables of different types: gives a tuple of their values.
///
/// ```
/// # fn example() {
/// # async fn name() -> &'static str { "" } async fn age() -> u32 { 0 }
/// # async fn example() -> Result<(), loopwork_core::TaskError> {
/// let (name, age) = loopwork_tasks::gather!(name(), age()).await?;
/// # Ok(()) }
/// # }
/// ```
#[macro_export]
macro_rules! gather {
    ($($awaitable:expr),+ $(,)?) => {
        $crate::gather_all(($($awaitable,)+))
    };
}

/// [`gather()`] for a `Vec` or a tuple.
#[track_caller]
pub fn gather_all<G: Gatherable>(awaitables: G) -> Gather<G> {
    let location = Location::caller();
    let mut gathering = Gathering::new(awaitables, location);
    if let Ok(handle) = Handle::current() {
        gathering.spawn(&handle);
    }
    Gather(gathering)
}

/// The future of [`gather()`].
#[must_use = "futures do nothing unless awaited"]
pub struct Gather<G: Gatherable>(Gathering<G>);

/// The future of [`Gather::return_exceptions`].
#[must_use = "futures do nothing unless awaited"]
pub struct GatherExceptions<G: Gatherable>(Gathering<G>);

impl<G: Gatherable> Gather<G> {
    /// Waits for all, and gives each result or error in its place.
    ///
    /// asyncio: `gather(.., return_exceptions=True)`.
    pub fn return_exceptions(mut self) -> GatherExceptions<G> {
        self.0.until = Until::All;
        if let Some(tally) = &self.0.tally {
            tally.0.change(Until::All);
        }
        GatherExceptions(self.0)
    }
}

impl<G> Gather<G>
where
    G: Gatherable,
    G::Family: TryFamily,
{
    /// Has an `Err` end the wait, as a panic and a cancellation do: gives the values of results that
    /// are all `Ok`, or the first error.
    ///
    /// asyncio: `gather`, whose awaitables raise.
    ///
    /// ```
    /// # async fn fetch(page: u32) -> std::io::Result<u32> { Ok(page) }
    /// # loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap().block_on(async {
    /// let pages = loopwork_tasks::gather([fetch(1), fetch(2)]).errors_fail().await;
    /// assert_eq!(pages.unwrap(), [1, 2]);
    /// # }).unwrap();
    /// ```
    pub fn errors_fail(self) -> TryGather<G> {
        TryGather(self.0)
    }
}

/// The future of [`Gather::errors_fail`].
#[must_use = "futures do nothing unless awaited"]
pub struct TryGather<G: Gatherable>(Gathering<G>);

/// Why [`Gather::errors_fail`] gave no values: what the first did that failed.
#[derive(Debug, Clone)]
pub enum GatherError<E> {
    /// It returned an error.
    Failed(E),
    /// It panicked or was cancelled.
    Task(TaskError),
}

impl<E: fmt::Display> fmt::Display for GatherError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Task(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for GatherError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Task(error) => Some(error),
        }
    }
}

impl<G> Future for TryGather<G>
where
    G: Gatherable,
    G::Family: TryFamily,
{
    type Output =
        Result<<G::Family as TryFamily>::Values, GatherError<<G::Family as TryFamily>::Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let gathering = &mut self.0;
        let mut decision = ready!(gathering.poll(Some(TryFamily::watch_errors), cx));
        if decision == Decision::All && gathering.request.is_some() {
            // The last may have been counted just before it was seen to have failed. An error is the
            // answer to the request.
            decision = gathering.family().failed().map_or(Decision::All, Decision::One);
        }
        if let Decision::One(index) = decision {
            let error = gathering.family().first_error(index);
            if let GatherError::Task(error) = &error {
                if error.is_cancelled() && gathering.resume() {
                    return Poll::Pending;
                }
            }
            gathering.answered(index);
            gathering.family().ignore_failures();
            gathering.finish();
            return Poll::Ready(Err(error));
        }
        if gathering.resume() {
            return Poll::Pending;
        }
        Poll::Ready(gathering.end().take_values())
    }
}

impl<G: Gatherable> Unpin for TryGather<G> {}

impl<G: Gatherable> fmt::Debug for TryGather<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryGather").field("spawned_at", &self.0.location).finish_non_exhaustive()
    }
}

/// What the futures are made of.
struct Gathering<G: Gatherable> {
    stage: Stage<G>,
    location: &'static Location<'static>,
    until: Until,
    /// As soon as there are tasks.
    tally: Option<Counter>,
    watches: Vec<Watch>,
    /// It has been polled.
    begun: bool,
    /// For what decides to be marked as ended, which takes as long as its worker takes for a few
    /// instructions.
    ending: Option<Ending>,
    /// A request of the awaiting task, forwarded to all that had not ended.
    request: Option<Request>,
    place: Place,
    waited: bool,
    /// The request was raised again here.
    resumed: bool,
}

type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Has errors counted as failures.
type WatchErrors<F> = fn(&F, &Counter) -> Vec<Watch>;

enum Stage<G: Gatherable> {
    Waiting(G),
    Spawned(G::Family),
    Done,
}

impl<G: Gatherable> Gathering<G> {
    fn new(awaitables: G, location: &'static Location<'static>) -> Self {
        Self {
            stage: Stage::Waiting(awaitables),
            location,
            until: Until::AllOrOne(Judge::Failed),
            tally: None,
            watches: Vec::new(),
            begun: false,
            ending: None,
            request: None,
            place: Place::default(),
            waited: false,
            resumed: false,
        }
    }

    #[track_caller]
    fn spawn(&mut self, handle: &Handle) {
        let Stage::Waiting(awaitables) = mem::replace(&mut self.stage, Stage::Done) else { return };
        let (tally, parts) = Tally::of_parts(self.until);
        let (location, watches) = (self.location, Vec::new());
        let spawner = Spawner { handle, location, parts, watches };
        let (family, watches) = awaitables.spawn(spawner);
        self.watches = watches;
        self.stage = Stage::Spawned(family);
        self.tally = Some(Counter(tally));
    }

    fn family(&self) -> &G::Family {
        match &self.stage {
            Stage::Spawned(family) => family,
            _ => panic!("`gather` was polled after it had given its result"),
        }
    }

    /// Waits for the decision, forwarding requests meanwhile.
    fn poll(
        &mut self,
        watch_errors: Option<WatchErrors<G::Family>>,
        cx: &mut Context<'_>,
    ) -> Poll<Decision> {
        if matches!(self.stage, Stage::Waiting(_)) {
            match Handle::current() {
                Ok(handle) => self.spawn(&handle),
                Err(error) => panic!("`gather` has to make tasks: {error}"),
            }
        }
        if !self.begun {
            self.begun = true;
            if let Some((watch_errors, tally)) = watch_errors.zip(self.tally.as_ref()) {
                let watches = watch_errors(self.family(), tally);
                self.watches.extend(watches);
            }
        }
        let tally: &Arc<Tally> = &self.tally.as_ref().expect("there are tasks").0;
        let decision = tally.poll(cx);
        if decision == Decision::Open || self.poll_ending(decision, cx).is_pending() {
            waits_for(WaitReason::Join);
            self.waited = true;
            self.place.be_reached_by(cx.waker());
            if let Some(request) = loopwork_context::take_request() {
                self.family().forward(&request);
                self.request = Request::merge(self.request.take(), Some(request));
            }
            return Poll::Pending;
        }
        ready!(hold_back(cx, self.waited));
        // A decision is looked at, not taken: it is there at the next look.
        ready!(proceed(cx)).made();
        Poll::Ready(decision)
    }

    /// What decides has left: waits until it is marked as ended.
    fn poll_ending(&mut self, decision: Decision, cx: &mut Context<'_>) -> Poll<()> {
        if self.ending.is_none() {
            let ending = self.family().ending(Came(decision));
            if ending.is_empty() {
                return Poll::Ready(());
            }
            self.ending = Some(Box::pin(all_ended(ending)));
        }
        let Some(ending) = &mut self.ending else { return Poll::Ready(()) };
        ready!(ending.as_mut().poll(cx));
        self.ending = None;
        Poll::Ready(())
    }

    /// Raises the held request here, once.
    fn resume(&mut self) -> bool {
        match self.request.take() {
            Some(request) if !self.resumed => {
                self.resumed = true;
                request.resume();
                true
            }
            _ => false,
        }
    }

    /// The failure of this one is the result: the held request is spent if that was the answer to it, and
    /// else is met at the next wait.
    fn answered(&mut self, index: usize) {
        if let Some(request) = self.request.take() {
            match self.family().has_answered(index) {
                true => request.end(),
                false => request.restore(),
            }
        }
    }

    fn finish(&mut self) {
        self.stage = Stage::Done;
        self.place.leave();
        self.leave();
    }

    /// All have ended: their results are to be taken.
    fn end(&mut self) -> G::Family {
        self.place.leave();
        // What was registered has fired.
        self.watches.clear();
        match mem::replace(&mut self.stage, Stage::Done) {
            Stage::Spawned(family) => family,
            _ => unreachable!("it has come to a decision"),
        }
    }

    /// Ends are of no interest any more.
    fn leave(&mut self) {
        if let Some(tally) = &self.tally {
            tally.0.forget();
        }
        self.watches.drain(..).for_each(Watch::remove);
    }
}

async fn all_ended(tasks: Vec<AnyTask>) {
    for task in tasks {
        task.ended().await;
    }
}

impl<G: Gatherable> Drop for Gathering<G> {
    fn drop(&mut self) {
        if !matches!(self.stage, Stage::Done) {
            self.leave();
        }
    }
}

// Nothing is pinned: tasks are reached through their handles.
impl<G: Gatherable> Unpin for Gather<G> {}
impl<G: Gatherable> Unpin for GatherExceptions<G> {}

impl<G: Gatherable> Future for Gather<G> {
    type Output = Result<<G::Family as Family>::Output, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let gathering = &mut self.0;
        let decision = ready!(gathering.poll(None, cx));
        if let Decision::One(index) = decision {
            let error = gathering.family().error(index);
            if error.is_cancelled() && gathering.resume() {
                return Poll::Pending;
            }
            gathering.answered(index);
            gathering.family().ignore_failures();
            gathering.finish();
            return Poll::Ready(Err(error));
        }
        // All returned values although they had been asked to stop: the request stands.
        if gathering.resume() {
            return Poll::Pending;
        }
        Poll::Ready(gathering.end().take())
    }
}

impl<G: Gatherable> Future for GatherExceptions<G> {
    type Output = <G::Family as Family>::Results;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let gathering = &mut self.0;
        if gathering.poll(None, cx).is_pending() || gathering.resume() {
            return Poll::Pending;
        }
        Poll::Ready(gathering.end().take_results())
    }
}

impl<G: Gatherable> fmt::Debug for Gather<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").field("spawned_at", &self.0.location).finish_non_exhaustive()
    }
}

impl<G: Gatherable> fmt::Debug for GatherExceptions<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatherExceptions")
            .field("spawned_at", &self.0.location)
            .finish_non_exhaustive()
    }
}

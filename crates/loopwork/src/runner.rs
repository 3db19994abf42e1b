//! Several runs on one loop.

use std::fmt;
use std::future::IntoFuture;
use std::mem;

use loopwork_core::LoopError;

use crate::event_loop::{Builder, EventLoop};
use crate::handle::Handle;
use crate::interrupt::interruptible;
use crate::teardown::tear_down;

/// Runs several futures on one loop, which is made for the first and torn down with the runner.
///
/// asyncio: `Runner`.
///
/// ```
/// use loopwork::{Runner, create_task};
///
/// let mut runner = Runner::new();
/// let task = runner.run(async { create_task(async { 6 * 7 }) })?;
/// assert_eq!(runner.run(task)?.unwrap(), 42);
/// runner.close();
/// # Ok::<_, loopwork::LoopError>(())
/// ```
#[doc(alias = "asyncio.Runner")]
pub struct Runner(Stage);

enum Stage {
    /// No loop yet.
    New(Builder),
    Open(Box<EventLoop>),
    Closed,
}

impl Runner {
    /// A runner whose loop has as many workers as the machine runs threads at once.
    #[must_use]
    pub fn new() -> Self {
        Self::with_builder(EventLoop::builder())
    }

    /// A runner whose loop `builder` makes.
    ///
    /// asyncio: `loop_factory=`.
    #[doc(alias = "loop_factory")]
    #[must_use]
    pub fn with_builder(builder: Builder) -> Self {
        Self(Stage::New(builder))
    }

    /// Runs the loop until `main` is done, and gives its output. Other tasks that have not ended stay as
    /// they are, for the next run.
    ///
    /// The first Ctrl-C (SIGINT) meanwhile cancels `main`: it may catch that, clean up with awaits, or
    /// refuse. If it ends cancelled by it, this is the error [`LoopError::Interrupted`]. A second Ctrl-C
    /// ends the process at once. All that is so on whichever thread this is, for all that run then; but only if
    /// nobody had set another action for the signal than the default.
    ///
    /// # Errors
    ///
    /// [`LoopError::Closed`] after [`close`](Runner::close), [`LoopError::Nested`] inside a loop,
    /// [`LoopError::Os`] if the loop cannot be built, [`LoopError::Stopped`] if something called `stop()`,
    /// [`LoopError::Cancelled`] if `main` was cancelled as a task, [`LoopError::Interrupted`] if that was by
    /// Ctrl-C.
    ///
    /// # Panics
    ///
    /// With `main`'s panic.
    ///
    /// asyncio: `Runner.run`.
    #[track_caller]
    pub fn run<F: IntoFuture>(&mut self, main: F) -> Result<F::Output, LoopError> {
        self.get_loop()?.run_until_complete(interruptible(main.into_future()))
    }

    /// The loop, which is made now if there is none yet.
    ///
    /// # Errors
    ///
    /// As [`run`](Runner::run), as far as it is about the loop.
    ///
    /// asyncio: `Runner.get_loop`.
    pub fn get_loop(&mut self) -> Result<&mut EventLoop, LoopError> {
        if Handle::current().is_ok() {
            return Err(LoopError::Nested);
        }
        if let Stage::New(builder) = &self.0 {
            self.0 = Stage::Open(Box::new(builder.clone().build()?));
        }
        match &mut self.0 {
            Stage::Open(event_loop) => Ok(event_loop),
            Stage::New(_) | Stage::Closed => Err(LoopError::Closed),
        }
    }

    /// Tears the loop down: cancels the tasks that are left and waits for them, however long they take; waits
    /// for the work of the loop's own executor; closes the loop. Closing twice does nothing.
    ///
    /// A task that panics meanwhile, and that nobody looks at, is reported. Neither `stop()` nor a cancel of
    /// everything ends the wait. On a thread that runs a loop nothing is awaited: the loop is closed, and
    /// what is left is dropped.
    ///
    /// asyncio: `Runner.close`.
    pub fn close(&mut self) {
        if let Stage::Open(event_loop) = mem::replace(&mut self.0, Stage::Closed) {
            tear_down(*event_loop);
        }
    }
}

impl Default for Runner {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Runner {
    /// As [`Runner::close`].
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Stage::New(_) => f.write_str("Runner(new)"),
            Stage::Open(event_loop) => f.debug_tuple("Runner").field(event_loop).finish(),
            Stage::Closed => f.write_str("Runner(closed)"),
        }
    }
}

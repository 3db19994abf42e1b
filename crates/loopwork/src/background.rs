//! A loop on threads of its own.

use std::fmt;
use std::thread::{self, JoinHandle};

use loopwork_core::LoopError;

use crate::event_loop::EventLoop;
use crate::handle::Handle;

/// A loop that runs on background threads. Dropping it stops the loop, waits for its threads and
/// closes it; on one of the loop's own threads, which cannot wait for themselves, it only asks for
/// that.
///
/// asyncio: a thread whose target is `loop.run_forever`.
///
/// ```
/// use loopwork::{EventLoop, run_coroutine_threadsafe};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let background = EventLoop::builder().workers(2).start()?;
/// let answer = run_coroutine_threadsafe(async { 6 * 7 }, &background.handle())?;
/// assert_eq!(answer.result(None)?, 42);
/// # Ok(()) }
/// ```
#[must_use = "the loop stops when this is dropped"]
pub struct BackgroundLoop {
    handle: Handle,
    thread: Option<JoinHandle<EventLoop>>,
}

impl BackgroundLoop {
    pub(crate) fn start(mut event_loop: EventLoop, name: &str) -> Result<Self, LoopError> {
        let handle = event_loop.handle();
        let thread = thread::Builder::new().name(format!("{name}-0")).spawn(move || {
            // A new loop on a new thread is neither closed nor nested.
            drop(event_loop.run_forever());
            event_loop
        })?;
        Ok(Self { handle, thread: Some(thread) })
    }

    /// The loop, to submit to.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Stops the loop, and gives it back as it is: open, with all that has not ended.
    ///
    /// # Errors
    ///
    /// [`LoopError::Nested`] on one of the loop's own threads, which cannot wait for themselves: the
    /// loop stops and closes.
    pub fn stop(mut self) -> Result<EventLoop, LoopError> {
        self.finish().ok_or(LoopError::Nested)
    }

    fn finish(&mut self) -> Option<EventLoop> {
        let thread = self.thread.take()?;
        self.handle.stop();
        if self.handle.is_current() {
            // The thread ends by itself; the loop closes when its result is dropped there.
            return None;
        }
        // The thread does not panic: tasks, callbacks and handlers are caught.
        thread.join().ok()
    }
}

impl Drop for BackgroundLoop {
    fn drop(&mut self) {
        drop(self.finish());
    }
}

impl fmt::Debug for BackgroundLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundLoop").field("handle", &self.handle).finish()
    }
}

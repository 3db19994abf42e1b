//! Children that say when they are ready.

use std::error::Error;
use std::fmt;
use std::future::Future;

use loopwork_core::{AnyTask, SharedError, Task};
use loopwork_sync::oneshot;

use super::TaskGroup;

/// With this a child says that it is ready. Dropping it says that it never will be.
#[derive(Debug)]
pub struct Started<V>(oneshot::Sender<V>);

impl<V> Started<V> {
    /// It is ready: `value` goes to who started it.
    ///
    /// # Errors
    ///
    /// Gives the value back if nobody waits for it any more.
    pub fn ready(self, value: V) -> Result<(), V> {
        self.0.send(value)
    }
}

/// A child has ended before it was ready. If it failed, the group says with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotStarted(());

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the child ended before it was ready")
    }
}

impl Error for NotStarted {}

impl TaskGroup {
    /// Makes a child, and waits until it says that it is ready: what it says is given, along with the
    /// task, which goes on as a child of the group.
    ///
    /// If what this gives is dropped or cancelled before that, the child is cancelled.
    ///
    /// # Errors
    ///
    /// If the child ends without saying so.
    ///
    /// # Panics
    ///
    /// As [`create_task`](TaskGroup::create_task).
    ///
    /// trio: `nursery.start`.
    ///
    /// ```
    /// use loopwork_tasks::TaskGroup;
    ///
    /// # loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap().block_on(async {
    /// let port = TaskGroup::new().run(|group| async move {
    ///     let (port, _server) = group
    ///         .start(|started| async move {
    ///             started.ready(8080).expect("somebody waits");
    ///             // .. serve
    ///             Ok::<_, std::io::Error>(())
    ///         })
    ///         .await?;
    ///     Ok::<_, loopwork_tasks::NotStarted>(port)
    /// });
    /// assert_eq!(port.await.unwrap(), 8080);
    /// # }).unwrap();
    /// ```
    pub async fn start<V, F, T, E>(
        &self,
        child: impl FnOnce(Started<V>) -> F,
    ) -> Result<(V, Task<Result<T, SharedError>>), NotStarted>
    where
        V: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let (sender, receiver) = oneshot::channel();
        let task = self.create_task(child(Started(sender)));
        let starting = Starting(Some(task.as_any()));
        let ready = receiver.await;
        starting.done();
        match ready {
            Ok(value) => Ok((value, task)),
            Err(_) => Err(NotStarted(())),
        }
    }
}

/// Cancels a child that nobody waits for any more.
struct Starting(Option<AnyTask>);

impl Starting {
    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.cancel_with("nobody waits for it to be ready");
        }
    }
}

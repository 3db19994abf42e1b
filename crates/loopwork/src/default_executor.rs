//! The executor of `run_in_executor(None, ..)`: made on first use.

use std::fmt;
use std::sync::Arc;

use loopwork_executors::{Executor, ThreadPoolExecutor};
use loopwork_shim::sync::Mutex;

/// Which executor a loop uses when it is given none.
pub(crate) struct DefaultExecutor(Mutex<Stage>);

enum Stage {
    Unused,
    Ready(Arc<dyn Executor>),
    ShutDown,
}

impl DefaultExecutor {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Stage::Unused))
    }

    /// The executor; `None` once it was shut down.
    pub(crate) fn get(&self) -> Option<Arc<dyn Executor>> {
        let mut stage = self.0.lock();
        match &*stage {
            Stage::ShutDown => None,
            Stage::Ready(executor) => Some(executor.clone()),
            Stage::Unused => {
                let executor: Arc<dyn Executor> = Arc::new(ThreadPoolExecutor::new());
                *stage = Stage::Ready(executor.clone());
                Some(executor)
            }
        }
    }

    /// Replaces it, unless it was shut down. The one before is dropped, not shut down.
    pub(crate) fn set(&self, executor: Arc<dyn Executor>) {
        let mut stage = self.0.lock();
        if matches!(*stage, Stage::ShutDown) {
            return;
        }
        let before = std::mem::replace(&mut *stage, Stage::Ready(executor));
        drop(stage);
        drop(before);
    }

    /// From now on there is none. What there was is to be shut down.
    pub(crate) fn take(&self) -> Option<Arc<dyn Executor>> {
        match std::mem::replace(&mut *self.0.lock(), Stage::ShutDown) {
            Stage::Ready(executor) => Some(executor),
            Stage::Unused | Stage::ShutDown => None,
        }
    }
}

impl fmt::Debug for DefaultExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0.lock() {
            Stage::Unused => "DefaultExecutor(unused)",
            Stage::Ready(_) => "DefaultExecutor(ready)",
            Stage::ShutDown => "DefaultExecutor(shut down)",
        })
    }
}

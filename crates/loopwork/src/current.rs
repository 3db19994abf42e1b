//! Which loop this thread runs.

use std::cell::RefCell;
use std::marker::PhantomData;

use loopwork_core::LoopError;

use crate::handle::Handle;

loopwork_shim::thread_local! {
    static CURRENT: RefCell<Option<Handle>> = RefCell::new(None)
}

/// While this lives, its thread belongs to a loop.
#[derive(Debug)]
pub(crate) struct Entered {
    // The entry belongs to the thread that made it.
    not_send: PhantomData<*const ()>,
}

impl Entered {
    pub(crate) fn new(handle: Handle) -> Self {
        CURRENT.with(|current| *current.borrow_mut() = Some(handle));
        Self { not_send: PhantomData }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Dropped outside the borrow: it may be the last of its loop.
        let handle = CURRENT.with(|current| current.borrow_mut().take());
        drop(handle);
    }
}

pub(crate) fn current() -> Result<Handle, LoopError> {
    CURRENT.with(|current| current.borrow().clone()).ok_or(LoopError::NoRunningLoop)
}

//! Which reactor is the current thread's.

use std::cell::RefCell;
use std::io;
use std::marker::PhantomData;

use super::ReactorHandle;

loopwork_shim::thread_local! {
    static CURRENT: RefCell<Option<ReactorHandle>> = RefCell::new(None)
}

/// While this guard lives, its thread's [current reactor](ReactorHandle::current) is the one it was
/// made from. Dropped, it restores the one before; guards are dropped in reverse order of making.
#[derive(Debug)]
#[must_use = "the reactor is current only while the guard lives"]
pub struct Entered {
    outer: Option<ReactorHandle>,
    // The slot belongs to the thread that entered.
    not_send: PhantomData<*const ()>,
}

impl ReactorHandle {
    /// Makes this the thread's current reactor until the guard is dropped. Entries nest.
    pub fn enter(&self) -> Entered {
        let outer = CURRENT.with(|current| current.replace(Some(self.clone())));
        Entered { outer, not_send: PhantomData }
    }

    /// The reactor of the loop this thread is in.
    ///
    /// # Errors
    ///
    /// Outside a loop, with a text that names the fix.
    #[doc(alias = "get_running_loop")]
    pub fn current() -> io::Result<Self> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten().ok_or_else(|| {
            io::Error::other(
                "a socket was made outside an event loop: make it inside \
                 `EventLoop::run_until_complete` or `#[loopwork::main]`",
            )
        })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let inner = CURRENT.try_with(|current| current.replace(self.outer.take()));
        drop(inner);
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;
    use crate::Reactor;

    #[test]
    fn entries_nest_and_belong_to_their_thread() {
        let reactor = Reactor::new().unwrap();
        assert!(ReactorHandle::current().is_err());
        let outer = reactor.handle().enter();
        drop(reactor.handle().enter());
        assert!(ReactorHandle::current().is_ok());
        std::thread::spawn(|| assert!(ReactorHandle::current().is_err())).join().unwrap();
        drop(outer);
        assert!(ReactorHandle::current().is_err());
    }

    #[test]
    fn the_error_names_the_fix() {
        let text = ReactorHandle::current().unwrap_err().to_string();
        assert!(text.contains("`EventLoop::run_until_complete`"), "{text}");
    }
}

//! Ctrl-C cancels the future that runs.

use std::future::Future;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loopwork_context::{CancelKind, CancelReason};
use loopwork_core::{AnyTask, current_task};
use loopwork_io::{Direction, Readiness};
use loopwork_process::interrupt::{HasCome, Interrupt};

/// `main`, whose task is cancelled by the first SIGINT.
pub(crate) async fn interruptible<F: Future>(main: F) -> F::Output {
    // Without one of the two, Ctrl-C does what it did.
    let _watch = Interrupt::catch().and_then(|interrupt| Watch::new(interrupt).ok());
    main.await
}

/// While this lives, SIGINT cancels the task that made it.
struct Watch {
    // First: nobody looks at the descriptor any more when the signal is let go.
    _descriptor: Readiness<&'static UnixStream>,
    _interrupt: Interrupt,
}

impl Watch {
    /// By a root, in its first poll.
    fn new(interrupt: Interrupt) -> io::Result<Self> {
        let descriptor = Readiness::new(interrupt.descriptor())?;
        let has_come = interrupt.has_come();
        let task = current_task().expect("a root is a task");
        // Once is enough: the signal comes once. Other wake-ups are none of its business.
        let cancels = Arc::new(Cancels { task, has_come });
        let waker = Waker::from(cancels.clone());
        let look = |_: &_| match has_come.get() {
            true => Ok(()),
            false => Err(io::ErrorKind::WouldBlock.into()),
        };
        match descriptor.poll_io(Direction::Read, &mut Context::from_waker(&waker), look) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => cancels.wake(),
            Poll::Ready(Err(error)) => return Err(error),
        }
        Ok(Self { _descriptor: descriptor, _interrupt: interrupt })
    }
}

/// The waker of the descriptor.
///
/// It may be on its way on another thread when the run has ended: so it does not hold the signal.
struct Cancels {
    task: AnyTask,
    has_come: HasCome,
}

impl Wake for Cancels {
    fn wake(self: Arc<Self>) {
        if self.has_come.get() {
            self.task.cancel_with(CancelReason::of_kind(CancelKind::Interrupt));
        }
    }
}

//! The smallest executor that turns a reactor: one thread, futures polled when any was woken.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loopwork_io::{Reactor, Unparker};

struct Unpark(Unparker);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs the future that `make` makes inside the reactor.
pub(crate) fn run<F: Future>(make: impl FnOnce() -> F) -> F::Output {
    let mut reactor = Reactor::new().unwrap();
    let _entered = reactor.handle().enter();
    let waker = Waker::from(Arc::new(Unpark(reactor.unparker())));
    let mut future = pin!(make());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        reactor.turn(None).unwrap();
    }
}

/// Waits for all, polling each that has not ended on every wake-up.
#[allow(dead_code, reason = "not every test binary waits for several")]
pub(crate) async fn join<T>(futures: Vec<Pin<Box<dyn Future<Output = T> + '_>>>) -> Vec<T> {
    let mut outputs: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    let mut futures = futures;
    std::future::poll_fn(|cx| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                if let Poll::Ready(ready) = future.as_mut().poll(cx) {
                    *output = Some(ready);
                }
            }
        }
        if outputs.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

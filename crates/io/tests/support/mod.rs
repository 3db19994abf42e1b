//! The smallest executor that turns a reactor: one thread, tasks polled when woken.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loopwork_io::{Reactor, Unparker};

/// Runs `test` on the system's best reactor, on the portable one with edges, and on that without.
pub(crate) fn on_each(test: impl Fn(&mut Runner)) {
    test(&mut Runner::new(Reactor::new().unwrap()));
    test(&mut Runner::new(Reactor::portable().unwrap()));
    test(&mut Runner::new(Reactor::oneshot().unwrap()));
}

type Task = (Pin<Box<dyn Future<Output = ()>>>, Arc<Flag>);

/// Polls tasks and turns a reactor on the thread that calls it.
pub(crate) struct Runner {
    pub(crate) reactor: Reactor,
    spawned: Rc<RefCell<Vec<Task>>>,
}

/// Spawns tasks on a [`Runner`].
#[derive(Clone)]
pub(crate) struct Spawner {
    unparker: Unparker,
    spawned: Rc<RefCell<Vec<Task>>>,
}

/// Woken, and not polled since.
struct Flag {
    woken: AtomicBool,
    unparker: Unparker,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.unparker.unpark();
    }
}

impl Runner {
    pub(crate) fn new(reactor: Reactor) -> Self {
        Self { reactor, spawned: Rc::default() }
    }

    pub(crate) fn spawner(&self) -> Spawner {
        Spawner { unparker: self.reactor.unparker(), spawned: self.spawned.clone() }
    }

    /// Runs until `main` and every task it spawned have ended.
    pub(crate) fn run<T: 'static>(&mut self, main: impl Future<Output = T> + 'static) -> T {
        let _entered = self.reactor.handle().enter();
        let result = Rc::new(RefCell::new(None));
        let slot = result.clone();
        self.spawner().spawn(async move { *slot.borrow_mut() = Some(main.await) });
        let mut tasks: Vec<Task> = Vec::new();
        loop {
            tasks.append(&mut self.spawned.borrow_mut());
            let mut polled = false;
            tasks.retain_mut(|(future, flag)| {
                if !flag.woken.swap(false, Ordering::SeqCst) {
                    return true;
                }
                polled = true;
                let waker = Waker::from(flag.clone());
                future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
            });
            if tasks.is_empty() && self.spawned.borrow().is_empty() {
                return result.take().expect("the main task has ended");
            }
            if !polled && self.spawned.borrow().is_empty() {
                self.reactor.turn(None).unwrap();
            }
        }
    }
}

impl Spawner {
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        let flag = Flag { woken: AtomicBool::new(true), unparker: self.unparker.clone() };
        self.spawned.borrow_mut().push((Box::pin(future), Arc::new(flag)));
    }
}

/// Counts its wake-ups.
#[derive(Default)]
pub(crate) struct Counter(AtomicUsize);

impl Counter {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let counter = Arc::new(Self::default());
        (counter.clone(), Waker::from(counter))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

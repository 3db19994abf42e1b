//! The run queues. Under loom they are small models: loom checks how we use them, stress tests
//! check crossbeam.

#[cfg(not(loopwork_loom))]
pub(crate) use self::crossbeam::{Injector, LocalQueue, Stealer};
#[cfg(loopwork_loom)]
pub(crate) use self::modelled::{Injector, LocalQueue, Stealer};

#[cfg(not(loopwork_loom))]
mod crossbeam {
    use crate::task::Runnable;
    use crossbeam_deque::{Injector as Inner, Steal, Worker};
    use std::fmt;

    /// A worker's own queue: first in, first out.
    pub(crate) struct LocalQueue(Worker<Runnable>);

    /// What the other workers hold of it.
    pub(crate) struct Stealer(crossbeam_deque::Stealer<Runnable>);

    /// Where everybody else pushes: first in, first out.
    pub(crate) struct Injector(Inner<Runnable>);

    impl LocalQueue {
        pub(crate) fn new() -> (Self, Stealer) {
            let worker = Worker::new_fifo();
            let stealer = Stealer(worker.stealer());
            (Self(worker), stealer)
        }

        pub(crate) fn push(&self, runnable: Runnable) {
            self.0.push(runnable);
        }

        pub(crate) fn pop(&self) -> Option<Runnable> {
            self.0.pop()
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }
    }

    impl Stealer {
        /// Moves about half of the queue over, and takes the first of it.
        pub(crate) fn steal_into(&self, queue: &LocalQueue) -> Option<Runnable> {
            retry(|| self.0.steal_batch_and_pop(&queue.0))
        }

        pub(crate) fn steal(&self) -> Option<Runnable> {
            retry(|| self.0.steal())
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }
    }

    impl Injector {
        pub(crate) fn new() -> Self {
            Self(Inner::new())
        }

        pub(crate) fn push(&self, runnable: Runnable) {
            self.0.push(runnable);
        }

        /// Moves a batch over, and takes the first of it.
        pub(crate) fn steal_into(&self, queue: &LocalQueue) -> Option<Runnable> {
            retry(|| self.0.steal_batch_and_pop(&queue.0))
        }

        pub(crate) fn steal(&self) -> Option<Runnable> {
            retry(|| self.0.steal())
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }
    }

    fn retry(mut steal: impl FnMut() -> Steal<Runnable>) -> Option<Runnable> {
        loop {
            match steal() {
                Steal::Success(runnable) => return Some(runnable),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    impl fmt::Debug for LocalQueue {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("LocalQueue").field("len", &self.len()).finish()
        }
    }
}

#[cfg(loopwork_loom)]
mod modelled {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use loopwork_shim::atomic::{AtomicUsize, Ordering};
    use loopwork_shim::sync::Mutex;

    use crate::task::Runnable;

    /// The real queues are asked for their emptiness without a lock: so is this one, as weakly
    /// as can be, so that only the fences of the idle protocol make up for it.
    #[derive(Debug)]
    struct Queue {
        items: Mutex<VecDeque<Runnable>>,
        len: AtomicUsize,
    }

    #[derive(Debug)]
    pub(crate) struct LocalQueue(Arc<Queue>);

    #[derive(Debug)]
    pub(crate) struct Stealer(Arc<Queue>);

    #[derive(Debug)]
    pub(crate) struct Injector(Queue);

    impl Queue {
        fn new() -> Self {
            Self { items: Mutex::new(VecDeque::new()), len: AtomicUsize::new(0) }
        }

        fn push(&self, runnable: Runnable) {
            let mut items = self.items.lock();
            items.push_back(runnable);
            self.len.store(items.len(), Ordering::Relaxed);
        }

        fn pop(&self) -> Option<Runnable> {
            let mut items = self.items.lock();
            let runnable = items.pop_front();
            self.len.store(items.len(), Ordering::Relaxed);
            runnable
        }

        fn len(&self) -> usize {
            self.len.load(Ordering::Relaxed)
        }
    }

    impl LocalQueue {
        pub(crate) fn new() -> (Self, Stealer) {
            let queue = Arc::new(Queue::new());
            (Self(queue.clone()), Stealer(queue))
        }

        pub(crate) fn push(&self, runnable: Runnable) {
            self.0.push(runnable);
        }

        pub(crate) fn pop(&self) -> Option<Runnable> {
            self.0.pop()
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }
    }

    impl Stealer {
        pub(crate) fn steal_into(&self, _: &LocalQueue) -> Option<Runnable> {
            self.0.pop()
        }

        pub(crate) fn steal(&self) -> Option<Runnable> {
            self.0.pop()
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.0.len() == 0
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }
    }

    impl Injector {
        pub(crate) fn new() -> Self {
            Self(Queue::new())
        }

        pub(crate) fn push(&self, runnable: Runnable) {
            self.0.push(runnable);
        }

        pub(crate) fn steal_into(&self, _: &LocalQueue) -> Option<Runnable> {
            self.0.pop()
        }

        pub(crate) fn steal(&self) -> Option<Runnable> {
            self.0.pop()
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.0.len() == 0
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }
    }
}

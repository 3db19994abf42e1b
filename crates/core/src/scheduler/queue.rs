//! The deque of a worker, whose items are chains. In a model it is a small stand-in: models check
//! how we use it, stress tests check crossbeam.

use crate::task::Chain;

#[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
pub(crate) type LocalQueue = crossbeam::Deque;
#[cfg(any(loopwork_loom, loopwork_shuttle))]
pub(crate) type LocalQueue = modelled::Deque;
pub(crate) type LocalStealer = <LocalQueue as Queue>::Stealer;

/// The owner's end: first in, first out.
pub(crate) trait Queue: Sized {
    /// What the other workers hold of it.
    type Stealer: Stealer<Self>;

    fn new() -> (Self, Self::Stealer);
    fn push(&self, chain: Chain);
    fn pop(&self) -> Option<Chain>;
    fn is_empty(&self) -> bool;
}

/// The other workers' end.
pub(crate) trait Stealer<Q> {
    /// Moves about half of the queue into `queue`, but no more than `limit` chains, and takes the
    /// first of them.
    fn steal_into(&self, queue: &Q, limit: usize) -> Option<Chain>;
    fn steal(&self) -> Option<Chain>;
    fn is_empty(&self) -> bool;
    /// How many chains there are. A hint.
    fn len(&self) -> usize;
}

#[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
mod crossbeam {
    use std::fmt;

    use crossbeam_deque::{Steal, Worker};

    use super::{Queue, Stealer};
    use crate::task::Chain;

    /// Crossbeam's: a growing ring (Chase and Lev: *Dynamic Circular Work-Stealing Deque*, 2005),
    /// of the flavour whose owner takes from the thieves' end.
    pub(crate) struct Deque(Worker<Chain>);

    pub(crate) struct Thief(crossbeam_deque::Stealer<Chain>);

    impl Queue for Deque {
        type Stealer = Thief;

        fn new() -> (Self, Thief) {
            let worker = Worker::new_fifo();
            let thief = Thief(worker.stealer());
            (Self(worker), thief)
        }

        #[inline]
        fn push(&self, chain: Chain) {
            self.0.push(chain);
        }

        #[inline]
        fn pop(&self) -> Option<Chain> {
            self.0.pop()
        }

        #[inline]
        fn is_empty(&self) -> bool {
            self.0.is_empty()
        }
    }

    impl Stealer<Deque> for Thief {
        fn steal_into(&self, queue: &Deque, limit: usize) -> Option<Chain> {
            retry(|| self.0.steal_batch_with_limit_and_pop(&queue.0, limit))
        }

        fn steal(&self) -> Option<Chain> {
            retry(|| self.0.steal())
        }

        fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        fn len(&self) -> usize {
            self.0.len()
        }
    }

    fn retry(mut steal: impl FnMut() -> Steal<Chain>) -> Option<Chain> {
        loop {
            match steal() {
                Steal::Success(chain) => return Some(chain),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }

    impl fmt::Debug for Deque {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Deque").field("chains", &self.0.len()).finish()
        }
    }
}

#[cfg(any(loopwork_loom, loopwork_shuttle))]
mod modelled {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use loopwork_shim::atomic::{AtomicUsize, Ordering};
    use loopwork_shim::sync::Mutex;

    use super::{Queue, Stealer};
    use crate::task::Chain;

    /// The real queue is asked for its emptiness without a lock: so is this one, as weakly as can
    /// be, so that only the fences of the idle protocol make up for it.
    #[derive(Debug)]
    struct Chains {
        items: Mutex<VecDeque<Chain>>,
        len: AtomicUsize,
    }

    #[derive(Debug)]
    pub(crate) struct Deque(Arc<Chains>);

    #[derive(Debug)]
    pub(crate) struct Thief(Arc<Chains>);

    impl Chains {
        fn pop(&self) -> Option<Chain> {
            let mut items = self.items.lock();
            let chain = items.pop_front();
            self.len.store(items.len(), Ordering::Relaxed);
            chain
        }

        fn is_empty(&self) -> bool {
            self.len.load(Ordering::Relaxed) == 0
        }
    }

    impl Queue for Deque {
        type Stealer = Thief;

        fn new() -> (Self, Thief) {
            let items = Mutex::new(VecDeque::new());
            let chains = Arc::new(Chains { items, len: AtomicUsize::new(0) });
            (Self(chains.clone()), Thief(chains))
        }

        fn push(&self, chain: Chain) {
            let mut items = self.0.items.lock();
            items.push_back(chain);
            self.0.len.store(items.len(), Ordering::Relaxed);
        }

        fn pop(&self) -> Option<Chain> {
            self.0.pop()
        }

        fn is_empty(&self) -> bool {
            self.0.is_empty()
        }
    }

    impl Stealer<Deque> for Thief {
        fn steal_into(&self, _: &Deque, _: usize) -> Option<Chain> {
            self.0.pop()
        }

        fn steal(&self) -> Option<Chain> {
            self.0.pop()
        }

        fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        fn len(&self) -> usize {
            self.0.len.load(Ordering::Relaxed)
        }
    }
}

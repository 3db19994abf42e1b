//! Timers by number: how a sleep that is polled on a thread without timers finds those it was made
//! by. The others pay nothing for it.

use std::sync::Weak;

use super::{Shared, Timers};

/// Names the timers that a sleep was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u32);

/// Timers that are found until this is dropped.
#[derive(Debug)]
pub(super) struct Listed(Id);

impl Listed {
    #[inline]
    pub(super) fn id(&self) -> Id {
        self.0
    }
}

#[cfg(not(any(loopwork_loom, loopwork_shuttle)))]
mod kind {
    use std::collections::BTreeMap;
    use std::collections::btree_map::Entry;

    use loopwork_shim::sync::Mutex;

    use super::*;

    struct Directory {
        last: u32,
        timers: BTreeMap<u32, Weak<Shared>>,
    }

    static DIRECTORY: Mutex<Directory> = Mutex::new(Directory { last: 0, timers: BTreeMap::new() });

    impl Listed {
        pub(in super::super) fn new(timers: Weak<Shared>) -> Self {
            let mut directory = DIRECTORY.lock();
            // A number comes again after 2^32 loops, and not while its timers are there.
            loop {
                directory.last = directory.last.wrapping_add(1);
                let id = directory.last;
                if let Entry::Vacant(place) = directory.timers.entry(id) {
                    place.insert(timers);
                    return Self(Id(id));
                }
            }
        }
    }

    impl Id {
        /// The timers, if they are still there.
        pub(crate) fn find(self) -> Option<Timers> {
            let found = DIRECTORY.lock().timers.get(&self.0).and_then(Weak::upgrade);
            found.map(Timers)
        }
    }

    impl Drop for Listed {
        fn drop(&mut self) {
            DIRECTORY.lock().timers.remove(&self.0.0);
        }
    }
}

/// A model has one loop, and nothing that outlives it.
#[cfg(any(loopwork_loom, loopwork_shuttle))]
mod kind {
    use super::*;

    impl Listed {
        pub(in super::super) fn new(_: Weak<Shared>) -> Self {
            Self(Id(0))
        }
    }

    impl Id {
        pub(crate) fn find(self) -> Option<Timers> {
            None
        }
    }
}

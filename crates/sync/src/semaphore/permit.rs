//! Permits that give themselves back.

use std::fmt;
use std::mem;
use std::sync::Arc;

use super::Semaphore;
use crate::permits::Taken;

macro_rules! permit {
    ($(#[$doc:meta])* $name:ident $(<$life:lifetime>)?, $handle:ty) => {
        $(#[$doc])*
        #[must_use = "the permits are given back when this is dropped"]
        pub struct $name $(<$life>)? {
            semaphore: $handle,
            permits: usize,
        }

        impl $(<$life>)? $name $(<$life>)? {
            #[inline]
            pub(super) fn new(semaphore: $handle, _: Taken, permits: usize) -> Self {
                Self { semaphore, permits }
            }

            /// How many permits this is.
            pub fn permits(&self) -> usize {
                self.permits
            }

            /// Does not give them back: there are fewer from now on, until somebody
            /// [releases](Semaphore::release) others.
            pub fn forget(mut self) {
                self.permits = 0;
            }

            /// Takes `permits` out, to be given back apart from the rest.
            ///
            /// `None`, with nothing changed, if this is not as many.
            #[must_use]
            pub fn split(&mut self, permits: usize) -> Option<Self> {
                self.permits = self.permits.checked_sub(permits)?;
                Some(Self { semaphore: self.semaphore.clone(), permits })
            }

            /// Adds those of `other`, to be given back together.
            ///
            /// # Panics
            ///
            /// If `other` is of another semaphore.
            pub fn merge(&mut self, mut other: Self) {
                let (ours, theirs): (&Semaphore, &Semaphore) = (&self.semaphore, &other.semaphore);
                assert!(
                    std::ptr::eq(ours, theirs),
                    "permits of different semaphores do not mix: keep both"
                );
                self.permits += mem::take(&mut other.permits);
            }
        }

        impl $(<$life>)? Drop for $name $(<$life>)? {
            #[inline]
            fn drop(&mut self) {
                if self.permits > 0 {
                    self.semaphore.permits.give_back(self.permits);
                }
            }
        }

        impl $(<$life>)? fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("permits", &self.permits).finish()
            }
        }
    };
}

permit! {
    /// Permits of a [`Semaphore`]; dropping this gives them back.
    SemaphorePermit<'a>, &'a Semaphore
}
permit! {
    /// Permits of a [`Semaphore`] that it keeps alive; dropping this gives them back.
    OwnedSemaphorePermit, Arc<Semaphore>
}

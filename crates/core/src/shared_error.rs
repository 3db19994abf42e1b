//! An error that several look at.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// An error of any type that several look at: who awaits the child that failed, and who awaits its
/// group; all who await a promise; and the exception handler.
///
/// ```
/// use std::io;
/// use loopwork_core::SharedError;
///
/// let error = SharedError::new(io::Error::other("the disk is full"));
/// assert_eq!(error.clone().to_string(), "the disk is full");
/// assert!(error.downcast_ref::<io::Error>().is_some());
/// ```
// One word, so that a `Result` of it is small: every child of a group gives one.
#[derive(Clone)]
pub struct SharedError(Arc<Box<dyn Error + Send + Sync>>);

impl SharedError {
    /// Shares an error. One that is shared already stays as it is.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(shared) => *shared,
            Err(error) => Self(Arc::new(error)),
        }
    }

    /// The error itself.
    #[must_use]
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &**self.0
    }

    /// The error itself, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for SharedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

#[cfg(all(test, not(loopwork_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_not_wrapped_again() {
        let error = SharedError::new("once");
        let again = SharedError::new(error.clone());
        assert!(Arc::ptr_eq(&error.0, &again.0));
    }
}

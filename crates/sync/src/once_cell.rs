//! A value that is made once, by whoever needs it first.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use crate::guarded::Once;
use crate::lock::Lock;

/// A cell whose value is made by the first who needs it, while others wait.
///
/// To read it once it is there is a load. asyncio has no such type.
///
/// ```
/// use loopwork_sync::OnceCell;
///
/// # futures::executor::block_on(async {
/// static CONFIG: OnceCell<String> = OnceCell::new();
/// let config = CONFIG.get_or_init(async || "read from a file".to_owned()).await;
/// assert_eq!(CONFIG.get(), Some(config));
/// # });
/// ```
pub struct OnceCell<T> {
    value: Once<T>,
    /// Held by who makes the value.
    making: Lock<()>,
}

/// Why [`OnceCell::set`] refused the value, which it gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetError<T> {
    /// There is one already.
    AlreadySet(T),
    /// Somebody is making one.
    Initializing(T),
}

impl<T> OnceCell<T> {
    loopwork_shim::const_fn! {
        /// An empty cell.
        #[must_use]
        pub fn new() -> Self {
            Self { value: Once::new(None), making: Lock::new(()) }
        }
    }

    loopwork_shim::const_fn! {
        /// A cell with a value.
        #[must_use]
        pub fn with_value(value: T) -> Self {
            Self { value: Once::new(Some(value)), making: Lock::new(()) }
        }
    }

    /// The value, if it is there.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value. If it is not there, `init` makes it, or is waited for where somebody else has begun.
    ///
    /// Dropping the future that makes the value, or a panic of its `init`, leaves the cell empty: the
    /// next who waits makes the value. Dropping one that waits leaves.
    pub async fn get_or_init(&self, init: impl AsyncFnOnce() -> T) -> &T {
        let made = self.get_or_try_init(async || Ok::<_, Infallible>(init().await)).await;
        made.unwrap_or_else(|never| match never {})
    }

    /// [`get_or_init`](OnceCell::get_or_init) for an `init` that may fail: then the next tries.
    ///
    /// # Errors
    ///
    /// That of `init`. The cell stays empty.
    pub async fn get_or_try_init<E>(
        &self,
        init: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        // Unwind: a panic of `init` drops the guard, as does dropping this future.
        let making = self.making.lock().await;
        if let Some(value) = self.get() {
            return Ok(value);
        }
        let value = init().await?;
        Ok(self.value.fill(value, &making))
    }

    /// Sets the value, at once.
    ///
    /// # Errors
    ///
    /// The value, in an error that says why it was refused.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        let making = self.making.try_lock();
        if self.is_set() {
            return Err(SetError::AlreadySet(value));
        }
        match making {
            None => Err(SetError::Initializing(value)),
            Some(making) => {
                self.value.fill(value, &making);
                Ok(())
            }
        }
    }

    /// Whether there is a value.
    pub fn is_set(&self) -> bool {
        self.get().is_some()
    }

    /// The value, reached through unique access.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// The value, out of the cell.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        Self::with_value(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell")
            .field("value", &self.get())
            .field("initializing", &(self.making.locked() && !self.is_set()))
            .finish()
    }
}

impl<T> SetError<T> {
    /// The value that was refused.
    pub fn into_inner(self) -> T {
        match self {
            Self::AlreadySet(value) | Self::Initializing(value) => value,
        }
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadySet(_) => "the cell has a value",
            Self::Initializing(_) => "the value is being made",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}

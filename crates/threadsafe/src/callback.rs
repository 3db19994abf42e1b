//! Callbacks from any thread.

use loopwork_core::{CallHandle, Handle, SubmitError};

/// Has `handle`'s loop call `callback`, from any thread, and wakes the loop if it sleeps.
///
/// Callbacks run in the order they became due, each once, never two at a time; those of one thread
/// keep its order. The handle that is returned cancels the callback.
///
/// # Errors
///
/// Hands the closure back if the loop is closed.
///
/// asyncio: `loop.call_soon_threadsafe`.
///
/// ```
/// use loopwork_core::{Builder, SleepDriver};
/// use loopwork_threadsafe::call_soon_threadsafe;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut runtime = Builder::new().build(SleepDriver::new())?;
/// let handle = runtime.handle();
/// let other = std::thread::spawn(move || {
///     let stop = handle.clone();
///     call_soon_threadsafe(&handle, move || stop.stop()).expect("the loop is open");
/// });
/// runtime.run_forever()?;
/// other.join().unwrap();
///
/// let handle = runtime.handle();
/// runtime.close();
/// let refused = call_soon_threadsafe(&handle, || println!("too late")).unwrap_err();
/// let callback = refused.into_inner();
/// callback();
/// # Ok(())
/// # }
/// ```
pub fn call_soon_threadsafe<F>(handle: &Handle, callback: F) -> Result<CallHandle, SubmitError<F>>
where
    F: FnOnce() + Send + 'static,
{
    handle.try_call_soon(callback)
}

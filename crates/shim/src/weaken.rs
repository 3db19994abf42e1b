//! The switch that breaks one named place on purpose.

/// Gives `strong`, or `weak` in a build with `--cfg loopwork_weaken="id"`.
///
/// Each id is a row of `loom-tests/MODELS.md`, whose model must fail in that build.
///
/// ```
/// use std::sync::atomic::Ordering;
/// let order = loopwork_shim::weaken!("docs-example", Ordering::Release => Ordering::Relaxed);
/// assert_eq!(order, Ordering::Release);
/// ```
#[macro_export]
macro_rules! weaken {
    ($id:literal, $strong:expr => $weak:expr) => {
        if cfg!(loopwork_weaken = $id) { $weak } else { $strong }
    };
}

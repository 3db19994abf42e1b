//! The switch that breaks one named place on purpose.

/// Whether the place of this name is to be broken; or `strong`, or `weak` if it is.
///
/// Only in a build with `--cfg loopwork_weaken` is any, and there the one that the environment variable
/// `LOOPWORK_WEAKEN` names: so that one build serves all of them. Each id is a row of `loom-tests/MODELS.md`, whose
/// model must fail then.
///
/// ```
/// use std::sync::atomic::Ordering;
/// let order = loopwork_shim::weaken!("docs-example", Ordering::Release => Ordering::Relaxed);
/// assert_eq!(order, Ordering::Release);
/// assert!(!loopwork_shim::weaken!("docs-example"));
/// ```
#[macro_export]
macro_rules! weaken {
    ($id:literal) => {{
        #[cfg(loopwork_weaken)]
        let is_weakened = {
            static CHOSEN: ::std::sync::OnceLock<bool> = ::std::sync::OnceLock::new();
            *CHOSEN.get_or_init(|| ::std::env::var("LOOPWORK_WEAKEN").is_ok_and(|id| id == $id))
        };
        #[cfg(not(loopwork_weaken))]
        let is_weakened = false;
        is_weakened
    }};
    ($id:literal, $strong:expr => $weak:expr) => {
        if $crate::weaken!($id) { $weak } else { $strong }
    };
}

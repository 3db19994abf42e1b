//! A value that is set once, and awaited by many: in the place of a `Promise` until there is one.

use std::sync::OnceLock;

use loopwork::sync::Event;

#[derive(Debug, Default)]
pub(crate) struct Promise {
    value: OnceLock<String>,
    is_set: Event,
}

impl Promise {
    /// False if it has a value.
    pub(crate) fn set(&self, value: &str) -> bool {
        let set = self.value.set(value.to_owned()).is_ok();
        if set {
            self.is_set.set();
        }
        set
    }

    pub(crate) async fn wait(&self) -> &str {
        self.is_set.wait().await;
        self.value.get().expect("it was set before its event")
    }
}

//! Cancellation, in virtual time. The numbers in the names are those of `docs/semantics.md`.
//!
//! | file | about |
//! |---|---|
//! | `requests.rs` | requests: seen, counted, caught, cleaned up after, refused, and passed on |
//! | `overtaken.rs` | a request and an end in the same moment: which of them comes first, and that neither is lost |
//! | `shields.rs` | what a request does not reach |
//! | `limits.rs` | time limits, and who is waited for when one is up |
//! | `scopes.rs` | scopes that are cancelled as a whole |

#[path = "../common/mod.rs"]
mod common;

mod limits;
mod overtaken;
mod requests;
mod scopes;
mod shields;

use std::future::{Future, IntoFuture};
use std::time::Duration;

use loopwork::{Instant, Task, TaskError, create_task, sleep};

const MS: Duration = Duration::from_millis(1);

/// A task that has begun to wait, a millisecond ago.
async fn waiting<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    let task = create_task(future);
    sleep(MS).await;
    task
}

/// What `future` gives, and how many milliseconds that took.
async fn timed<F: IntoFuture>(future: F) -> (F::Output, u128) {
    let start = Instant::now();
    let output = future.await;
    (output, (Instant::now() - start).as_millis())
}

fn message(error: &TaskError) -> Option<&str> {
    error.cancel_reason().and_then(|reason| reason.message())
}

//! Ctrl-C under `#[loopwork::main]`: destructors run, and the process ends as by the signal, so that a
//! shell sees that it was interrupted.

use std::future::pending;

struct CleanUp;

impl Drop for CleanUp {
    fn drop(&mut self) {
        println!("cleaned up");
    }
}

#[loopwork::main]
async fn main() {
    let _clean_up = CleanUp;
    println!("ready, process {}", std::process::id());
    pending::<()>().await;
}

//! Ctrl-C under `#[loopwork::main]`: destructors run, and the process ends as by the signal, so that a
//! shell sees that it was interrupted.

use std::time::Duration;

use loopwork::sleep;

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
    sleep(Duration::from_secs(5)).await;
    println!("nobody has pressed Ctrl-C");
}

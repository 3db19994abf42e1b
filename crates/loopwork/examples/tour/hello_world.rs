//! Callbacks that are due together all run, though the first of them stops the loop.

use loopwork::Handle;

use crate::tour::{Outcome, Tour};

fn hello_world(handle: &Handle) {
    println!("Hello World");
    handle.stop();
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    for _ in 0..4 {
        let handle = event_loop.handle();
        event_loop.call_soon(move || hello_world(&handle));
    }
    event_loop.run_forever()?;
    event_loop.close();
    Ok(())
}

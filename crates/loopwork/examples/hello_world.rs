//! A callback that stops its loop.
//!
//! asyncio: `loop.call_soon(hello_world, loop)`, with `loop.stop()` in it. What is due together
//! with the callback that stops the loop still runs; what is due later waits for another run.

use std::error::Error;
use std::time::Duration;

use loopwork::{EventLoop, Handle};

fn hello_world(handle: &Handle) {
    println!("Hello World");
    handle.stop();
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut event_loop = EventLoop::new()?;
    for _ in 0..4 {
        let handle = event_loop.handle();
        event_loop.call_soon(move || hello_world(&handle));
    }
    let handle = event_loop.handle();
    event_loop.call_later(Duration::from_millis(100), move || {
        println!("Hello again");
        handle.stop();
    });

    event_loop.run_forever()?;
    println!("stopped");
    event_loop.run_forever()?;
    event_loop.close();
    Ok(())
}

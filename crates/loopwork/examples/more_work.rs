//! Blocking callbacks from another thread: serial, in the order of their submission.
//!
//! asyncio: `loop.call_soon_threadsafe(more_work, x)` twice, on a loop in a second thread. Six
//! seconds of work and three take nine, on as many workers as there may be: no two callbacks of a
//! loop ever run at once. Work that should, belongs into tasks, or into an executor if it blocks.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use loopwork::EventLoop;

/// How long a second of the Python program takes here.
const SECOND: Duration = Duration::from_millis(100);

fn more_work(x: u32) {
    println!("More work {x}");
    thread::sleep(SECOND * x);
    println!("Finished more work {x}");
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut new_loop = EventLoop::new()?;
    let handle = new_loop.handle();
    let start = Instant::now();
    let thread = thread::spawn(move || new_loop.run_forever());

    handle.call_soon_threadsafe(|| more_work(6))?;
    handle.call_soon_threadsafe(|| more_work(3))?;
    let stop = handle.clone();
    handle.call_soon_threadsafe(move || stop.stop())?;

    thread.join().expect("a loop does not panic")?;
    println!("Time: {:?}", start.elapsed());
    Ok(())
}

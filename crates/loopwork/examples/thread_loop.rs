//! A loop in a second thread, and two coroutines for it from the first, which is never blocked.
//!
//! asyncio: `Thread(target=loop.run_forever)`, then `run_coroutine_threadsafe` twice. Waits of six
//! and four seconds take six in all.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use loopwork::{EventLoop, run_coroutine_threadsafe, sleep};

/// How long a second of the Python program takes here.
const SECOND: Duration = Duration::from_millis(100);

async fn do_some_work(x: u32) {
    println!("Waiting {x}");
    sleep(SECOND * x).await;
    println!("Done after {x}s");
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut new_loop = EventLoop::new()?;
    let handle = new_loop.handle();
    let thread = thread::spawn(move || new_loop.run_forever());

    let start = Instant::now();
    let six = run_coroutine_threadsafe(do_some_work(6), &handle)?;
    let four = run_coroutine_threadsafe(do_some_work(4), &handle)?;
    println!("The caller goes on after {:?}", start.elapsed());

    six.result(None)?;
    four.result(None)?;
    println!("Both are done after {:?}", start.elapsed());
    handle.stop();
    thread.join().expect("a loop does not panic")?;
    Ok(())
}

//! asyncio's first program: three waits of 1, 2 and 4 seconds take 4 seconds in all.

use std::time::{Duration, Instant};

use loopwork::{EventLoop, gather, sleep};

async fn do_some_work(x: u64) -> String {
    println!("waiting: {x}");
    sleep(Duration::from_secs(x)).await;
    format!("Done after {x}s")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut event_loop = EventLoop::builder().workers(1).build()?;
    let results = event_loop.run_until_complete(gather([1, 2, 4].map(do_some_work)))??;
    for result in results {
        println!("Task ret: {result}");
    }
    println!("Time: {:.3}", start.elapsed().as_secs_f64());
    Ok(())
}

//! asyncio's first program: three waits of 1, 2 and 4 seconds take 4 seconds in all.
//!
//! An argument says how many milliseconds a second takes: `cargo run --example gather -- 100`.

use std::time::{Duration, Instant};
use std::{env, error};

use loopwork::{EventLoop, gather, sleep};

async fn do_some_work(second: Duration, x: u32) -> String {
    println!("waiting: {x}");
    sleep(second * x).await;
    format!("Done after {x}s")
}

fn main() -> Result<(), Box<dyn error::Error>> {
    let millis = env::args().nth(1).map_or(Ok(1000), |millis| millis.parse())?;
    let second = Duration::from_millis(millis);
    let start = Instant::now();
    let mut event_loop = EventLoop::builder().workers(1).build()?;
    let work = [1, 2, 4].map(|x| do_some_work(second, x));
    let results = event_loop.run_until_complete(gather(work))??;
    for result in results {
        println!("Task ret: {result}");
    }
    println!("Time: {:.3}", start.elapsed().as_secs_f64());
    Ok(())
}

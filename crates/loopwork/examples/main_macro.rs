//! An asynchronous `main`.
//!
//! asyncio: `asyncio.run(main())`. `#[loopwork::main]` alone takes all cores; `workers = 1` makes
//! the loop asyncio's: one thread, one queue, one order.

use std::time::Duration;

use loopwork::{Handle, LoopError, create_task, sleep};

async fn say_after(delay: Duration, what: &str) {
    sleep(delay).await;
    println!("{what}");
}

#[loopwork::main(workers = 1)]
async fn main() -> Result<(), LoopError> {
    println!("workers: {}", Handle::current()?.workers());
    let world = create_task(say_after(Duration::from_millis(100), "world"));
    say_after(Duration::from_millis(50), "hello").await;
    drop(world.await);
    Ok(())
}

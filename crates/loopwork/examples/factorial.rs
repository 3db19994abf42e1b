//! Three factorials at once, step by step.
//!
//! asyncio: the `gather` example of its documentation. The three are tasks of their own, so that on
//! several cores their lines may interleave in any order; each one's own lines keep theirs.

use std::error::Error;
use std::time::Duration;

use loopwork::{gather, sleep};

/// How long a second of the Python program takes here.
const SECOND: Duration = Duration::from_millis(100);

async fn factorial(name: &str, number: u32) -> u32 {
    let mut f = 1;
    for i in 2..=number {
        println!("Task {name}: Compute factorial({i})...");
        sleep(SECOND).await;
        f *= i;
    }
    println!("Task {name}: factorial({number}) = {f}");
    f
}

fn main() -> Result<(), Box<dyn Error>> {
    let results = loopwork::run(async {
        gather([factorial("A", 2), factorial("B", 3), factorial("C", 4)]).await
    })??;
    println!("{results:?}");
    Ok(())
}

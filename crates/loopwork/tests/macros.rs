//! `#[loopwork::main]` and `#[loopwork::test]`, as a user writes them.

#![allow(clippy::disallowed_types, reason = "tests are not model-checked")]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use loopwork::{Handle, Instant, LoopError, create_task, sleep};

#[loopwork::main(workers = 3)]
async fn three_workers() -> Result<usize, LoopError> {
    Ok(Handle::current()?.workers())
}

#[loopwork::main]
async fn all_workers() -> usize {
    Handle::current().map_or(0, |handle| handle.workers())
}

#[test]
fn main_runs_its_body_on_a_loop() {
    assert_eq!(three_workers().unwrap(), 3);
    assert_eq!(all_workers(), std::thread::available_parallelism().unwrap().get());
}

#[loopwork::test]
async fn test_runs_its_body_on_a_loop() {
    assert_eq!(create_task(async { 6 * 7 }).await.unwrap(), 42);
}

#[loopwork::test(workers = [1, 2, 8])]
async fn test_makes_one_test_per_count() -> Result<(), LoopError> {
    assert!([1, 2, 8].contains(&Handle::current()?.workers()));
    Ok(())
}

#[loopwork::test(workers = 1)]
#[should_panic(expected = "as planned")]
async fn test_keeps_other_attributes() {
    panic!("as planned");
}

/// Inside a loop neither starts another one.
#[loopwork::test]
#[should_panic(expected = "running an event loop already")]
async fn main_inside_a_loop_panics_and_names_the_fix() {
    all_workers();
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[loopwork::test(workers = [1, 2, 8], virtual_time)]
async fn a_year_in_virtual_time() {
    let start = Instant::now();
    sleep(YEAR).await;
    assert_eq!(Instant::now() - start, YEAR);
}

/// In which order five tasks are run, under the seed of the test.
async fn order() -> Vec<u32> {
    let (log, entries) = std::sync::mpsc::channel();
    let tasks: Vec<_> = (0..5)
        .map(|n| {
            let log = log.clone();
            create_task(async move {
                sleep(Duration::from_secs(1)).await;
                log.send(n).unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    entries.try_iter().collect()
}

fn orders() -> &'static Mutex<BTreeSet<Vec<u32>>> {
    static ORDERS: Mutex<BTreeSet<Vec<u32>>> = Mutex::new(BTreeSet::new());
    &ORDERS
}

/// Not a test by itself: it notes its order.
mod seeded {
    use super::*;

    #[loopwork::test(virtual_time, seeds = 50)]
    #[ignore = "run by the test below"]
    async fn fifty_orders() {
        let order = order().await;
        orders().lock().unwrap().insert(order);
    }

    pub(crate) fn run() {
        fifty_orders();
    }
}

#[test]
fn seeds_are_orders_and_the_same_ones_each_time() {
    seeded::run();
    let first = std::mem::take(&mut *orders().lock().unwrap());
    assert!(first.len() > 10, "of 120 orders, {} in 50 runs", first.len());
    seeded::run();
    assert_eq!(first, *orders().lock().unwrap());
}

#[loopwork::test(virtual_time, seeds = 9)]
#[should_panic(expected = "under the fifth")]
async fn a_failure_ends_the_test() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::SeqCst);
    assert!(run <= 4);
    assert!(run < 4, "under the fifth");
}

//! `#[loopwork::main]` and `#[loopwork::test]`, as a user writes them.

use loopwork::{Handle, LoopError, create_task};

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

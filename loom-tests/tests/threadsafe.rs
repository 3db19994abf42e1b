//! `run_coroutine_threadsafe` against `close()`, cancel and the end of its task.

use loopwork_core::model::Loop;
use loopwork_loom_tests::{explore, spawn};
use loopwork_threadsafe::run_coroutine_threadsafe;

/// A submission against `close()`: the future says that it was cancelled, or comes back.
#[test]
fn coroutine_against_close() {
    explore(2, || {
        let (lane, workers) = Loop::new(1);
        let handle = lane.handle();
        let submitter = spawn(move || match run_coroutine_threadsafe(async { 1 }, &handle) {
            Ok(future) => assert!(future.result(None).unwrap_err().is_cancelled()),
            Err(refused) => drop(refused),
        });
        lane.close();
        submitter.join().unwrap();
        assert!(lane.is_drained());
        drop(workers);
    });
}

/// A cancel against the end of the task: accepted and cancelled, or refused and finished.
#[test]
fn cancel_against_the_end_of_the_coroutine() {
    explore(2, || {
        let (lane, workers) = Loop::new(1);
        let future = run_coroutine_threadsafe(async { 1 }, &lane.handle()).unwrap();
        let cancelled = future.clone();
        let canceller = spawn(move || cancelled.cancel());
        while workers[0].run_one() {}
        let accepted = canceller.join().unwrap();
        while workers[0].run_one() {}
        match future.result(None) {
            Ok(value) => assert!(!accepted && value == 1),
            Err(error) => assert!(accepted && error.is_cancelled()),
        }
        lane.close();
    });
}

//! Scopes that are cancelled as a whole.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use loopwork::{
    CancelScope, TaskError, catch_cancel, create_task, gather, shield_scope, sleep, timeout,
};

use crate::common::{Count, in_virtual_time};
use crate::{MS, timed, waiting};

#[test]
fn a_scope_is_cancelled_from_anywhere() {
    in_virtual_time(|| async {
        let scope = CancelScope::new();
        let handle = scope.clone();
        let canceller = create_task(async move {
            sleep(5 * MS).await;
            assert!(handle.cancel_with("enough"));
            _ = handle.cancel_with("again"); // it may be over by now
        });
        let (result, ms) = timed(scope.run(pending::<()>())).await;
        let cancelled = result.unwrap_err();
        assert_eq!((cancelled.reason().message(), ms), (Some("enough"), 5));
        assert!(!scope.cancel(), "it is over");
        canceller.await.unwrap();
    });
}

/// Nobody knows yet whom to wake: it has not waited.
#[test]
fn a_scope_is_cancelled_in_its_first_poll() {
    in_virtual_time(|| async {
        let (inside, elsewhere) = (CancelScope::new(), CancelScope::new());
        let handle = inside.clone();
        let itself = async move {
            assert!(handle.cancel());
            pending::<()>().await;
        };
        let handle = elsewhere.clone();
        let by_a_thread = async move {
            thread::spawn(move || assert!(handle.cancel())).join().unwrap();
            pending::<()>().await;
        };
        // If it is overlooked, time goes on.
        let both = async { (inside.run(itself).await, elsewhere.run(by_a_thread).await) };
        let (results, ms) = timed(timeout(1000 * MS, both)).await;
        let (first, second) = results.expect("it was overlooked");
        assert!(first.is_err() && second.is_err());
        assert_eq!(ms, 0);
    });
}

#[test]
fn a_scope_around_a_gather_waits_for_what_it_gathers() {
    in_virtual_time(|| async {
        let scope = CancelScope::with_timeout(5 * MS);
        let child = |n: u32| async move {
            let cancelled = catch_cancel(pending::<()>()).await.unwrap_err();
            sleep(n * MS).await;
            cancelled.resume::<()>().await;
        };
        let gathered = gather([child(1), child(2), child(3)]).return_exceptions();
        let (result, ms) = timed(scope.run(gathered)).await;
        assert!(result.unwrap_err().is_timeout());
        assert_eq!(ms, 8);
    });
}

#[test]
fn a_request_from_outside_wins_over_the_scopes_own() {
    in_virtual_time(|| async {
        let scope = CancelScope::new();
        let handle = scope.clone();
        let mut task = waiting(async move {
            _ = scope.run(pending::<()>()).await;
            unreachable!("the outer one goes on");
        })
        .await;
        handle.cancel();
        let result: Result<(), TaskError> = task.cancel_and_wait().await;
        assert!(result.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_scope_is_entered_once() {
    in_virtual_time(|| async {
        let scope = CancelScope::new();
        assert_eq!(scope.run(async { 1 }).await.unwrap(), 1);
        let again = catch_unwind(AssertUnwindSafe(|| drop(scope.run(async {}))));
        assert!(again.is_err());
    });
}

#[test]
fn a_level_triggered_scope_asks_at_every_wait() {
    in_virtual_time(|| async {
        let scope = CancelScope::level_triggered();
        let handle = scope.clone();
        let caught = Count::default();
        let count = caught.clone();
        let task = create_task(async move {
            scope
                .run(async {
                    for _ in 0..3 {
                        catch_cancel(sleep(1000 * MS)).await.unwrap_err().swallow();
                        count.add();
                    }
                    shield_scope(sleep(5 * MS)).await;
                    sleep(1000 * MS).await;
                })
                .await
                .is_err()
        });
        sleep(MS).await;
        handle.cancel();
        let (result, ms) = timed(task).await;
        assert_eq!((result.unwrap(), ms, caught.get()), (true, 5, 3));
    });
}

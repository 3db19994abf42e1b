//! What a request does not reach.

use std::future::pending;

use futures::future::{Either, select};
use loopwork::{create_task, gather, shield, shield_scope, sleep};

use crate::common::{Count, in_virtual_time};
use crate::{MS, timed, waiting};

#[test]
fn e1_a_shielded_task_runs_on() {
    in_virtual_time(|| async {
        let ended = Count::default();
        let count = ended.clone();
        let inner = create_task(async move {
            sleep(10 * MS).await;
            count.add();
            1
        });
        let mut outer = waiting(shield(inner.clone())).await;
        let (result, ms) = timed(outer.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, ended.get()), (0, 0));
        assert_eq!(inner.await.unwrap(), 1);
        let inner = waiting(pending::<()>()).await;
        inner.cancel();
        assert!(shield(inner).await.unwrap_err().is_cancelled());
        let inner = waiting(async { 2 }).await;
        assert_eq!(shield(inner).await.unwrap(), 2);
    });
}

#[test]
fn e4_a_shielded_gather_and_all_that_it_gathers_run_on() {
    in_virtual_time(|| async {
        let ended = Count::default();
        let child = |ms: u32| {
            let count = ended.clone();
            async move {
                sleep(ms * MS).await;
                count.add();
                ms
            }
        };
        let inner = create_task(gather([child(5), child(10)]));
        let mut outer = waiting(shield(inner.clone())).await;
        let (result, ms) = timed(outer.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, ended.get()), (0, 0), "only the wait of the shield has ended");
        assert_eq!(inner.await.unwrap().unwrap(), [5, 10]);
        assert_eq!(ended.get(), 2);
    });
}

#[test]
fn a_shield_scope_ends_before_the_request_goes_on() {
    in_virtual_time(|| async {
        let done = Count::default();
        let count = done.clone();
        let mut task = waiting(async move {
            shield_scope(async {
                sleep(10 * MS).await;
                count.add();
            })
            .await;
            sleep(1000 * MS).await;
        })
        .await;
        let (result, ms) = timed(task.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!((ms, done.get()), (9, 1));
    });
}

#[test]
fn a_shield_has_a_limit_of_its_own() {
    in_virtual_time(|| async {
        let (result, ms) = timed(shield_scope(pending::<()>()).limit(5 * MS)).await;
        assert_eq!((result.is_err(), ms), (true, 5));
        let mut task = waiting(async {
            _ = shield_scope(pending::<()>()).limit(5 * MS).await;
            unreachable!("the request from outside wins");
        })
        .await;
        let (result, ms): (Result<(), _>, _) = timed(task.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!(ms, 4);
    });
}

#[test]
fn a_shield_that_is_dropped_gives_what_it_held_back() {
    in_virtual_time(|| async {
        let mut task = waiting(async {
            let quick = sleep(5 * MS);
            match select(Box::pin(shield_scope(pending::<()>())), quick).await {
                Either::Left(_) => unreachable!(),
                Either::Right(((), shield)) => drop(shield),
            }
            sleep(1000 * MS).await;
        })
        .await;
        let (result, ms) = timed(task.cancel_and_wait()).await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!(ms, 4);
    });
}

//! A request and an end in the same moment: which of them comes first, and that neither is lost.

use std::sync::Arc;

use loopwork::sync::{CancelPolicy, ConcurrentFuture, Event, Lock, Queue, mpsc, oneshot};
use loopwork::{LocalSet, catch_cancel, sleep, spawn_local, wait_for};

use crate::common::{Count, in_virtual_time};
use crate::{MS, timed, waiting};

#[test]
fn what_comes_after_a_request_goes_to_another() {
    in_virtual_time(|| async {
        let queue = Arc::new(Queue::unbounded());
        let get = |queue: &Arc<Queue<u32>>| {
            let queue = queue.clone();
            async move { queue.get().await.unwrap() }
        };
        let first = waiting(get(&queue)).await;
        let second = waiting(get(&queue)).await;
        first.cancel();
        queue.put_nowait(1).unwrap();
        assert!(first.await.unwrap_err().is_cancelled());
        assert_eq!(second.await.unwrap(), 1);

        let event = Arc::new(Event::new());
        let waits = event.clone();
        let mut task = waiting(async move { waits.wait().await }).await;
        task.cancel();
        event.set();
        assert!(task.join().await.unwrap_err().is_cancelled());

        let lock = Arc::new(Lock::new(()));
        let held = lock.clone().lock_owned().await;
        let waits = lock.clone();
        let mut task = waiting(async move { drop(waits.lock().await) }).await;
        task.cancel();
        drop(held);
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert!(!lock.locked());
    });
}

#[test]
fn a_message_that_comes_after_a_request_stays_in_its_channel() {
    in_virtual_time(|| async {
        let (sender, receiver) = mpsc::channel(1);
        let shared = Arc::new(Lock::new(receiver));
        let receives = shared.clone();
        let mut task = waiting(async move { receives.lock().await.recv().await }).await;
        task.cancel();
        sender.try_send(1).unwrap();
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert_eq!(shared.lock().await.recv().await, Some(1));
    });
}

#[test]
fn a_one_shot_value_that_comes_after_a_request_stays_in_its_channel() {
    in_virtual_time(|| async {
        let (sender, mut receiver) = oneshot::channel();
        let task = waiting(async move {
            catch_cancel(&mut receiver).await.unwrap_err().swallow();
            receiver.await.unwrap()
        })
        .await;
        task.cancel();
        sender.send(1).unwrap();
        assert_eq!(task.await.unwrap(), 1);

        // It has no other taker: without the receiver it goes back, or goes.
        let dropped = Count::default();
        let (sender, receiver) = oneshot::channel();
        let mut task = waiting(receiver).await;
        task.cancel();
        drop(sender.send(dropped.on_drop()));
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn the_value_of_work_elsewhere_that_comes_after_a_request_is_for_others() {
    in_virtual_time(|| async {
        let (completer, future) = ConcurrentFuture::channel(CancelPolicy::WhilePending);
        assert!(completer.set_running_or_notify_cancel());
        let mut task = waiting(future.clone()).await;
        task.cancel();
        completer.set_result(1).unwrap();
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert_eq!(future.await.unwrap(), 1);
    });
}

#[test]
fn what_came_before_a_request_is_taken() {
    in_virtual_time(|| async {
        let queue = Arc::new(Queue::unbounded());
        let gets = queue.clone();
        let mut task = waiting(async move {
            let item = gets.get().await.unwrap();
            let caught = catch_cancel(sleep(10 * MS)).await.unwrap_err();
            caught.swallow();
            item
        })
        .await;
        queue.put_nowait(1).unwrap();
        task.cancel();
        assert_eq!(task.join().await.unwrap(), 1, "and the request is met at the next wait");
    });
}

/// The task that is waited for ends by itself, just before or just after who waits for it is cancelled.
#[test]
fn e11_a_request_is_not_lost_to_an_end_in_the_same_moment() {
    for before in [true, false] {
        in_virtual_time(|| async move {
            let gate = Arc::new(Event::new());
            let opens = gate.clone();
            let inner = waiting(async move { opens.wait().await }).await;
            let mut outer = waiting(async move {
                _ = wait_for(inner, 1000 * MS).await;
                sleep(1000 * MS).await;
            })
            .await;
            if before {
                gate.set();
                outer.cancel();
            } else {
                outer.cancel();
                gate.set();
            }
            let (result, ms) = timed(outer.join()).await;
            assert!(result.unwrap_err().is_cancelled());
            assert_eq!(ms, 0);
        });
    }
}

#[test]
fn a_local_task_that_ends_by_itself_spends_no_request() {
    in_virtual_time(|| async {
        let local = LocalSet::new();
        let gate = Arc::new(Event::new());
        let opens = gate.clone();
        let inside = local.run_until(async move {
            let inner = spawn_local(async move { opens.wait().await });
            let outer = spawn_local(async move {
                _ = inner.await;
                sleep(1000 * MS).await;
            });
            sleep(MS).await;
            outer.cancel();
            gate.set();
            timed(outer).await
        });
        let (result, ms) = inside.await;
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!(ms, 0);
    });
}

#[test]
fn what_a_local_task_gives_after_a_request_is_not_taken() {
    in_virtual_time(|| async {
        let (local, reached) = (LocalSet::new(), Count::default());
        let (gate, count) = (Arc::new(Event::new()), reached.clone());
        let opens = gate.clone();
        let inside = local.run_until(async move {
            let inner = spawn_local(async move { opens.wait().await });
            let outer = spawn_local(async move {
                inner.await.unwrap();
                count.add();
            });
            sleep(MS).await;
            gate.set();
            outer.cancel();
            outer.await
        });
        assert!(inside.await.unwrap_err().is_cancelled());
        assert_eq!(reached.get(), 0);
    });
}

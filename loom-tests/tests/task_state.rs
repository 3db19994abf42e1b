//! The word of a task: wakes, ends, handles, cancellation.

use std::future::{Future, IntoFuture, pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_core::model::Loop;
use loopwork_loom_tests::{Data, block_on, explore, spawn};
use loopwork_shim::atomic::{AtomicU32, Ordering};
use loopwork_shim::thread::yield_now;

/// A wake while the task is being polled: it is polled again, and sees what the waker wrote.
#[test]
fn wake_during_poll() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let data = Arc::new(Data::new());
        let seen = data.clone();
        let mut waker_thread = None;
        let task = lane.spawn_root(poll_fn(move |cx| {
            if waker_thread.is_some() {
                return Poll::Ready(seen.read());
            }
            let (data, waker) = (seen.clone(), cx.waker().clone());
            waker_thread = Some(spawn(move || {
                data.write(7);
                waker.wake();
            }));
            Poll::Pending
        }));
        while !task.done() {
            if !workers[0].run_one() {
                yield_now();
            }
        }
        assert_eq!(task.take_result().unwrap(), 7);
        drop(task);
        lane.close();
    });
}

/// A wake is not lost in any poll: after the waker is done, the queue holds what is to be done.
#[test]
fn wake_is_not_lost() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let (send, receive) = std::sync::mpsc::channel();
        let mut polls = 0;
        let task = lane.spawn_root(poll_fn(move |cx| {
            polls += 1;
            if polls == 2 {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            send.send(spawn(move || waker.wake())).unwrap();
            Poll::Pending
        }));
        assert!(workers[0].run_one());
        receive.recv().unwrap().join().unwrap();
        while workers[0].run_one() {}
        assert!(task.done(), "woken, and never polled again");
        drop(task);
        lane.close();
    });
}

/// A wake that finds the task scheduled is not forgotten either: the poll sees what came before it.
#[test]
fn a_coalesced_wake_publishes() {
    explore(3, || {
        let (lane, mut workers) = Loop::new(1);
        let (send, receive) = std::sync::mpsc::channel::<Waker>();
        let (value, last) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (written, seen) = (value.clone(), last.clone());
        drop(lane.handle().spawn(poll_fn(move |cx| {
            // Relaxed: only the wake orders them.
            seen.store(value.load(Ordering::Relaxed), Ordering::Relaxed);
            let _ = send.send(cx.waker().clone());
            Poll::<()>::Pending
        })));
        assert!(workers[0].run_one());
        let waker = receive.recv().unwrap();
        waker.wake_by_ref();
        // The poller is the other thread, so that runs in which it comes last are tried first.
        let worker = workers.remove(0);
        let polling = spawn(move || {
            while worker.run_one() {}
            worker
        });
        written.store(1, Ordering::Relaxed);
        waker.wake();
        let worker = polling.join().unwrap();
        while worker.run_one() {}
        assert_eq!(last.load(Ordering::Relaxed), 1, "no poll saw what came before the wake");
        drop(receive);
        drop(worker);
        lane.close();
    });
}

/// More wakes than one poll takes, and one more while that poll is under way: it is followed by a
/// poll, although a crowd takes wakes back.
#[test]
fn wakes_in_a_crowd() {
    explore(2, || {
        let (lane, workers) = Loop::new(1);
        let (send, receive) = std::sync::mpsc::channel::<Waker>();
        let (value, last) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (written, seen) = (value.clone(), last.clone());
        let mut polls = 0;
        drop(lane.handle().spawn(poll_fn(move |cx| {
            seen.store(value.load(Ordering::Relaxed), Ordering::Relaxed);
            polls += 1;
            if polls == 1 {
                send.send(cx.waker().clone()).unwrap();
            } else if polls == 2 {
                let (waker, written) = (cx.waker().clone(), written.clone());
                let waking = spawn(move || {
                    written.store(1, Ordering::Relaxed);
                    waker.wake_by_ref();
                });
                waking.join().unwrap();
            }
            Poll::<()>::Pending
        })));
        assert!(workers[0].run_one());
        let waker = receive.recv().unwrap();
        for _ in 0..8 {
            waker.wake_by_ref();
        }
        while workers[0].run_one() {}
        assert_eq!(last.load(Ordering::Relaxed), 1, "a wake was lost");
        drop(waker);
        lane.close();
    });
}

/// A task that is woken on one worker and polled next on another: the polls come one after the other.
#[test]
fn polls_on_two_workers() {
    explore(3, || {
        let (lane, mut workers) = Loop::new(2);
        // The lane's first poll.
        assert!(workers[0].run_one());
        let mut other = workers.pop();
        let (send, receive) = std::sync::mpsc::channel();
        let data = Data::new();
        let mut polls = 0;
        let task = lane.handle().spawn(poll_fn(move |cx| {
            polls += 1;
            data.write(polls);
            if let Some(worker) = other.take() {
                let waker = cx.waker().clone();
                let elsewhere = spawn(move || {
                    waker.wake();
                    let _ = worker.run_one();
                });
                send.send(elsewhere).unwrap();
            }
            if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
        }));
        assert!(workers[0].run_one());
        receive.recv().unwrap().join().unwrap();
        while workers[0].run_one() {}
        assert!(task.done());
        drop(task);
        lane.close();
    });
}

/// The end against an await on another thread: the awaiter gets the output, and is woken.
#[test]
fn end_against_await() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let data = Arc::new(Data::new());
        let written = data.clone();
        let task = lane.handle().spawn(async move {
            written.write(5);
            Box::new(5)
        });
        let awaiter = spawn(move || {
            assert_eq!(*block_on(task.into_future()).unwrap(), 5);
            assert_eq!(data.read(), 5);
        });
        assert!(workers[0].run_one());
        awaiter.join().unwrap();
        lane.close();
    });
}

/// The end against an awaiter that comes with another waker: that one is woken.
#[test]
fn end_against_a_changed_waker() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let task = lane.handle().spawn(async { 5 });
        let awaiter = spawn(move || {
            let mut join = task.into_future();
            let first = Pin::new(&mut join).poll(&mut Context::from_waker(Waker::noop()));
            let value = match first {
                Poll::Ready(value) => value,
                Poll::Pending => block_on(join),
            };
            assert_eq!(value.unwrap(), 5);
        });
        assert!(workers[0].run_one());
        awaiter.join().unwrap();
        lane.close();
    });
}

/// The end against a look by `done()`: whoever sees the end sees the output.
#[test]
fn end_against_look() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let data = Arc::new(Data::new());
        let written = data.clone();
        let task = lane.handle().spawn(async move { written.write(5) });
        let looker = spawn(move || {
            if task.done() {
                assert_eq!(data.read(), 5);
                task.take_result().unwrap();
            }
        });
        assert!(workers[0].run_one());
        looker.join().unwrap();
        lane.close();
    });
}

/// The end against the drop of the last handle: the output is dropped once, by one of them.
#[test]
fn end_against_drop_of_the_handle() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let output = Arc::new(());
        let held = output.clone();
        let task = lane.handle().spawn(async move { held });
        let dropper = spawn(move || drop(task));
        assert!(workers[0].run_one());
        dropper.join().unwrap();
        assert_eq!(Arc::strong_count(&output), 1, "dropped, and dropped once");
        lane.close();
    });
}

/// A hook that looks at the output against the drop of the last handle.
#[test]
fn look_against_drop_of_the_handle() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let task = lane.handle().spawn(async { Box::new(1) });
        let look = task.looker();
        task.on_end(move |returned| {
            assert!(returned);
            look.value_is(|value| **value == 1);
        });
        let dropper = spawn(move || drop(task));
        assert!(workers[0].run_one());
        dropper.join().unwrap();
        lane.close();
    });
}

/// Two handles, one of which reads the value before it goes: the last one drops the output.
#[test]
fn the_last_of_two_handles() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let output = Arc::new(());
        let held = output.clone();
        let task = lane.handle().spawn(async move { held });
        let clone = task.clone();
        assert!(workers[0].run_one());
        let reader = spawn(move || {
            assert!(clone.result().is_ok());
            drop(clone);
        });
        drop(task);
        reader.join().unwrap();
        assert_eq!(Arc::strong_count(&output), 1);
        lane.close();
    });
}

/// The last reference frees the task after every other one was done with it.
#[test]
fn the_last_reference_frees() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let task = lane.handle().spawn(async { 1u32 });
        assert!(workers[0].run_one());
        let any = task.as_any();
        let taker = spawn(move || {
            assert_eq!(task.take_result().unwrap(), 1);
            drop(task);
        });
        drop(any);
        taker.join().unwrap();
        lane.close();
    });
}

/// The handle frees the task without a write, after whoever looked was done with it.
#[test]
fn look_against_free() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let task = lane.handle().spawn(async { Box::new(1) });
        let look = task.looker();
        assert!(workers[0].run_one());
        let looking = spawn(move || {
            look.value_is(|value| **value == 1);
        });
        drop(task);
        looking.join().unwrap();
        lane.close();
    });
}

/// A cancel against the end: accepted means that it ended cancelled or finished in the poll that
/// was to deliver it; refused means that it had ended. Either way its future is dropped once.
#[test]
fn cancel_against_end() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let held = Arc::new(());
        let in_task = held.clone();
        let task = lane.handle().spawn(async move {
            let _held = in_task;
            let mut polled = false;
            poll_fn(move |cx| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        });
        let any = task.as_any();
        let canceller = spawn(move || any.cancel());
        while workers[0].run_one() {}
        let accepted = canceller.join().unwrap();
        while workers[0].run_one() {}
        assert!(task.done());
        assert!(accepted || !task.cancelled(), "cancelled although the request came too late");
        assert_eq!(Arc::strong_count(&held), 1);
        drop(task);
        lane.close();
    });
}

/// A cancel and a wake at once: one `Runnable`, and the request is delivered.
#[test]
fn cancel_against_wake() {
    explore(3, || {
        let (lane, workers) = Loop::new(1);
        let (send, receive) = std::sync::mpsc::channel::<Waker>();
        let task = lane.handle().spawn(async move {
            poll_fn(|cx| {
                send.send(cx.waker().clone()).unwrap();
                Poll::Ready(())
            })
            .await;
            pending::<()>().await;
        });
        assert!(workers[0].run_one());
        let waker = receive.recv().unwrap();
        let waking = spawn(move || waker.wake());
        assert!(task.cancel());
        waking.join().unwrap();
        while workers[0].run_one() {}
        assert!(task.cancelled());
        drop(task);
        lane.close();
        assert!(lane.is_drained());
    });
}

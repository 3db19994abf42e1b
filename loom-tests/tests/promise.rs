//! A promise: set against await, against callbacks, against the drop of its handles.

use std::future::IntoFuture;
use std::panic::Location;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use loopwork_core::model::Loop;
use loopwork_loom_tests::{Data, block_on, explore, spawn};
use loopwork_shim::sync::Mutex;
use loopwork_tasks::Promise;

fn promise<T>(of: &Loop) -> Promise<T> {
    Promise::of(of.handle(), Location::caller())
}

/// Who awaits is woken or finds the promise done, and sees what came before; an await that leaves
/// takes nobody along.
#[test]
fn set_against_await() {
    explore(2, || {
        let (lane, workers) = Loop::new(1);
        let promise = promise::<u32>(&lane);
        let data = Arc::new(Data::new());
        let (setter, written) = (promise.clone(), data.clone());
        let mut leaves = Box::pin(promise.clone().into_future());
        assert!(leaves.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let set = spawn(move || {
            written.write(1);
            setter.set_result(7).unwrap();
        });
        let first = block_on(async {
            let wait = pin!(promise.into_future());
            drop(leaves);
            wait.await
        });
        assert_eq!((first.unwrap(), data.read()), (7, 1));
        set.join().unwrap();
        drop(workers);
        lane.close();
    });
}

/// An await that comes again with another waker, as the promise is set.
#[test]
fn set_against_a_changed_waker() {
    explore(2, || {
        let (lane, workers) = Loop::new(1);
        let promise = promise::<u32>(&lane);
        let mut wait = Box::pin(promise.clone().into_future());
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let set = spawn(move || promise.set_result(7).unwrap());
        assert_eq!(block_on(wait).unwrap(), 7);
        set.join().unwrap();
        drop(workers);
        lane.close();
    });
}

/// Of two who set, one does; the other gets its value back, and finds the promise done.
#[test]
fn set_against_set_and_cancel() {
    explore(2, || {
        let (lane, workers) = Loop::new(1);
        let promise = promise::<u32>(&lane);
        let other = promise.clone();
        let set = spawn(move || match other.set_result(1) {
            Ok(()) => true,
            Err(refused) => {
                assert!(other.done() && refused.into_inner() == 1);
                false
            }
        });
        let cancelled = promise.cancel();
        assert!(promise.done());
        assert_eq!(set.join().unwrap(), !cancelled);
        assert_eq!(promise.cancelled(), cancelled);
        drop(workers);
        lane.close();
    });
}

/// Callbacks run in the order in which they were added, whoever is being told meanwhile.
#[test]
fn callbacks_added_while_others_are_told() {
    explore(2, || {
        let (lane, workers) = Loop::new(1);
        let promise = promise::<u32>(&lane);
        let ran = Arc::new(Mutex::new(Vec::new()));
        let say = |number| {
            let ran = ran.clone();
            move |_: &Promise<u32>| ran.lock().push(number)
        };
        promise.add_done_callback(say(1));
        let setter = promise.clone();
        let set = spawn(move || setter.set_result(7).unwrap());
        promise.add_done_callback(say(2));
        set.join().unwrap();
        while workers[0].run_one() {}
        assert_eq!(*ran.lock(), [1, 2]);
        drop(promise);
        lane.close();
    });
}

/// An error that somebody has looked at is not reported, whichever handle is the last.
#[test]
fn error_against_a_look_and_drops() {
    explore(2, || {
        let (lane, workers) = Loop::new(1);
        let reports = count_reports(&lane);
        let promise = promise::<u32>(&lane);
        let setter = promise.clone();
        let set = spawn(move || setter.set_exception("an error").unwrap());
        assert!(block_on(promise.into_future()).is_err());
        set.join().unwrap();
        assert_eq!(*reports.lock(), 0);
        drop(workers);
        lane.close();
    });
}

/// An error that nobody has looked at is reported once, whichever handle is the last.
#[test]
fn error_against_drops() {
    explore(2, || {
        let (lane, workers) = Loop::new(1);
        let reports = count_reports(&lane);
        let promise = promise::<u32>(&lane);
        let setter = promise.clone();
        let set = spawn(move || setter.set_exception("an error").unwrap());
        drop(promise);
        set.join().unwrap();
        assert_eq!(*reports.lock(), 1);
        drop(workers);
        lane.close();
    });
}

fn count_reports(of: &Loop) -> Arc<Mutex<u32>> {
    let reports = Arc::new(Mutex::new(0));
    let count = reports.clone();
    of.handle().set_exception_handler(Some(Arc::new(move |_| *count.lock() += 1)));
    reports
}

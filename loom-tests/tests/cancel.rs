//! Requests: to a task, to a scope in it, to a group; against their delivery, their owner's end, and the
//! drop of who asks.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use loopwork_context::catch_cancel;
use loopwork_core::model::{Loop, Worker};
use loopwork_core::{Task, TaskError};
use loopwork_loom_tests::{explore, spawn};
use loopwork_tasks::{CancelScope, TaskGroup};

/// A loop whose lane has had its first poll.
fn begun() -> (Loop, Vec<Worker>) {
    let (lane, workers) = Loop::new(2);
    assert!(workers[0].run_one());
    (lane, workers)
}

/// Worker 0 runs what is pinned to it while `other` does something on another thread; then all that is
/// left.
fn run_beside<T>(worker: &Worker, root: &Task<T>, other: impl FnOnce() + Send + 'static) {
    let other = spawn(other);
    worker.run_pinned();
    other.join().unwrap();
    run_all(worker);
    assert!(root.done(), "a request, or the end of somebody, was missed");
}

fn run_all(worker: &Worker) {
    worker.run_pinned();
    while worker.run_one() {
        worker.run_pinned();
    }
}

/// A request that was accepted is delivered, and says why.
#[test]
fn request_against_its_delivery() {
    explore(2, || {
        let (lane, workers) = begun();
        let mut root = lane.spawn_root(async {
            let cancelled = catch_cancel(pending::<Infallible>()).await.unwrap_err();
            assert_eq!(cancelled.message(), Some("enough"));
            cancelled.resume::<()>().await;
        });
        let task = root.as_any();
        run_beside(&workers[0], &root, move || assert!(task.cancel_with("enough")));
        assert_eq!(reason(&mut root), Some("enough".to_owned()));
        drop(root);
        lane.close();
    });
}

fn reason(task: &mut Task<()>) -> Option<String> {
    let error: TaskError = task.take_result().unwrap_err();
    error.cancel_reason()?.message().map(str::to_owned)
}

/// A task ends, its handle goes, and somebody asks it to end: who asked in time is told so, and nothing
/// is freed twice.
#[test]
fn request_against_the_end_and_the_drop_of_the_handle() {
    explore(2, || {
        let (lane, workers) = begun();
        let task = lane.handle().spawn(async { 5 });
        let any = task.as_any();
        let asking = spawn(move || any.cancel());
        let dropping = spawn(move || drop(task));
        while workers[0].run_one() {}
        _ = asking.join().unwrap();
        dropping.join().unwrap();
        while workers[0].run_one() {}
        assert!(lane.handle().all_tasks().is_empty());
        lane.close();
    });
}

/// Two ask for the same reason: it is one request.
#[test]
fn requests_of_one_act() {
    explore(2, || {
        let (lane, workers) = begun();
        let root = lane.spawn_root(async {
            catch_cancel(pending::<Infallible>()).await.unwrap_err().swallow();
            let again = catch_cancel(std::future::ready(())).await;
            assert!(again.is_ok());
            loopwork_core::current_task().unwrap().cancelling()
        });
        let reason = loopwork_context::CancelReason::new("once");
        let tasks = [root.as_any(), root.as_any()];
        let asking = tasks.map(|task| {
            let reason = reason.clone();
            spawn(move || _ = task.cancel_with(reason))
        });
        workers[0].run_pinned();
        for asking in asking {
            asking.join().unwrap();
        }
        workers[0].run_pinned();
        assert!(root.done());
        assert_eq!(root.take_result().unwrap(), 0, "the second was no other request");
        lane.close();
    });
}

/// A request is passed on to a task that ends by itself meanwhile: whoever passed it on meets it.
#[test]
fn request_passed_on_against_the_end() {
    explore(2, || {
        let (lane, mut workers) = begun();
        // Of no worker: so that the other one finds it.
        let child = lane.handle().spawn(async { 5 });
        let mut root: Task<()> = lane.spawn_root(async move {
            loopwork_core::current_task().unwrap().cancel_with("once");
            _ = child.await;
            pending::<()>().await;
        });
        let elsewhere = workers.pop().unwrap();
        run_beside(&workers[0], &root, move || _ = elsewhere.run_one());
        assert_eq!(reason(&mut root), Some("once".to_owned()));
        drop(root);
        lane.close();
    });
}

fn cancelled_scope(scope: &CancelScope) -> impl Future<Output = bool> + use<> {
    let run = scope.run(pending::<Infallible>());
    async move { run.await.is_err() }
}

/// A request comes while the scope begins to wait: before, it is found, and after, it wakes.
#[test]
fn request_to_a_scope_that_begins_to_wait() {
    explore(2, || {
        let (lane, workers) = begun();
        let scope = CancelScope::new();
        let root = lane.spawn_root(cancelled_scope(&scope));
        run_beside(&workers[0], &root, move || assert!(scope.cancel()));
        assert!(root.take_result().unwrap());
        drop(root);
        lane.close();
    });
}

/// A request to a scope that has waited before, and that something else wakes meanwhile.
#[test]
fn request_to_a_scope_that_waits() {
    explore(2, || {
        let (lane, workers) = begun();
        let scope = CancelScope::new();
        let root = lane.spawn_root(cancelled_scope(&scope));
        workers[0].run_pinned();
        root.as_any().interrupt(|_| {});
        run_beside(&workers[0], &root, move || assert!(scope.cancel()));
        assert!(root.take_result().unwrap());
        drop(root);
        lane.close();
    });
}

/// The scope's inside ends while somebody cancels the scope, which may be too late, and while its task
/// is cancelled: the scope says one thing, and the task another, only if both came in time.
#[test]
fn request_to_a_scope_against_one_to_its_task() {
    explore(2, || {
        let (lane, workers) = begun();
        let scope = CancelScope::new();
        let root = lane.spawn_root(cancelled_scope(&scope));
        let task = root.as_any();
        workers[0].run_pinned();
        let to_task = spawn(move || task.cancel());
        let to_scope = spawn(move || _ = scope.cancel());
        workers[0].run_pinned();
        let in_time = to_task.join().unwrap();
        to_scope.join().unwrap();
        run_all(&workers[0]);
        assert!(root.done());
        match root.take_result() {
            Ok(by_scope) => assert!(by_scope),
            Err(error) => assert!(error.is_cancelled() && in_time),
        }
        drop(root);
        lane.close();
    });
}

/// The body ends here, the last child there.
#[test]
fn the_last_child_against_the_end_of_the_body() {
    explore(2, || {
        let (lane, mut workers) = begun();
        let group = TaskGroup::new();
        let open = Arc::new(AtomicBool::new(false));
        let gate = open.clone();
        let run = group.run(move |_| async move {
            poll_fn(|_| if gate.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending })
                .await;
            Ok::<_, Infallible>(())
        });
        let root = lane.spawn_root(run);
        workers[0].run_pinned();
        // Of no worker: so that the other one finds it.
        let child = group.create_task(async { Ok::<_, Infallible>(5) });
        open.store(true, Ordering::Relaxed);
        root.as_any().interrupt(|_| {});
        let elsewhere = workers.pop().unwrap();
        run_beside(&workers[0], &root, move || assert!(elsewhere.run_one()));
        assert!(root.take_result().unwrap().is_ok());
        assert!(child.done(), "a group is over when its children are");
        drop((root, child));
        lane.close();
    });
}

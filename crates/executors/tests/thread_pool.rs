//! The thread pool, by region: threads, jobs, cancellation, panics, shutdown. Exact counts, no
//! sleeps. Names that begin with a letter and a number carry a statement of asyncio's semantics.

#![cfg(not(loopwork_loom))]

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use loopwork_executors::{
    Executor, ExecutorExt, Job, RejectReason, RejectedJob, ShutdownError, ThreadPoolExecutor,
};
use loopwork_sync::ConcurrentFuture;

fn pool(max_workers: usize) -> ThreadPoolExecutor {
    ThreadPoolExecutor::builder().max_workers(max_workers).build()
}

/// Occupies one thread of the pool until the sender is used or dropped.
fn occupy(pool: &ThreadPoolExecutor) -> (Sender<()>, ConcurrentFuture<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (started, has_started) = mpsc::channel();
    let job = pool.submit(move || {
        started.send(()).unwrap();
        let _ = released.recv();
    });
    has_started.recv().unwrap();
    (release, job.unwrap())
}

/// Spins until all `threads` of the pool are idle: a job's result is there a moment earlier.
fn until_idle(pool: &ThreadPoolExecutor, threads: usize) {
    while pool.statistics().idle < threads {
        thread::yield_now();
    }
}

// Threads.

#[test]
fn no_thread_exists_before_the_first_job() {
    let pool = pool(3);
    assert_eq!(pool.statistics().threads, 0);
    pool.submit(|| ()).unwrap().result(None).unwrap();
    assert_eq!(pool.statistics().threads, 1);
    assert_eq!(pool.max_workers(), 3);
}

#[test]
fn an_idle_thread_is_used_again() {
    let pool = pool(8);
    let mut threads = HashSet::new();
    for _ in 0..50 {
        let id = pool.submit(|| thread::current().id()).unwrap();
        threads.insert(id.result(None).unwrap());
        until_idle(&pool, 1);
    }
    assert_eq!((threads.len(), pool.statistics().threads), (1, 1));
}

#[test]
fn threads_are_added_up_to_the_limit_and_no_further() {
    let pool = pool(3);
    let busy: Vec<_> = (0..3).map(|_| occupy(&pool)).collect();
    let queued: Vec<_> = (0..5).map(|n| pool.submit(move || n).unwrap()).collect();
    let counts = pool.statistics();
    assert_eq!((counts.threads, counts.idle, counts.queued), (3, 0, 5));
    drop(busy);
    let results: Vec<_> = queued.iter().map(|job| job.result(None).unwrap()).collect();
    assert_eq!(results, [0, 1, 2, 3, 4]);
}

#[test]
fn threads_carry_the_prefix_and_a_number() {
    let named = ThreadPoolExecutor::builder().thread_name_prefix("miller").max_workers(2).build();
    let both = Arc::new(Barrier::new(2));
    let names = named.map(
        move |()| {
            both.wait();
            thread::current().name().map(str::to_owned)
        },
        [(), ()],
    );
    let mut names: Vec<_> = names.unwrap().map(|name| name.unwrap().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["miller-0", "miller-1"]);
    let name = pool(1).submit(|| thread::current().name().map(str::to_owned)).unwrap();
    assert_eq!(name.result(None).unwrap().as_deref(), Some("loopwork-job-0"));
}

#[test]
fn the_initializer_runs_once_in_each_thread_before_its_first_job() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let pool = ThreadPoolExecutor::builder()
        .max_workers(2)
        .initializer(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        })
        .build();
    let seen = calls.clone();
    assert_eq!(pool.submit(move || seen.load(Ordering::SeqCst)).unwrap().result(None).unwrap(), 1);
    let busy = [occupy(&pool), occupy(&pool)];
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    drop(busy);
    pool.map(|n| n, 0..20).unwrap().for_each(|n| assert!(n.is_ok()));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[test]
fn an_initializer_that_panics_breaks_the_pool_and_hangs_nobody() {
    let pool = ThreadPoolExecutor::builder()
        .max_workers(1)
        .initializer(|| panic!("this report is part of a test"))
        .build();
    let job = pool.submit(|| ()).unwrap();
    assert!(job.result(None).unwrap_err().is_cancelled());
    let refused = pool.submit(|| 5).unwrap_err();
    assert!(matches!(refused.reason(), RejectReason::Broken));
    assert_eq!(refused.into_inner()(), 5);
    pool.shutdown(true, false).unwrap();
}

#[test]
#[should_panic(expected = "`max_workers` must be at least 1")]
fn a_pool_without_threads_is_refused() {
    let _ = ThreadPoolExecutor::builder().max_workers(0);
}

#[test]
fn the_default_is_pythons() {
    let processors = thread::available_parallelism().unwrap().get();
    assert_eq!(ThreadPoolExecutor::new().max_workers(), 32.min(processors + 4));
}

// Jobs.

#[test]
fn i1_jobs_run_elsewhere_and_can_be_awaited() {
    let pool = pool(1);
    let id = block_on(pool.submit(|| thread::current().id()).unwrap()).unwrap();
    assert_ne!(id, thread::current().id());
}

#[test]
fn jobs_start_in_the_order_of_submission() {
    let pool = pool(1);
    let (release, _) = occupy(&pool);
    let (sender, order) = mpsc::channel();
    for n in 0..10 {
        let sender = sender.clone();
        pool.submit(move || sender.send(n).unwrap()).unwrap();
    }
    drop((release, sender));
    assert_eq!(order.iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
}

#[test]
fn i1_a_panic_reaches_the_future_and_the_thread_survives() {
    let pool = pool(1);
    let job = pool.submit(|| panic!("this report is part of a test")).unwrap();
    let error = job.result(None).unwrap_err();
    assert_eq!(error.to_string(), "the work panicked: this report is part of a test");
    pool.execute(Job::new(|| panic!("so is this one"))).unwrap();
    let first = pool.submit(|| thread::current().id()).unwrap().result(None).unwrap();
    let second = pool.submit(|| thread::current().id()).unwrap().result(None).unwrap();
    assert_eq!((first, pool.statistics().threads), (second, 1));
}

#[test]
fn map_gives_results_in_the_order_of_the_items() {
    let pool = pool(2);
    let (first, second) = mpsc::channel::<()>();
    let (first, second) = (shared(Some(first)), shared(second));
    // The first item ends only after the second has begun to.
    let mut results = pool
        .map(
            move |n| {
                match n {
                    0 => drop(second.lock().recv()),
                    _ => drop(first.lock().take()),
                }
                n * 10
            },
            0..6,
        )
        .unwrap();
    assert_eq!(results.len(), 6);
    assert_eq!(results.next().unwrap().unwrap(), 0);
    let rest: Vec<_> = results.map(Result::unwrap).collect();
    assert_eq!(rest, [10, 20, 30, 40, 50]);
}

fn shared<T>(value: T) -> Arc<loopwork_shim::sync::Mutex<T>> {
    Arc::new(loopwork_shim::sync::Mutex::new(value))
}

#[test]
fn map_goes_on_after_a_failure() {
    let results: Vec<_> = pool(2)
        .map(|n| assert_ne!(n, 1, "this report is part of a test"), 0..3)
        .unwrap()
        .map(|result| result.is_ok())
        .collect();
    assert_eq!(results, [true, false, true]);
}

#[test]
fn a_map_that_is_dropped_cancels_what_has_not_started() {
    let pool = pool(1);
    let (release, _) = occupy(&pool);
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let map = pool.map(move |_| counted.fetch_add(1, Ordering::SeqCst), 0..5).unwrap();
    drop(map);
    drop(release);
    pool.shutdown(true, false).unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[test]
fn a_map_with_a_time_out_reports_what_is_late() {
    let pool = pool(1);
    let (release, _) = occupy(&pool);
    let mut map = pool.map(|n| n, 0..2).unwrap().timeout(Duration::ZERO);
    assert!(map.next().unwrap().unwrap_err().is_timeout());
    drop(release);
}

// Cancellation.

#[test]
fn i2_a_job_cancelled_before_it_starts_never_runs() {
    let pool = pool(1);
    let (release, busy) = occupy(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = ran.clone();
    let job = pool.submit(move || counted.fetch_add(1, Ordering::SeqCst)).unwrap();
    assert!(job.cancel());
    assert!(!busy.cancel(), "a running job cannot be cancelled");
    assert!(busy.running());
    drop(release);
    pool.shutdown(true, false).unwrap();
    assert!(busy.result(None).is_ok());
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert_eq!(Arc::strong_count(&ran), 1, "its closure is gone");
}

#[test]
fn i2_a_job_whose_future_is_dropped_still_runs() {
    let pool = pool(1);
    let (sender, ran) = mpsc::channel();
    drop(pool.submit(move || sender.send(()).unwrap()).unwrap());
    assert_eq!(ran.recv(), Ok(()));
}

// Shutdown.

#[test]
fn after_a_shutdown_the_closure_comes_back() {
    let pool = pool(1);
    pool.shutdown(true, false).unwrap();
    assert!(pool.is_shut_down());
    let text = String::from("mine");
    let refused = pool.submit(move || text).unwrap_err();
    assert!(matches!(refused.reason(), RejectReason::ShutDown));
    assert_eq!(refused.to_string(), "the executor is shut down");
    assert_eq!(refused.into_inner()(), "mine");
    assert!(matches!(pool.map(|n: i32| n, [1]), Err(RejectReason::ShutDown)));
    let (sender, ran) = mpsc::channel();
    let rejected: RejectedJob =
        pool.execute(Job::new(move || sender.send(()).unwrap())).unwrap_err();
    rejected.into_job().run();
    assert_eq!(ran.recv(), Ok(()));
}

#[test]
fn a_shutdown_that_waits_runs_what_was_submitted_and_ends_the_threads() {
    let pool = pool(2);
    let done = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let done = done.clone();
        pool.submit(move || done.fetch_add(1, Ordering::SeqCst)).unwrap();
    }
    pool.shutdown(true, false).unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 100);
    assert_eq!(pool.statistics().threads, 0);
    pool.shutdown(true, true).unwrap();
}

#[test]
fn a_shutdown_can_cancel_what_has_not_started() {
    let pool = pool(1);
    let (release, busy) = occupy(&pool);
    let queued: Vec<_> = (0..3).map(|n| pool.submit(move || n).unwrap()).collect();
    pool.shutdown(false, true).unwrap();
    for job in queued {
        assert!(job.result(None).unwrap_err().is_cancelled());
    }
    assert_eq!(pool.statistics().queued, 0);
    assert!(!busy.done());
    drop(release);
    pool.shutdown(true, false).unwrap();
    assert!(busy.result(None).is_ok());
}

#[test]
fn waiting_in_a_thread_of_the_pool_is_refused_and_does_not_hang() {
    let pool = Arc::new(pool(1));
    let inside = pool.clone();
    let job = pool.submit(move || inside.shutdown(true, false)).unwrap();
    assert_eq!(job.result(None).unwrap(), Err(ShutdownError::OwnThread));
    assert!(pool.is_shut_down());
    pool.shutdown(true, false).unwrap();
}

#[test]
fn a_thread_of_one_pool_may_wait_for_another() {
    let (first, second) = (pool(1), pool(1));
    let (release, busy) = occupy(&second);
    let waiting = first.submit(move || second.shutdown(true, false)).unwrap();
    drop(release);
    assert_eq!(waiting.result(None).unwrap(), Ok(()));
    assert!(busy.done());
}

#[test]
fn a_dropped_pool_still_runs_what_was_submitted() {
    let pool = pool(1);
    let (release, _) = occupy(&pool);
    let job = pool.submit(|| 7).unwrap();
    drop(pool);
    drop(release);
    assert_eq!(job.result(None).unwrap(), 7);
}

#[test]
fn a_pool_may_be_dropped_by_its_own_job() {
    let pool = Arc::new(pool(1));
    let (go, gate) = mpsc::channel::<()>();
    let inside = pool.clone();
    let job = pool.submit(move || {
        let _ = gate.recv();
        drop(inside);
    });
    drop(pool);
    drop(go);
    job.unwrap().result(None).unwrap();
}

#[test]
fn a_worker_of_an_event_loop_may_not_wait() {
    let pool = pool(1);
    let _guard = loopwork_context::forbid_blocking();
    let panic = catch_unwind(AssertUnwindSafe(|| pool.shutdown(true, false))).unwrap_err();
    assert!(panic.downcast::<String>().unwrap().contains("`ThreadPoolExecutor::shutdown` would"));
    assert!(!pool.is_shut_down());
    pool.shutdown(false, false).unwrap();
}

// The trait.

#[test]
fn an_executor_is_used_through_dyn() {
    let pool: Arc<dyn Executor> = Arc::new(pool(1));
    assert_eq!(pool.submit(|| 3).unwrap().result(None).unwrap(), 3);
    assert_eq!(pool.map(|n| n + 1, [1, 2]).unwrap().map(Result::unwrap).sum::<i32>(), 5);
    pool.shutdown(true).unwrap();
    assert_eq!(pool.submit(|| 4).unwrap_err().into_inner()(), 4);
}

#[test]
fn an_executor_of_ones_own_that_drops_jobs_cancels_them() {
    struct Careless;
    impl Executor for Careless {
        fn execute(&self, job: Job) -> Result<(), RejectedJob> {
            drop(job);
            Ok(())
        }
        fn shutdown(&self, _wait: bool) -> Result<(), ShutdownError> {
            Ok(())
        }
    }
    assert!(Careless.submit(|| ()).unwrap().result(None).unwrap_err().is_cancelled());
}

// Many threads at once.

#[test]
fn submissions_racing_a_shutdown_are_run_or_handed_back() {
    for _ in 0..50 {
        let pool = pool(2);
        let ran = Arc::new(AtomicUsize::new(0));
        let (accepted, refused): (usize, usize) = thread::scope(|threads| {
            let submitters: Vec<_> = (0..3)
                .map(|_| {
                    let (pool, ran) = (&pool, &ran);
                    threads.spawn(move || {
                        let (mut accepted, mut refused) = (0, 0);
                        for _ in 0..40 {
                            let ran = ran.clone();
                            match pool.submit(move || ran.fetch_add(1, Ordering::SeqCst)) {
                                Ok(_) => accepted += 1,
                                Err(_) => refused += 1,
                            }
                        }
                        (accepted, refused)
                    })
                })
                .collect();
            pool.shutdown(true, false).unwrap();
            submitters
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .fold((0, 0), |sum, (accepted, refused)| (sum.0 + accepted, sum.1 + refused))
        });
        assert_eq!(accepted + refused, 120);
        assert_eq!(ran.load(Ordering::SeqCst), accepted);
    }
}

#[test]
fn jobs_may_submit_jobs_and_wait_for_them() {
    let pool = Arc::new(pool(4));
    let (sender, results): (_, Receiver<usize>) = mpsc::channel();
    for n in 0..3 {
        let (inner, sender) = (pool.clone(), sender.clone());
        pool.submit(move || {
            let nested = inner.submit(move || n).unwrap();
            sender.send(nested.result(None).unwrap()).unwrap();
        })
        .unwrap();
    }
    drop(sender);
    assert_eq!(results.iter().sum::<usize>(), 3);
}

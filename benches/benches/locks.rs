//! Locks and permits: free, and wanted by a few tasks or by many.

mod support;

use std::future::Future;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use loopwork::sync::{Lock, Mutex, RwLock, Semaphore};
use loopwork::{EventLoop, Handle};

/// How often all tasks together lock.
const TIMES: usize = 2_000;

/// A lock around a number, the fair one or the other.
trait Exclusive: Send + Sync + 'static {
    const NAME: &str;

    fn new() -> Self;
    fn increment(&self) -> impl Future<Output = usize> + Send;
}

impl Exclusive for Lock<usize> {
    const NAME: &str = "lock";

    fn new() -> Self {
        Self::new(0)
    }

    async fn increment(&self) -> usize {
        let mut number = self.lock().await;
        *number += 1;
        *number
    }
}

impl Exclusive for Mutex<usize> {
    const NAME: &str = "mutex";

    fn new() -> Self {
        Self::new(0)
    }

    async fn increment(&self) -> usize {
        let mut number = self.lock().await;
        *number += 1;
        *number
    }
}

fn free(criterion: &mut Criterion) {
    let event_loop = &mut support::event_loop(1);
    alone(criterion, event_loop, "lock/free", Lock::new(0), |lock| async move {
        lock.increment().await;
    });
    alone(criterion, event_loop, "mutex/free", Mutex::new(0), |mutex| async move {
        mutex.increment().await;
    });
    alone(criterion, event_loop, "rwlock/read", RwLock::new(0), |rwlock| async move {
        assert_eq!(*rwlock.read().await, 0);
    });
    alone(criterion, event_loop, "semaphore/free", Semaphore::new(2), |semaphore| async move {
        drop(semaphore.acquire().await);
    });
}

/// One task does it again and again.
fn alone<T, F>(
    criterion: &mut Criterion,
    event_loop: &mut EventLoop,
    name: &str,
    shared: T,
    once: fn(Arc<T>) -> F,
) where
    T: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let shared = Arc::new(shared);
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|repetitions| {
            let shared = shared.clone();
            support::time(event_loop, repetitions, move || once(shared.clone()))
        });
    });
}

fn contended(criterion: &mut Criterion) {
    contended_by::<Lock<usize>>(criterion);
    contended_by::<Mutex<usize>>(criterion);
}

fn contended_by<L: Exclusive>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("{}/contended", L::NAME));
    group.throughput(Throughput::Elements(TIMES as u64));
    for workers in [1, 2] {
        let mut event_loop = support::event_loop(workers);
        for tasks in [2, 4, 100] {
            let id = BenchmarkId::new(format!("{tasks} tasks, workers"), workers);
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|repetitions| {
                    let handle = event_loop.handle();
                    support::time(&mut event_loop, repetitions, move || {
                        contend::<L>(handle.clone(), tasks)
                    })
                });
            });
        }
    }
    group.finish();
}

async fn contend<L: Exclusive>(handle: Handle, tasks: usize) {
    let lock = Arc::new(L::new());
    let spawn = |_| {
        let lock = lock.clone();
        handle.spawn(async move {
            for _ in 0..TIMES / tasks {
                lock.increment().await;
            }
        })
    };
    let tasks: Vec<_> = (0..tasks).map(spawn).collect();
    for task in tasks {
        task.await.expect("a task of the lock does not fail");
    }
    assert_eq!(lock.increment().await, TIMES + 1);
}

criterion_group! { name = benches; config = support::criterion(); targets = free, contended }
criterion_main!(benches);

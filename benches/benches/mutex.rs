//! The other locks: free, and wanted by many tasks. Beside `lock.rs`, which has the fair one.

mod support;

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use loopwork::Handle;
use loopwork::sync::{Mutex, RwLock, Semaphore};

const TASKS: usize = 100;
const TIMES: usize = 20;

fn free(criterion: &mut Criterion) {
    let mut event_loop = support::event_loop(1);
    let mutex = Arc::new(Mutex::new(0_u64));
    criterion.bench_function("mutex/free", |bencher| {
        bencher.iter_custom(|repetitions| {
            let mutex = mutex.clone();
            support::time(&mut event_loop, repetitions, move || {
                let mutex = mutex.clone();
                async move { *mutex.lock().await += 1 }
            })
        });
    });
    let rwlock = Arc::new(RwLock::new(0_u64));
    criterion.bench_function("rwlock/read", |bencher| {
        bencher.iter_custom(|repetitions| {
            let rwlock = rwlock.clone();
            support::time(&mut event_loop, repetitions, move || {
                let rwlock = rwlock.clone();
                async move { assert_eq!(*rwlock.read().await, 0) }
            })
        });
    });
    let semaphore = Arc::new(Semaphore::new(2));
    criterion.bench_function("semaphore/free", |bencher| {
        bencher.iter_custom(|repetitions| {
            let semaphore = semaphore.clone();
            support::time(&mut event_loop, repetitions, move || {
                let semaphore = semaphore.clone();
                async move { drop(semaphore.acquire().await) }
            })
        });
    });
}

fn contended(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mutex/contended");
    group.throughput(Throughput::Elements((TASKS * TIMES) as u64));
    for workers in [1, 2] {
        let mut event_loop = support::event_loop(workers);
        group.bench_function(BenchmarkId::new("workers", workers), |bencher| {
            bencher.iter_custom(|repetitions| {
                let handle = event_loop.handle();
                support::time(&mut event_loop, repetitions, move || contend(handle.clone()))
            });
        });
    }
    group.finish();
}

async fn contend(handle: Handle) {
    let mutex = Arc::new(Mutex::new(0));
    let spawn = |_| {
        let mutex = mutex.clone();
        handle.spawn(async move {
            for _ in 0..TIMES {
                *mutex.lock().await += 1;
            }
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(spawn).collect();
    for task in tasks {
        task.await.expect("a task of the mutex does not fail");
    }
    assert_eq!(*mutex.lock().await, TASKS * TIMES);
}

criterion_group! { name = benches; config = support::criterion(); targets = free, contended }
criterion_main!(benches);

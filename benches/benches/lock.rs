//! The async lock: free, and wanted by many tasks.

mod support;

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use loopwork::Handle;
use loopwork::sync::Lock;

const TASKS: usize = 100;
const TIMES: usize = 20;

fn free(criterion: &mut Criterion) {
    let mut event_loop = support::event_loop(1);
    let lock = Arc::new(Lock::new(0u64));
    criterion.bench_function("lock/free", |bencher| {
        bencher.iter_custom(|repetitions| {
            let lock = lock.clone();
            support::time(&mut event_loop, repetitions, move || {
                let lock = lock.clone();
                async move { *lock.lock().await += 1 }
            })
        });
    });
}

fn contended(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lock/contended");
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
    let lock = Arc::new(Lock::new(0));
    let spawn = |_| {
        let lock = lock.clone();
        handle.spawn(async move {
            for _ in 0..TIMES {
                *lock.lock().await += 1;
            }
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(spawn).collect();
    for task in tasks {
        task.await.expect("a task of the lock does not fail");
    }
    assert_eq!(*lock.lock().await, TASKS * TIMES);
}

criterion_group! { name = benches; config = support::criterion(); targets = free, contended }
criterion_main!(benches);

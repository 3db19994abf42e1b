//! The bounded queue: by one task, and between two.

mod support;

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use loopwork::Handle;
use loopwork::sync::Queue;

const ITEMS: usize = 1_000;
const MAXSIZE: usize = 128;

fn by_one_task(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue/put_get");
    let mut event_loop = support::event_loop(1);
    let queue = Arc::new(Queue::new(MAXSIZE));
    group.bench_function("await", |bencher| {
        bencher.iter_custom(|repetitions| {
            let queue = queue.clone();
            support::time(&mut event_loop, repetitions, move || {
                let queue = queue.clone();
                async move {
                    queue.put(1).await.expect("nobody shuts the queue down");
                    queue.get().await.expect("nobody shuts the queue down");
                }
            })
        });
    });
    group.bench_function("nowait", |bencher| {
        bencher.iter(|| {
            queue.put_nowait(1).expect("there is room");
            queue.get_nowait().expect("there is an item")
        });
    });
    group.finish();
}

fn between_tasks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue/producer_consumer");
    group.throughput(Throughput::Elements(ITEMS as u64));
    for workers in [1, 2] {
        let mut event_loop = support::event_loop(workers);
        group.bench_function(BenchmarkId::new("workers", workers), |bencher| {
            bencher.iter_custom(|repetitions| {
                let handle = event_loop.handle();
                support::time(&mut event_loop, repetitions, move || produce(handle.clone()))
            });
        });
    }
    group.finish();
}

/// This task consumes what another one produces.
async fn produce(handle: Handle) {
    let queue = Arc::new(Queue::new(MAXSIZE));
    let producer = handle.spawn({
        let queue = queue.clone();
        async move {
            for item in 0..ITEMS {
                queue.put(item).await.expect("nobody shuts the queue down");
            }
        }
    });
    for expected in 0..ITEMS {
        assert_eq!(queue.get().await.expect("nobody shuts the queue down"), expected);
    }
    producer.await.expect("the producer does not fail");
}

criterion_group! { name = benches; config = support::criterion(); targets = by_one_task, between_tasks }
criterion_main!(benches);

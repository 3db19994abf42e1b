//! Spawning tasks and awaiting their handles.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use loopwork::Handle;

const TASKS: usize = 1_000;

fn spawn_join(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("spawn_join");
    group.throughput(Throughput::Elements(TASKS as u64));
    for workers in [1, 2] {
        let mut event_loop = support::event_loop(workers);
        group.bench_function(BenchmarkId::new("workers", workers), |bencher| {
            bencher.iter_custom(|repetitions| {
                let handle = event_loop.handle();
                support::time(&mut event_loop, repetitions, move || spawn_and_join(handle.clone()))
            });
        });
    }
    group.finish();
}

async fn spawn_and_join(handle: Handle) {
    let tasks: Vec<_> = (0..TASKS).map(|_| handle.spawn(async {})).collect();
    for task in tasks {
        task.await.expect("an empty task does not fail");
    }
}

criterion_group! { name = benches; config = support::criterion(); targets = spawn_join }
criterion_main!(benches);

//! Callbacks, from a task until the last of them has run.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use loopwork::Handle;
use loopwork::sync::oneshot;

const CALLBACKS: usize = 1_000;

fn call_soon(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call_soon");
    group.throughput(Throughput::Elements(CALLBACKS as u64));
    for workers in [1, 2] {
        let mut event_loop = support::event_loop(workers);
        group.bench_function(BenchmarkId::new("workers", workers), |bencher| {
            bencher.iter_custom(|repetitions| {
                let handle = event_loop.handle();
                support::time(&mut event_loop, repetitions, move || call_and_wait(handle.clone()))
            });
        });
    }
    group.finish();
}

async fn call_and_wait(handle: Handle) {
    let (done, is_done) = oneshot::channel();
    for _ in 1..CALLBACKS {
        drop(handle.call_soon(|| ()));
    }
    // Callbacks run in their order: this one is the last.
    drop(handle.call_soon(|| done.send(()).expect("the task waits")));
    is_done.await.expect("the callback runs");
}

criterion_group! { name = benches; config = support::criterion(); targets = call_soon }
criterion_main!(benches);

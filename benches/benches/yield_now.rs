//! Tasks that let each other run.

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use loopwork::{Handle, yield_now};

const TASKS: usize = 100;
const YIELDS: usize = 100;

fn yields(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("yield_now");
    group.throughput(Throughput::Elements((TASKS * YIELDS) as u64));
    for workers in [1, 2] {
        let mut event_loop = support::event_loop(workers);
        group.bench_function(BenchmarkId::new("workers", workers), |bencher| {
            bencher.iter_custom(|repetitions| {
                let handle = event_loop.handle();
                support::time(&mut event_loop, repetitions, move || yield_often(handle.clone()))
            });
        });
    }
    group.finish();
}

async fn yield_often(handle: Handle) {
    let spawn = |_| {
        handle.spawn(async {
            for _ in 0..YIELDS {
                yield_now().await;
            }
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(spawn).collect();
    for task in tasks {
        task.await.expect("a yielding task does not fail");
    }
}

criterion_group! { name = benches; config = support::criterion(); targets = yields }
criterion_main!(benches);

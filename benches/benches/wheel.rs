//! The timer wheel by itself: what a timeout costs that does not happen.

mod support;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use loopwork_time::wheel::Wheel;

const SECOND: u64 = 1_000_000_000;

fn insert_and_remove(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wheel/insert_remove");
    for pending in [0, 1_000, 100_000] {
        let mut deadlines = Deadlines(1);
        let mut wheel = Wheel::new(0);
        let mut sequence = 0;
        for deadline in deadlines.by_ref().take(pending) {
            wheel.insert(deadline, sequence, ());
            sequence += 1;
        }
        group.bench_function(BenchmarkId::new("pending", pending), |bencher| {
            bencher.iter(|| {
                let deadline = deadlines.next().expect("there are always more");
                let key = wheel.insert(deadline, sequence, ());
                sequence += 1;
                wheel.remove(black_box(key))
            });
        });
    }
    group.finish();
}

/// Deadlines of 1 to 60 seconds, the same ones in every run.
struct Deadlines(u64);

impl Iterator for Deadlines {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        // Knuth's linear congruential generator; its high bits are good enough.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Some(SECOND + (self.0 >> 20) % (59 * SECOND))
    }
}

criterion_group! { name = benches; config = support::criterion(); targets = insert_and_remove }
criterion_main!(benches);

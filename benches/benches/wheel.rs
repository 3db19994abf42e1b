//! The timer wheel by itself: what a timer costs that is cancelled, and one that fires, among many.

mod support;

use std::env;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use loopwork_time::wheel::{Key, Wheel};

const SECOND: u64 = 1_000_000_000;
/// How many timers are pending. The most of them take half a gigabyte.
const PENDING: [usize; 4] = [1_000, 100_000, 1_000_000, 10_000_000];
/// So many at once go from one level to the next that a sample has to be long.
const MANY: usize = 1_000_000;
/// Where each bench only runs once, to see that it does.
const MOST_OF_A_TEST: usize = 1_000_000;

/// A timeout that ends as soon as it began.
fn insert_and_remove(criterion: &mut Criterion) {
    let operation = Crowded::insert_and_remove;
    among_pending(criterion, "wheel/insert_remove", Crowded::new, operation);
}

/// A timeout that has been pending for a while: any of them ends, and another one takes its place.
fn remove_and_insert(criterion: &mut Criterion) {
    let operation = Crowded::remove_and_insert;
    among_pending(criterion, "wheel/remove_any_insert", Crowded::new, operation);
}

/// A timer that fires: the next one does, and another one takes its place. The hold model, by which
/// event lists are compared (Vaucher and Duval, 1975).
fn fire_and_insert(criterion: &mut Criterion) {
    let operation = Crowded::fire_and_insert;
    among_pending(criterion, "wheel/fire_insert", Crowded::aged, operation);
}

fn among_pending(
    criterion: &mut Criterion,
    name: &str,
    new: fn(usize) -> Crowded,
    operation: fn(&mut Crowded),
) {
    let is_test = env::args().any(|argument| argument == "--test");
    let mut group = criterion.benchmark_group(name);
    for pending in PENDING {
        if is_test && pending > MOST_OF_A_TEST {
            continue;
        }
        if pending >= MANY {
            group.sample_size(10).sampling_mode(SamplingMode::Flat);
            group.measurement_time(Duration::from_secs(3));
        }
        // Once, though criterion comes back for it, and not if it was not asked for.
        let mut crowded = None;
        group.bench_function(BenchmarkId::new("pending", pending), |bencher| {
            let crowded = crowded.get_or_insert_with(|| new(pending));
            bencher.iter(|| operation(crowded));
        });
    }
    group.finish();
}

/// As large as what a timer shares with its sleep.
type Ticket = [u64; 4];

/// A wheel in which many timers are pending, each of 1 to 60 seconds. All use of the wheel is here.
struct Crowded {
    wheel: Wheel<Ticket>,
    now: u64,
    sequence: u64,
    random: Random,
    /// Of all that are pending, as long as none has fired.
    keys: Vec<Key>,
    due: Vec<Key>,
}

impl Crowded {
    fn new(pending: usize) -> Self {
        let mut crowded = Self {
            wheel: Wheel::new(0),
            now: 0,
            sequence: 0,
            random: Random(1),
            keys: Vec::new(),
            due: Vec::new(),
        };
        crowded.keys = (0..pending).map(|_| crowded.insert()).collect();
        crowded
    }

    /// As after a while: timers of any age, on every level.
    fn aged(pending: usize) -> Self {
        let mut crowded = Self::new(pending);
        crowded.keys = Vec::new();
        for _ in 0..pending {
            crowded.fire_and_insert();
        }
        crowded
    }

    fn insert_and_remove(&mut self) {
        let key = self.insert();
        self.remove(black_box(key));
    }

    fn remove_and_insert(&mut self) {
        let any = self.random.below(self.keys.len() as u64) as usize;
        self.remove(self.keys[any]);
        self.keys[any] = self.insert();
    }

    fn fire_and_insert(&mut self) {
        let fired = loop {
            if let Some(fired) = self.due.pop() {
                break fired;
            }
            self.now = self.wheel.next_deadline().expect("there are always some");
            self.wheel.advance(self.now, |entry| self.due.push(entry.key));
        };
        self.remove(fired);
        self.insert();
    }

    fn insert(&mut self) -> Key {
        let deadline = self.now + SECOND + self.random.below(59 * SECOND);
        self.sequence += 1;
        self.wheel.insert(deadline, self.sequence)
    }

    fn remove(&mut self, key: Key) {
        self.wheel.free(key);
    }
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        // Knuth's linear congruential generator, of whose bits the high ones are good enough.
        let multiplier = 6_364_136_223_846_793_005;
        self.0 = self.0.wrapping_mul(multiplier).wrapping_add(1_442_695_040_888_963_407);
        // The high half of a product: that part of `end`, without a division.
        ((u128::from(self.0) * u128::from(end)) >> 64) as u64
    }
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = insert_and_remove, remove_and_insert, fire_and_insert
}
criterion_main!(benches);

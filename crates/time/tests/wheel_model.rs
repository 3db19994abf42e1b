//! The wheel against a model: a sorted map that is obviously right.

#![cfg(not(loopwork_loom))]

use std::cell::Cell;
use std::collections::BTreeMap;

use loopwork_time::wheel::{Key, Wheel};
use proptest::collection::vec;
use proptest::prelude::*;

/// One call to the wheel.
#[derive(Debug, Clone)]
enum Step {
    /// Insert with this distance from now; negative is the past.
    Insert(i64),
    /// Insert with this very deadline.
    InsertAt(u64),
    /// Insert once more with the deadline of an entry made before.
    InsertEqual(prop::sample::Index),
    /// Free an entry, if it is still there.
    Free(prop::sample::Index),
    /// Take an entry out, if it is still there, and free it later.
    Unlink(prop::sample::Index),
    /// Give an entry, also one that came out, a deadline with this distance from now.
    Relink(prop::sample::Index, i64),
    /// Let this many nanoseconds pass.
    Advance(u64),
    /// Advance to what `next_deadline` says.
    AdvanceToNext,
}

/// Spans of every magnitude, so that every level is met.
fn span() -> impl Strategy<Value = u64> {
    (0..63_u32, any::<u64>()).prop_map(|(bits, random)| random >> (63 - bits) >> 1)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (span(), 0..8).prop_map(|(span, sign)| {
            Step::Insert(if sign == 0 { -(span as i64) } else { span as i64 })
        }),
        1 => prop_oneof![Just(u64::MAX), Just(u64::MAX - 1), Just(0), any::<u64>()]
            .prop_map(Step::InsertAt),
        2 => any::<prop::sample::Index>().prop_map(Step::InsertEqual),
        3 => any::<prop::sample::Index>().prop_map(Step::Free),
        1 => any::<prop::sample::Index>().prop_map(Step::Unlink),
        2 => (any::<prop::sample::Index>(), span(), any::<bool>()).prop_map(|(index, span, back)| {
            Step::Relink(index, if back { -(span as i64) } else { span as i64 })
        }),
        2 => span().prop_map(Step::Advance),
        2 => Just(Step::AdvanceToNext),
    ]
}

/// The wheel, the model, and every entry that was not freed: its sequence is its name.
struct Pair {
    wheel: Wheel<Cell<u64>>,
    /// What is linked, by deadline and sequence.
    model: BTreeMap<(u64, u64), Key>,
    /// What was not freed, with the deadline it was linked with last.
    there: Vec<(u64, u64, Key)>,
    made: u64,
    now: u64,
}

impl Pair {
    fn new(now: u64) -> Self {
        Self { wheel: Wheel::new(now), model: BTreeMap::new(), there: Vec::new(), made: 0, now }
    }

    fn insert(&mut self, deadline: u64) {
        let sequence = self.made;
        self.made += 1;
        let key = self.wheel.insert(deadline, sequence);
        self.wheel.value(key).set(sequence);
        self.there.push((deadline, sequence, key));
        self.model.insert((deadline, sequence), key);
    }

    fn free(&mut self, which: usize) {
        let (deadline, sequence, key) = self.there.swap_remove(which);
        self.model.remove(&(deadline, sequence));
        assert_eq!(self.wheel.value(key).get(), sequence, "nobody else has its place");
        self.wheel.free(key);
    }

    fn unlink(&mut self, which: usize) {
        let (deadline, sequence, key) = self.there[which];
        self.model.remove(&(deadline, sequence));
        self.wheel.unlink(key);
    }

    fn relink(&mut self, which: usize, to: u64) {
        let (deadline, sequence, key) = &mut self.there[which];
        self.model.remove(&(*deadline, *sequence));
        *deadline = to;
        self.model.insert((to, *sequence), *key);
        self.wheel.relink(*key, to);
    }

    fn advance(&mut self, now: u64) {
        self.now = self.now.max(now);
        let mut due = Vec::new();
        self.wheel.advance(now, |entry| {
            due.push((entry.deadline, entry.sequence, entry.value.get(), entry.key));
        });
        let mut expected = Vec::new();
        while let Some(entry) = self.model.first_entry() {
            let (deadline, sequence) = *entry.key();
            if deadline > self.now || deadline == u64::MAX {
                break;
            }
            expected.push((deadline, sequence, sequence, entry.remove()));
        }
        assert_eq!(due, expected);
    }

    fn check(&self) {
        assert_eq!(self.wheel.len(), self.there.len());
        let earliest = self.model.first_key_value().map(|(&(deadline, _), _)| deadline);
        match self.wheel.next_deadline() {
            None => assert!(earliest.is_none_or(|deadline| deadline == u64::MAX)),
            Some(bound) => assert!(bound <= earliest.expect("there is an entry")),
        }
    }

    /// Waits by `next_deadline` alone until nothing is left to wait for.
    fn run_out(&mut self) {
        let bound = 7 * self.made + 7;
        for _ in 0..bound {
            let Some(next) = self.wheel.next_deadline() else {
                assert!(self.model.keys().all(|&(deadline, _)| deadline == u64::MAX));
                return;
            };
            self.advance(next);
        }
        panic!("{bound} advances did not suffice");
    }
}

proptest! {
    // Failures are kept beside this file, and tried first from then on.
    #![proptest_config(ProptestConfig { cases: 1024, ..Default::default() })]

    #[test]
    fn the_wheel_does_what_the_map_does(start in any::<u64>(), steps in vec(step(), 0..120)) {
        let mut pair = Pair::new(start >> 1);
        for step in steps {
            let which = |index: prop::sample::Index| {
                (!pair.there.is_empty()).then(|| index.index(pair.there.len()))
            };
            match step {
                Step::Insert(distance) => pair.insert(pair.now.saturating_add_signed(distance)),
                Step::InsertAt(deadline) => pair.insert(deadline),
                Step::InsertEqual(index) => {
                    if let Some(which) = which(index) {
                        pair.insert(pair.there[which].0);
                    }
                }
                Step::Free(index) => which(index).into_iter().for_each(|which| pair.free(which)),
                Step::Unlink(index) => {
                    which(index).into_iter().for_each(|which| pair.unlink(which));
                }
                Step::Relink(index, distance) => {
                    if let Some(which) = which(index) {
                        pair.relink(which, pair.now.saturating_add_signed(distance));
                    }
                }
                Step::Advance(span) => pair.advance(pair.now.saturating_add(span)),
                Step::AdvanceToNext => {
                    let next = pair.wheel.next_deadline().unwrap_or(pair.now);
                    pair.advance(next);
                }
            }
            pair.check();
        }
        pair.run_out();
    }
}

fn due_by<T: Default + Copy>(wheel: &mut Wheel<Cell<T>>, now: u64) -> Vec<(u64, T)> {
    let mut due = Vec::new();
    wheel.advance(now, |entry| due.push((entry.deadline, entry.value.get())));
    due
}

#[test]
fn without_removals_the_next_deadline_is_exact() {
    let mut wheel = Wheel::<()>::new(1_000);
    let mut earliest = u64::MAX;
    for i in 1..500_u64 {
        let deadline = 1_000 + (i * 7_919_317) % 100_000_007;
        earliest = earliest.min(deadline);
        wheel.insert(deadline, i);
        assert_eq!(wheel.next_deadline(), Some(earliest));
    }
}

#[test]
fn time_given_backwards_counts_as_the_latest() {
    let mut wheel = Wheel::<Cell<char>>::new(100);
    for (deadline, name) in [(60, 'a'), (101, 'b')] {
        let key = wheel.insert(deadline, 0);
        wheel.value(key).set(name);
    }
    assert_eq!(due_by(&mut wheel, 50), [(60, 'a')]);
}

#[test]
fn nothing_comes_out_before_its_nanosecond() {
    let mut wheel = Wheel::<Cell<u32>>::new(0);
    for name in 1..=3_u32 {
        // All in one slot of the lowest level.
        let key = wheel.insert(100 + u64::from(name), 0);
        wheel.value(key).set(name);
    }
    assert_eq!(due_by(&mut wheel, 100), []);
    assert_eq!(due_by(&mut wheel, 102), [(101, 1), (102, 2)]);
    assert_eq!(wheel.next_deadline(), Some(103));
    assert_eq!(due_by(&mut wheel, 103), [(103, 3)]);
}

#[test]
fn what_never_comes_is_kept_and_never_comes_out() {
    let mut wheel = Wheel::<Cell<char>>::new(0);
    let key = wheel.insert(u64::MAX, 0);
    assert_eq!(wheel.next_deadline(), None);
    assert_eq!(wheel.len(), 1);
    assert_eq!(due_by(&mut wheel, u64::MAX), []);
    wheel.free(key);
    assert!(wheel.is_empty());
}

/// A value stays where it is while others come and go: sleeps point at it.
#[test]
fn values_do_not_move() {
    let mut wheel = Wheel::<Cell<u64>>::new(0);
    let keys: Vec<_> = (0..10_000).map(|n| wheel.insert(n, n)).collect();
    let first: Vec<_> = keys.iter().map(|&key| std::ptr::from_ref(wheel.value(key))).collect();
    keys.iter().step_by(2).for_each(|&key| wheel.free(key));
    (0..20_000).for_each(|n| _ = wheel.insert(n, n));
    for (key, first) in keys.iter().zip(first).skip(1).step_by(2) {
        assert!(std::ptr::eq(wheel.value(*key), first));
    }
    assert_eq!(wheel.len(), 25_000);
}

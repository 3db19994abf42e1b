//! The wheel against a model: a sorted map that is obviously right.

#![cfg(not(loopwork_loom))]

use std::collections::BTreeMap;

use loopwork_time::wheel::{Expired, Key, Wheel};
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
    /// Remove an entry, which may be gone already.
    Remove(prop::sample::Index),
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
        3 => any::<prop::sample::Index>().prop_map(Step::Remove),
        2 => span().prop_map(Step::Advance),
        2 => Just(Step::AdvanceToNext),
    ]
}

/// The wheel, the model, and every key ever given out.
struct Pair {
    wheel: Wheel<u64>,
    model: BTreeMap<(u64, u64), Key>,
    made: Vec<(u64, u64, Key)>,
    now: u64,
}

impl Pair {
    fn new(now: u64) -> Self {
        Self { wheel: Wheel::new(now), model: BTreeMap::new(), made: Vec::new(), now }
    }

    fn insert(&mut self, deadline: u64) {
        let sequence = self.made.len() as u64;
        let key = self.wheel.insert(deadline, sequence, sequence);
        self.made.push((deadline, sequence, key));
        self.model.insert((deadline, sequence), key);
    }

    fn remove(&mut self, which: usize) {
        let (deadline, sequence, key) = self.made[which];
        let expected = self.model.remove(&(deadline, sequence)).map(|_| sequence);
        assert_eq!(self.wheel.get(key).copied(), expected);
        assert_eq!(self.wheel.remove(key), expected);
        assert_eq!(self.wheel.remove(key), None);
    }

    fn advance(&mut self, now: u64) {
        self.now = self.now.max(now);
        let mut due = Vec::new();
        self.wheel.advance(now, &mut due);
        let mut expected = Vec::new();
        while let Some(entry) = self.model.first_entry() {
            let (deadline, sequence) = *entry.key();
            if deadline > self.now || deadline == u64::MAX {
                break;
            }
            entry.remove();
            expected.push(Expired { deadline, sequence, value: sequence });
        }
        assert_eq!(due, expected);
    }

    fn check(&self) {
        assert_eq!(self.wheel.len(), self.model.len());
        let earliest = self.model.first_key_value().map(|(&(deadline, _), _)| deadline);
        match self.wheel.next_deadline() {
            None => assert!(earliest.is_none_or(|deadline| deadline == u64::MAX)),
            Some(bound) => assert!(bound <= earliest.expect("there is an entry")),
        }
    }

    /// Waits by `next_deadline` alone until nothing is left to wait for.
    fn run_out(&mut self) {
        let bound = 12 * self.made.len() + 1;
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
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_wheel_does_what_the_map_does(start in any::<u64>(), steps in vec(step(), 0..120)) {
        let mut pair = Pair::new(start >> 1);
        for step in steps {
            match step {
                Step::Insert(distance) => pair.insert(pair.now.saturating_add_signed(distance)),
                Step::InsertAt(deadline) => pair.insert(deadline),
                Step::InsertEqual(index) if !pair.made.is_empty() => {
                    pair.insert(pair.made[index.index(pair.made.len())].0);
                }
                Step::Remove(index) if !pair.made.is_empty() => {
                    pair.remove(index.index(pair.made.len()));
                }
                Step::InsertEqual(_) | Step::Remove(_) => {}
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

#[test]
fn without_removals_the_next_deadline_is_exact() {
    let mut wheel = Wheel::new(1_000);
    let mut earliest = u64::MAX;
    for i in 1..500_u64 {
        let deadline = 1_000 + (i * 7_919_317) % 100_000_007;
        earliest = earliest.min(deadline);
        wheel.insert(deadline, i, ());
        assert_eq!(wheel.next_deadline(), Some(earliest));
    }
}

#[test]
fn time_given_backwards_counts_as_the_latest() {
    let mut wheel = Wheel::new(100);
    wheel.insert(60, 0, 'a');
    wheel.insert(101, 1, 'b');
    let mut due = Vec::new();
    wheel.advance(50, &mut due);
    assert_eq!(due, [Expired { deadline: 60, sequence: 0, value: 'a' }]);
}

#[test]
fn advancing_appends_and_sorts_only_what_it_appends() {
    let mut wheel = Wheel::new(0);
    let mut due = Vec::new();
    wheel.insert(9, 0, 'x');
    wheel.advance(9, &mut due);
    wheel.insert(3, 1, 'y');
    wheel.advance(9, &mut due);
    assert_eq!(due.iter().map(|entry| entry.value).collect::<String>(), "xy");
}

#[test]
fn what_never_comes_is_kept_and_never_given_back() {
    let mut wheel = Wheel::new(0);
    let key = wheel.insert(u64::MAX, 0, 'n');
    assert_eq!(wheel.next_deadline(), None);
    assert_eq!(wheel.len(), 1);
    let mut due = Vec::new();
    wheel.advance(u64::MAX, &mut due);
    assert!(due.is_empty());
    assert_eq!(wheel.remove(key), Some('n'));
    assert!(wheel.is_empty());
}

#[test]
fn an_old_key_does_not_reach_the_entry_in_its_place() {
    let mut wheel = Wheel::new(0);
    let old = wheel.insert(1, 0, 'o');
    assert_eq!(wheel.remove(old), Some('o'));
    let new = wheel.insert(1, 1, 'n');
    assert_ne!(old, new);
    assert_eq!(wheel.remove(old), None);
    assert_eq!(wheel.get_mut(new), Some(&mut 'n'));
}

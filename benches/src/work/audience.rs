//! One task sends, and many get all of it.

use std::time::Instant;

use super::absent::Absent;
use crate::contender::{Contender, Each, Latest};
use crate::measurement::Measurement;
use crate::plan::{AudiencePlan, Plan};
use crate::recorder::Recorder;

/// The next value is sent when everybody has seen the last.
pub(crate) async fn watch<C: Contender, W: Latest>(
    contender: &'static C,
    plan: Plan,
) -> Measurement {
    let AudiencePlan { tasks: count, batches: values, .. } = plan.watch;
    let mut recorder = Recorder::new(plan.sampling, values * count);
    let absent = Absent::new();
    while recorder.wants_more() {
        let begin = Instant::now();
        let sender = W::new();
        let see = || contender.spawn(see_all::<W>(W::subscribe(&sender), absent, values));
        let tasks: Vec<_> = (0..count).map(|_| see()).collect();
        for value in 1..=values {
            absent.begin(count);
            W::send(&sender, value);
            absent.none().await;
        }
        for task in tasks {
            C::join(task).await;
        }
        recorder.add(begin.elapsed());
    }
    recorder.finish()
}

async fn see_all<W: Latest>(mut receiver: W::Receiver, absent: &'static Absent, values: usize) {
    for value in 1..=values {
        assert_eq!(W::changed(&mut receiver).await, value, "each value is seen once");
        absent.one_less();
    }
}

/// The next batch is sent when everybody has got the last.
pub(crate) async fn broadcast<C: Contender, B: Each>(
    contender: &'static C,
    plan: Plan,
) -> Measurement {
    let AudiencePlan { tasks: count, batch, batches } = plan.broadcast;
    let items = batch * batches;
    let mut recorder = Recorder::new(plan.sampling, items * count);
    let absent = Absent::new();
    while recorder.wants_more() {
        let begin = Instant::now();
        let sender = B::new(batch);
        let take = || contender.spawn(take_all::<B>(B::subscribe(&sender), absent, batch, batches));
        let tasks: Vec<_> = (0..count).map(|_| take()).collect();
        for first in (0..items).step_by(batch) {
            absent.begin(count);
            for item in first..first + batch {
                B::send(&sender, item);
            }
            absent.none().await;
        }
        for task in tasks {
            C::join(task).await;
        }
        recorder.add(begin.elapsed());
    }
    recorder.finish()
}

async fn take_all<B: Each>(
    mut receiver: B::Receiver,
    absent: &'static Absent,
    batch: usize,
    batches: usize,
) {
    for first in (0..batch * batches).step_by(batch) {
        for item in first..first + batch {
            assert_eq!(B::recv(&mut receiver).await, item, "everybody gets all items in order");
        }
        absent.one_less();
    }
}

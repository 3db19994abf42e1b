//! A number behind a lock: for one task alone, and for many tasks at once.

use std::time::Instant;

use crate::contender::{Contender, Exclusive};
use crate::measurement::Measurement;
use crate::plan::{ContendedPlan, Plan};
use crate::recorder::Recorder;

/// One wait in so many is measured by itself: often enough for a tail, and seldom enough for the two
/// looks at the clock to add less than a nanosecond to an operation. A prime, so that no rhythm of the
/// tasks hides some of the waits.
const EVERY: usize = 61;

/// Nobody else wants the lock.
pub(crate) async fn mutex_free<M: Exclusive>(plan: Plan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.locks);
    let mutex: &'static M = Box::leak(Box::new(M::new(0)));
    let mut expected = 0;
    while recorder.wants_more() {
        let begin = Instant::now();
        for _ in 0..plan.locks {
            *mutex.lock().await += 1;
        }
        recorder.add(begin.elapsed());
        expected += plan.locks as u64;
        assert_eq!(*mutex.lock().await, expected, "every operation counts");
    }
    recorder.finish()
}

/// All tasks want the lock. None waits for anything while it has it.
pub(crate) async fn mutex_contended<C: Contender, M: Exclusive>(
    contender: &'static C,
    plan: ContendedPlan,
) -> Measurement {
    let operations = plan.tasks * plan.times;
    let mut recorder = Recorder::new(plan.sampling, operations);
    let mutex: &'static M = Box::leak(Box::new(M::new(0)));
    let mut expected = 0;
    while recorder.wants_more() {
        let mut tasks = Vec::with_capacity(plan.tasks);
        let mut waits = Vec::with_capacity(operations);
        let begin = Instant::now();
        for _ in 0..plan.tasks {
            tasks.push(contender.spawn(add_often(mutex, plan.times)));
        }
        for task in tasks {
            waits.extend(C::join(task).await);
        }
        recorder.add(begin.elapsed());
        recorder.add_tail(&waits);
        expected += operations as u64;
        assert_eq!(*mutex.lock().await, expected, "every operation counts");
    }
    recorder.finish()
}

/// How long some of the waits took, in nanoseconds.
async fn add_often<M: Exclusive>(mutex: &'static M, times: usize) -> Vec<f64> {
    let mut waits = Vec::with_capacity(times / EVERY + 1);
    for time in 0..times {
        let begin = (time % EVERY == 0).then(Instant::now);
        let mut guard = mutex.lock().await;
        if let Some(begin) = begin {
            waits.push(begin.elapsed().as_nanos() as f64);
        }
        *guard += 1;
    }
    waits
}

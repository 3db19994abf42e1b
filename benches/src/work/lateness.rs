//! How much later than its deadline a task runs that sleeps.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::spin::spin;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::{LatenessPlan, Plan};
use crate::recorder::Recorder;

/// Nothing else is to be done.
pub(crate) async fn lateness<C: Contender>(
    contender: &'static C,
    plan: LatenessPlan,
) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.tasks * plan.sleeps);
    while recorder.wants_more() {
        recorder.add_latencies(&mut sleep_all(contender, plan).await);
    }
    recorder.finish()
}

/// Every worker has more than one task that computes and yields, until all have slept enough.
pub(crate) async fn lateness_busy<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    let late = plan.lateness;
    let mut recorder = Recorder::new(late.sampling, late.tasks * late.sleeps);
    let is_over: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    while recorder.wants_more() {
        is_over.store(false, Ordering::Relaxed);
        let compute = |_| contender.spawn(compute::<C>(late.computes, is_over));
        let busy: Vec<_> = (0..plan.workers * late.busy).map(compute).collect();
        let mut latenesses = sleep_all(contender, late).await;
        is_over.store(true, Ordering::Relaxed);
        let mut computed = 0;
        for task in busy {
            computed += C::join(task).await;
        }
        assert!(computed > 0, "the workers were busy");
        recorder.add_latencies(&mut latenesses);
    }
    recorder.finish()
}

/// How late each sleep of all tasks ended, in nanoseconds.
async fn sleep_all<C: Contender>(contender: &'static C, plan: LatenessPlan) -> Vec<f64> {
    let mut tasks = Vec::with_capacity(plan.tasks);
    for number in 0..plan.tasks {
        // Spread over one sleep, as tasks are that have nothing to do with each other.
        let phase = plan.duration * number as u32 / plan.tasks as u32;
        tasks.push(contender.spawn(sleep_again::<C>(phase, plan)));
    }
    let mut latenesses = Vec::with_capacity(plan.tasks * plan.sleeps);
    for task in tasks {
        latenesses.extend(C::join(task).await);
    }
    assert_eq!(latenesses.len(), plan.tasks * plan.sleeps, "every task slept as often");
    latenesses
}

async fn sleep_again<C: Contender>(phase: Duration, plan: LatenessPlan) -> Vec<f64> {
    let mut latenesses = Vec::with_capacity(plan.sleeps);
    C::sleep(phase).await;
    for _ in 0..plan.sleeps {
        let deadline = C::now() + plan.duration;
        C::sleep_until(deadline).await;
        let now = C::now();
        assert!(now >= deadline, "a sleep is not over before its deadline");
        latenesses.push((now - deadline).as_nanos() as f64);
    }
    latenesses
}

/// How often it has computed.
async fn compute<C: Contender>(computes: Duration, is_over: &AtomicBool) -> usize {
    let mut times = 0;
    while !is_over.load(Ordering::Relaxed) {
        spin(computes);
        times += 1;
        C::yield_now().await;
    }
    times
}

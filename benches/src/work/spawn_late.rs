//! How late a task starts whose parent computes right after spawning it.

use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;

use super::outside::outside;
use super::spin::spin;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

/// Cold: the workers have been asleep, and the parent wakes the first of them.
pub(crate) async fn spawn_late<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    outside(move || {
        let late = plan.late;
        let mut recorder = Recorder::new(plan.sampling, late.children);
        let mut latencies = Vec::with_capacity(late.children);
        while recorder.wants_more() {
            latencies.clear();
            for _ in 0..late.children {
                thread::sleep(plan.pause);
                let parent = contender.spawn(parent(contender, late.computes));
                latencies.push(block_on(C::join(parent)).as_nanos() as f64);
            }
            recorder.add_latencies(&mut latencies);
        }
        recorder.finish()
    })
    .await
}

/// Warm: the parent has spawned many children before, one at a time, and has awaited them.
pub(crate) async fn spawn_late_warm<C: Contender>(
    contender: &'static C,
    plan: Plan,
) -> Measurement {
    let late = plan.late;
    let mut recorder = Recorder::new(plan.sampling, late.children);
    let mut latencies = Vec::with_capacity(late.children);
    while recorder.wants_more() {
        latencies.clear();
        for _ in 0..late.children {
            for _ in 0..late.rounds {
                C::join(contender.spawn(async {})).await;
            }
            latencies.push(parent(contender, late.computes).await.as_nanos() as f64);
        }
        recorder.add_latencies(&mut latencies);
    }
    recorder.finish()
}

/// Spawns a child and computes. How much later than its spawn the child has started.
async fn parent<C: Contender>(contender: &'static C, computes: Duration) -> Duration {
    let begin = Instant::now();
    let child = contender.spawn(async move { begin.elapsed() });
    spin(computes);
    C::join(child).await
}

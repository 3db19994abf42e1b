//! What a loop uses that has little to do, or nothing.

use std::thread;
use std::time::{Duration, Instant};

use super::outside::outside;
use super::spin::spin;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;
use crate::usage::Usage;

/// Every worker has nothing to do: the one task waits for a thread outside, which sleeps.
pub(crate) async fn idle_cpu<C: Contender>(_contender: &'static C, plan: Plan) -> Measurement {
    outside(move || {
        let idle = plan.idle;
        let mut recorder = Recorder::new(idle.sampling, idle.window.as_millis() as usize);
        while recorder.wants_more() {
            let (begin, before) = (Instant::now(), Usage::now());
            thread::sleep(idle.window);
            let used = Usage::now().since(before).cpu;
            recorder.add_value(per_second(used, begin.elapsed()));
        }
        recorder.finish()
    })
    .await
}

/// One task computes and yields, again and again, and every other worker has nothing to do. What is
/// used beyond the one CPU that the task needs.
pub(crate) async fn idle_busy_one<C: Contender>(_contender: &'static C, plan: Plan) -> Measurement {
    let idle = plan.idle;
    let mut recorder = Recorder::new(idle.sampling, idle.window.as_millis() as usize);
    while recorder.wants_more() {
        let (begin, before) = (Instant::now(), Usage::now());
        let mut computed = Duration::ZERO;
        while begin.elapsed() < idle.window {
            spin(idle.computes);
            computed += idle.computes;
            C::yield_now().await;
        }
        let took = begin.elapsed();
        let used = Usage::now().since(before).cpu;
        recorder.add_value(per_second(used.saturating_sub(took), took));
        assert!(computed > Duration::ZERO && computed <= took, "one task computed");
    }
    recorder.finish()
}

/// Microseconds of CPU time a second.
fn per_second(used: Duration, took: Duration) -> f64 {
    used.div_duration_f64(took) * 1e6
}

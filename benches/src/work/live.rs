//! Tasks are spawned, wait all at once, are woken and joined: what one costs among so many.

use std::time::Instant;

use super::absent::Absent;
use super::crowd::Crowd;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::CrowdPlan;
use crate::recorder::Recorder;

pub(crate) async fn live<C: Contender>(contender: &'static C, plan: CrowdPlan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.tasks);
    let absent = Absent::new();
    while recorder.wants_more() {
        let mut crowd = Crowd::new(contender, absent, plan.tasks);
        let begin = Instant::now();
        crowd.gather().await;
        crowd.dismiss().await;
        recorder.add(begin.elapsed());
    }
    recorder.finish()
}

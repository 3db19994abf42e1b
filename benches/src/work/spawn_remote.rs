//! A thread that is no worker spawns tasks that count down, and waits until the last has run.

use std::time::Instant;

use super::countdown::Countdown;
use super::outside::outside;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn spawn_remote<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    outside(move || {
        let mut recorder = Recorder::new(plan.sampling, plan.tasks);
        let countdown = Countdown::of_this_thread();
        while recorder.wants_more() {
            countdown.begin(plan.tasks);
            let begin = Instant::now();
            for _ in 0..plan.tasks {
                C::detach(contender.spawn(async { countdown.one() }));
            }
            countdown.wait();
            recorder.add(begin.elapsed());
        }
        recorder.finish()
    })
    .await
}

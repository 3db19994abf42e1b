//! A thread that is no worker submits a few tasks that compute, to a loop that was idle.

use std::thread;
use std::time::Instant;

use super::countdown::Countdown;
use super::outside::outside;
use super::spin::spin;
use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn burst<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    outside(move || {
        let burst = plan.burst;
        let perfect = burst.computes * burst.tasks as u32 / plan.workers as u32;
        let mut recorder = Recorder::new(plan.sampling, burst.bursts);
        let mut values = Vec::with_capacity(burst.bursts);
        let countdown = Countdown::of_this_thread();
        while recorder.wants_more() {
            values.clear();
            for _ in 0..burst.bursts {
                thread::sleep(plan.pause);
                countdown.begin(burst.tasks);
                let begin = Instant::now();
                for _ in 0..burst.tasks {
                    C::detach(contender.spawn(async move {
                        spin(burst.computes);
                        countdown.one();
                    }));
                }
                countdown.wait();
                values.push(begin.elapsed().div_duration_f64(perfect));
            }
            recorder.add_latencies(&mut values);
        }
        recorder.finish()
    })
    .await
}

//! Pairs of tasks pass one message there and back, through a oneshot that belongs to no runtime.

use std::time::Instant;

use futures::channel::oneshot;

use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn ping_pong<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.pairs);
    let mut pairs = Vec::with_capacity(plan.pairs);
    while recorder.wants_more() {
        let begin = Instant::now();
        for message in 0..plan.pairs {
            pairs.push(contender.spawn(pair(contender, message)));
        }
        let mut answers = 0;
        for pair in pairs.drain(..) {
            answers += C::join(pair).await;
        }
        recorder.add(begin.elapsed());
        assert_eq!(answers, plan.pairs * (plan.pairs + 1) / 2, "every message came back, plus one");
    }
    recorder.finish()
}

/// One of a pair: spawns the other one.
async fn pair<C: Contender>(contender: &'static C, message: usize) -> usize {
    let (ping, pinged) = oneshot::channel();
    let (pong, ponged) = oneshot::channel();
    C::detach(contender.spawn(async move {
        let message: usize = pinged.await.expect("the first task sends");
        pong.send(message + 1).expect("the first task waits");
    }));
    ping.send(message).expect("the second task waits");
    ponged.await.expect("the second task answers")
}

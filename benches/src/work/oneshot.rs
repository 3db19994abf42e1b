//! Two tasks, and nothing but oneshots between them.

use std::time::Instant;

use crate::contender::{Contender, Single};
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

/// What is asked, and where the answer goes. The next request comes on a channel of its own.
struct Request<O: Single> {
    number: usize,
    reply: O::Sender<usize>,
    next: O::Receiver<Self>,
}

pub(crate) async fn oneshot<C: Contender, O: Single>(
    contender: &'static C,
    plan: Plan,
) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.round_trips);
    while recorder.wants_more() {
        let begin = Instant::now();
        let (mut requests, first) = O::new();
        let answers = contender.spawn(answer::<O>(first, plan.round_trips));
        for number in 0..plan.round_trips {
            let (reply, replied) = O::new();
            let (later, next) = O::new();
            O::send(requests, Request { number, reply, next });
            requests = later;
            assert_eq!(O::recv(replied).await, number, "the answer is to this request");
        }
        recorder.add(begin.elapsed());
        assert_eq!(C::join(answers).await, plan.round_trips, "every request was answered");
    }
    recorder.finish()
}

/// How many requests it answered.
async fn answer<O: Single>(mut requests: O::Receiver<Request<O>>, times: usize) -> usize {
    for _ in 0..times {
        let Request { number, reply, next } = O::recv(requests).await;
        O::send(reply, number);
        requests = next;
    }
    times
}

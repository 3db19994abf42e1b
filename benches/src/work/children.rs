//! Children that are ready at once, and one that waits for all of them: by hand, in a group, and
//! gathered.

use std::future::Future;
use std::time::Instant;

use crate::contender::{Combinators, Contender};
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn by_hand<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.children);
    while recorder.wants_more() {
        let begin = Instant::now();
        let tasks: Vec<_> = children(plan.children).map(|child| contender.spawn(child)).collect();
        let mut outputs = Vec::with_capacity(tasks.len());
        for task in tasks {
            outputs.push(C::join(task).await);
        }
        recorder.add(begin.elapsed());
        check(&outputs, plan.children);
    }
    recorder.finish()
}

pub(crate) async fn group<C: Combinators>(contender: &'static C, plan: Plan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.children);
    while recorder.wants_more() {
        let begin = Instant::now();
        contender.group(plan.children).await;
        recorder.add(begin.elapsed());
    }
    recorder.finish()
}

pub(crate) async fn gather_ready<C: Combinators>(contender: &'static C, plan: Plan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.children);
    while recorder.wants_more() {
        let begin = Instant::now();
        let outputs = contender.gather(children(plan.children).collect()).await;
        recorder.add(begin.elapsed());
        check(&outputs, plan.children);
    }
    recorder.finish()
}

fn children(count: usize) -> impl Iterator<Item: Future<Output = usize> + Send + 'static> {
    (0..count).map(|number| async move { number })
}

fn check(outputs: &[usize], children: usize) {
    assert!(outputs.iter().copied().eq(0..children), "all outputs, in order");
}

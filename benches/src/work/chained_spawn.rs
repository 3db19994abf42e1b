//! Each task spawns the next one; the last says that it has run.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures::channel::oneshot;

use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn chained_spawn<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    let mut recorder = Recorder::new(plan.sampling, plan.tasks);
    while recorder.wants_more() {
        let (last, has_run) = oneshot::channel();
        let begin = Instant::now();
        let first = Link { contender, number: 1, tasks: plan.tasks, last: Some(last) };
        C::detach(contender.spawn(first));
        let number = has_run.await.expect("the last task sends");
        recorder.add(begin.elapsed());
        assert_eq!(number, plan.tasks, "every task spawned the next one");
    }
    recorder.finish()
}

/// A task of the chain. By name, not as an `async fn`, which could not spawn itself without a box.
struct Link<C: Contender> {
    contender: &'static C,
    /// Which one it is, from one, and how many there are to be.
    number: usize,
    tasks: usize,
    /// For the last one's number; none in a task that has run.
    last: Option<oneshot::Sender<usize>>,
}

impl<C: Contender> Future for Link<C> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        let last = self.last.take().expect("a task is polled once");
        let Self { contender, number, tasks, .. } = *self;
        if number == tasks {
            last.send(number).expect("the first spawner waits");
        } else {
            let next = Self { contender, number: number + 1, tasks, last: Some(last) };
            C::detach(contender.spawn(next));
        }
        Poll::Ready(())
    }
}
